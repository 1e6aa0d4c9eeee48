"""What is in tokens, checked with PyJWT and the published keys."""

from __future__ import annotations

import base64
import hashlib
import time

import jwt
import pytest
import requests

from rest_tools.utils import OpenIDAuth

SERVICE = ("service", "service-secret")


def claims_of(wire, token, audience="app", algorithm="RS256"):
    key = jwt.PyJWKClient(f"{wire.url}/jwks").get_signing_key_from_jwt(token)
    required = {"require": ["exp", "iat", "iss", "sub", "aud"]}
    return jwt.decode(token, key.key, [algorithm], audience=audience, issuer=wire.identity.issuer, options=required)


def test_an_access_token_tells_whose_it_is_and_what_for(wire, identity):
    token = wire.login()["access_token"]
    claims = claims_of(wire, token)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("RS256", "at+jwt")
    assert claims["sub"] == identity.users["alice"].sub != "alice"
    assert claims["exp"] - claims["iat"] == 300
    assert abs(claims["iat"] - time.time()) < 10
    assert claims["auth_time"] <= claims["iat"]
    expected = {
        "client_id": "app",
        "scope": "openid profile read",
        "role": "admin",
        "groups": ["/admins", "/users"],
        "realm_access": {"roles": ["admin", "user"]},
        "preferred_username": "alice",
        "upn": "alice@example.com",
    }
    assert expected.items() <= claims.items()
    assert len({claims_of(wire, wire.login()["access_token"])["jti"] for _ in range(3)}) == 3


def test_claims_are_those_of_the_user(wire, identity):
    identity.add_user("carol", "pw", role="auditor", groups=["/x"], realm_access={"roles": []}, sub="not this")
    claims = claims_of(wire, identity.issue("carol")["access_token"])
    assert {"role": "auditor", "groups": ["/x"], "realm_access": {"roles": []}}.items() <= claims.items()
    assert claims["sub"] == identity.users["carol"].sub


def test_an_audience_may_be_given(wire, identity):
    identity.add_client("other", audience="https://api.example")
    token = identity.issue(client="other")["access_token"]
    assert claims_of(wire, token, "https://api.example")["aud"] == "https://api.example"


def test_the_token_of_a_client_is_about_the_client(wire):
    token = wire.token(SERVICE, grant_type="client_credentials").json()["access_token"]
    claims = claims_of(wire, token, "service")
    assert (claims["sub"], claims["client_id"], claims["role"]) == ("service", "service", "service")
    assert "auth_time" not in claims


def test_an_id_token_is_for_the_client_and_for_this_login(wire):
    tokens = wire.login(nonce="n-1", scope="openid email")
    claims = claims_of(wire, tokens["id_token"])
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert (claims["nonce"], claims["aud"], claims["azp"]) == ("n-1", "app", "app")
    assert claims["email"] == "alice@example.com"
    assert "name" not in claims
    assert abs(claims["auth_time"] - time.time()) < 10


def test_the_id_token_of_a_refresh_is_about_the_same_login_and_has_no_nonce(wire, identity):
    """OpenID Connect Core, 12.2."""
    first = wire.login(nonce="n-1")
    identity.behave(clock_skew=50)
    second = wire.refresh(first["refresh_token"]).json()
    one, other = claims_of(wire, first["id_token"]), jwt.decode(second["id_token"], options={"verify_signature": False})
    assert "nonce" not in other
    assert (one["auth_time"], one["sub"]) == (other["auth_time"], other["sub"])
    assert other["iat"] >= one["iat"] + 50


def test_keys_are_published_as_public_halves(wire):
    keys = requests.get(f"{wire.url}/jwks", timeout=30).json()["keys"]
    assert {"kid", "use", "alg", "kty", "n", "e"} in [set(key) for key in keys]
    assert [key for key in keys if "d" in key] == []


def test_tokens_can_be_signed_on_an_elliptic_curve(wire, identity):
    identity.adjust(algorithm="ES256")
    token = wire.login()["access_token"]
    assert claims_of(wire, token, algorithm="ES256")["preferred_username"] == "alice"
    assert identity.metadata["id_token_signing_alg_values_supported"] == ["ES256"]
    identity.reset()
    assert jwt.get_unverified_header(wire.login()["access_token"])["alg"] == "RS256"


def test_after_a_rotation_old_tokens_are_good_until_the_old_keys_are_withdrawn(wire, identity):
    old = wire.login()["access_token"]
    identity.rotate_keys()
    new = wire.login()["access_token"]
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    assert claims_of(wire, old)["sub"] == claims_of(wire, new)["sub"]
    identity.rotate_keys(withdraw=True)
    with pytest.raises(jwt.PyJWKClientError):
        claims_of(wire, old)
    assert len(requests.get(f"{wire.url}/jwks", timeout=30).json()["keys"]) == 1


def test_access_tokens_can_be_opaque(wire, identity):
    identity.adjust(access_tokens="opaque")
    tokens = wire.login()
    assert "." not in tokens["access_token"]
    assert wire.userinfo(tokens["access_token"]).json()["preferred_username"] == "alice"
    assert claims_of(wire, tokens["id_token"])["at_hash"]


def test_refresh_tokens_can_be_jwts_as_those_of_keycloak(wire, identity):
    identity.adjust(refresh_tokens="jwt")
    tokens = wire.login(scope="openid read")
    claims = claims_of(wire, tokens["refresh_token"], identity.issuer)
    assert (claims["scope"], claims["azp"], claims["exp"] - claims["iat"]) == ("openid read", "app", 1800)
    assert wire.refresh(tokens["refresh_token"]).status_code == 200


def test_our_own_server_takes_the_tokens(wire, identity):
    auth = OpenIDAuth(identity.url, audience="app")
    assert auth.token_url == f"{identity.url}/token"
    assert auth.validate(wire.login()["access_token"])["preferred_username"] == "alice"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"lifetime_access": 0}, "lifetime_access must be a number of seconds, more than 0, got 0"),
        ({"lifetime_code": "60"}, "lifetime_code must be a number"),
        ({"lifetime_refresh": True}, "lifetime_refresh must be a number"),
        ({"device_interval": -1}, "device_interval must be 0 to 3600"),
        ({"algorithm": "HS256"}, "algorithm must be one of RS256, ES256, got 'HS256'"),
        ({"access_tokens": "xml"}, "access_tokens must be one of jwt, opaque"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error(identity, setting, words):
    with pytest.raises(ValueError, match=words):
        identity.adjust(**setting)
    with pytest.raises(TypeError, match="there is no setting 'lifetime_tea', but lifetime_access"):
        identity.adjust(lifetime_tea=3)
