import pytest
import requests

from kinto_http.tokens import BearerTokenAuth, TokenAuth


@pytest.mark.parametrize("auth_class", [TokenAuth, BearerTokenAuth])
@pytest.mark.parametrize(
    ("args", "field"),
    [(("t0",), "Bearer t0"), (("t0", ""), "Bearer t0"), (("t0", "Bearer+OIDC"), "Bearer+OIDC t0")],
)
def test_a_request_is_signed(auth_class, args, field):
    prepared = requests.Request("GET", "http://h/", auth=auth_class(*args)).prepare()
    assert prepared.headers["Authorization"] == field


def test_attributes():
    auth = BearerTokenAuth("t0", type="Basic")
    assert (auth.token, auth.type) == ("t0", "Basic")
    assert isinstance(auth, TokenAuth)


def test_equal_ones_sign_alike():
    assert TokenAuth("t0") == BearerTokenAuth("t0", "Bearer")
    assert TokenAuth("t0") != TokenAuth("t1")
    assert TokenAuth("t0") != TokenAuth("t0", "Basic")
    assert TokenAuth("t0") != ("Bearer", "t0")
    assert len({TokenAuth("t0"), BearerTokenAuth("t0"), TokenAuth("t1")}) == 2


def test_the_token_is_not_shown():
    auth = BearerTokenAuth("s3cr3t", type="Bearer+OIDC")
    assert repr(auth) == "BearerTokenAuth('***', type='Bearer+OIDC')"
    assert "s3cr3t" not in f"{auth} {[auth]}"
