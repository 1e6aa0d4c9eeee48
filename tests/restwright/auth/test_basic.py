from __future__ import annotations

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from restwright.auth import BasicAuth, BearerAuth, HeaderAuth, as_auth


def field(auth) -> str:
    prepared = requests.Request("GET", "http://h/", auth=auth).prepare()
    return prepared.headers["Authorization"]


def test_basic_is_that_of_requests():
    assert field(BasicAuth("user", "pass")) == field(HTTPBasicAuth("user", "pass")) == "Basic dXNlcjpwYXNz"


def test_basic_sends_text_as_utf_8():
    """RFC 7617, 2.1."""
    assert field(BasicAuth("test", "123£")) == "Basic dGVzdDoxMjPCow=="
    assert field(BasicAuth("test", "123£".encode())) == "Basic dGVzdDoxMjPCow=="
    assert field(BasicAuth("test", "123€")) == "Basic dGVzdDoxMjPigqw="


def test_bearer():
    assert field(BearerAuth("abc.def")) == "Bearer abc.def"


def test_any_value():
    assert field(HeaderAuth("Portal xyz\té")) == "Portal xyz\té"


@pytest.mark.parametrize("auth", [BasicAuth("user", "s3cret"), BearerAuth("s3cret"), HeaderAuth("s3cret")])
def test_credentials_are_never_shown(auth):
    assert repr(auth) == str(auth) == f"{type(auth).__name__}(***)"


@pytest.mark.parametrize("token", ["s3cret\n", "s3cret\r\nX-Admin: yes", "s3cret\x00", "s3cret\x7f", "s3cret€"])
def test_what_no_header_field_can_hold_is_refused_without_being_shown(token):
    with pytest.raises(requests.exceptions.InvalidHeader, match="line break") as raised:
        BearerAuth(token)
    assert isinstance(raised.value, ValueError)
    assert "s3cret" not in str(raised.value)


def test_equal_credentials_are_equal():
    assert BearerAuth("a") == BearerAuth("a") != BearerAuth("b")
    assert hash(BearerAuth("a")) == hash(BearerAuth("a"))
    assert BearerAuth("a") != "Bearer a"


def test_they_do_not_block():
    assert BearerAuth("a").instant


@pytest.mark.parametrize("pair", [("user", "pass"), ["user", "pass"], (b"user", b"pass")])
def test_a_pair_is_basic(pair):
    assert as_auth(pair) == BasicAuth("user", "pass")


def test_a_pair_of_other_values_is_basic_with_their_text():
    assert as_auth(("user", 7)) == BasicAuth("user", "7")


def test_any_policy_of_requests_is_taken_as_it_is():
    digest = HTTPDigestAuth("user", "pass")
    assert as_auth(digest) is digest


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_auth(nothing):
    assert as_auth(nothing) is None


@pytest.mark.parametrize("wrong", ["token", "ab", 7, ("user",), ("user", "pass", "more"), {"user": "pass"}])
def test_anything_else_is_refused_without_being_shown(wrong):
    with pytest.raises(TypeError, match=rf"got {type(wrong).__name__}$"):
        as_auth(wrong)
