"""The life of a provider: it starts, it stops, and it leaves nothing behind."""

from __future__ import annotations

import errno
import threading
import time

import pytest
import requests

from restwright.sandbox import identity_provider
from restwright.sandbox.identity import Client, User


def test_it_ends_with_its_block_and_leaves_no_thread():
    before = threading.active_count()
    with identity_provider(control=True) as idp:
        urls = idp.url, idp.control_url
        assert requests.get(f"{idp.url}/jwks", timeout=30).status_code == 200
        assert requests.get(f"{idp.control_url}/requests", timeout=30).status_code == 200
    assert threading.active_count() == before
    for url in urls:
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/jwks", timeout=30)
    idp.close()
    with pytest.raises(RuntimeError, match="this sandbox is closed"):
        idp.behave(status=500)


def test_it_closes_at_once_also_while_it_blocks():
    with identity_provider() as idp:
        idp.behave(block=True)
        failures = []

        def ask():
            try:
                requests.get(f"{idp.url}/jwks", timeout=59)
            except requests.ConnectionError as error:
                failures.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        while idp.count("jwks") == 0:
            time.sleep(0.01)
        begin = time.monotonic()
    assert time.monotonic() - begin < 30
    asking.join(30)
    assert len(failures) == 1


def test_a_port_in_use_is_an_error_and_leaves_no_thread():
    with identity_provider() as idp:
        before = threading.active_count()
        with pytest.raises(OSError, match="in use") as raised:
            identity_provider(port=int(idp.url.rpartition(":")[2]))
        assert raised.value.errno == errno.EADDRINUSE
        assert threading.active_count() == before


def test_it_listens_where_it_is_told():
    with identity_provider(address="localhost") as idp:
        assert idp.url.startswith("http://localhost:")
        assert requests.get(f"{idp.issuer}/jwks", timeout=30).status_code == 200


def test_it_knows_the_users_and_clients_that_it_is_given():
    robot = Client("robot", secret="s", grant_types=("client_credentials",))
    with identity_provider(users=[User("eve", "pw")], clients=[robot], lifetime_access=5) as idp:
        assert (list(idp.users), list(idp.clients)) == (["eve"], ["robot"])
        form = {"grant_type": "client_credentials"}
        answer = requests.post(f"{idp.url}/token", form, auth=("robot", "s"), timeout=30)
        assert answer.json()["expires_in"] == 5
        idp.reset()
        assert (list(idp.users), idp.settings.lifetime_access) == (["eve"], 5)


@pytest.mark.parametrize(("name", "password"), [("", "x"), ("x", "")])
def test_a_user_needs_a_name_and_a_password(name, password):
    with pytest.raises(ValueError, match="a user needs a name and a password"):
        User(name, password)


def test_two_of_them_are_strangers():
    with identity_provider() as one, identity_provider() as other:
        token = one.issue()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{one.url}/userinfo", headers=headers, timeout=30).status_code == 200
        assert requests.get(f"{other.url}/userinfo", headers=headers, timeout=30).status_code == 401
        assert (one.count(), other.count()) == (1, 1)
        assert one.url in repr(one)
