from __future__ import annotations

import types

import pytest

from rest_tools.server.callers import digest, user_or_address, user_or_credentials


def handler(user=None, address="192.0.2.1", **headers):
    return types.SimpleNamespace(current_user=user, request=types.SimpleNamespace(remote_ip=address, headers=headers))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        (None, ""),
    ],
)
def test_the_unknown_are_known_by_address_or_network(address, name):
    assert user_or_address(handler(address=address)) == f"address {name}"


def test_a_user_is_no_address_and_no_credentials():
    names = {
        user_or_address(handler("joe")),
        user_or_address(handler(address="joe")),
        user_or_credentials(handler(Authorization="joe")),
        user_or_credentials(handler()),
    }
    assert len(names) == 4
    assert user_or_credentials(handler("joe", Authorization="x")) == user_or_address(handler("joe"))


def test_a_digest_tells_parts_apart_and_nothing_of_them():
    assert digest("a", "bc") != digest("ab", "c") != digest("abc")
    assert digest("a", b"b") == digest(b"a", "b")
    assert digest("\ud800") != digest("\ud801")
    assert len(digest("joe")) == 64
