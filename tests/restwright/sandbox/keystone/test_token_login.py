"""The jwt era: access tokens, refresh tokens, a blacklist."""

from __future__ import annotations

import time

import jwt
import pytest

from restwright.testing import FakeClock

ADMIN = {"username": "admin", "password": "admin-secret"}
INVALID = {"detail": "Token is invalid or expired", "code": "token_not_valid"}
NOT_FOR_ANY = {
    "detail": "Given token not valid for any token type",
    "code": "token_not_valid",
    "messages": [{"token_class": "AccessToken", "token_type": "access", "message": "Token is invalid or expired"}],
}


@pytest.fixture
def api(old_keystone, log_in):
    return log_in(old_keystone, "nobody")


@pytest.fixture
def tokens(api):
    return api.post("authentication/new/", ADMIN).json()


def whoami(api, access: str):
    return api.send("GET", "allocations/clusters/", headers={"Authorization": f"Bearer {access}"})


@pytest.mark.parametrize("how", ["json", "data"])
def test_a_log_in_gives_two_tokens_with_real_times(api, how):
    answer = api.send("POST", "authentication/new/", **{how: ADMIN})
    assert answer.status_code == 200
    assert sorted(answer.json()) == ["access", "refresh"]
    for kind, lifetime in (("access", 300), ("refresh", 86400)):
        token = answer.json()[kind]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert jwt.get_unverified_header(token)["alg"] == "HS256"
        assert sorted(claims) == ["exp", "iat", "jti", "token_type", "user_id"]
        assert (claims["token_type"], claims["user_id"]) == (kind, 1)
        assert claims["exp"] - claims["iat"] == lifetime
        assert abs(claims["iat"] - time.time()) < 5
    assert whoami(api, answer.json()["access"]).status_code == 200


def test_a_log_in_is_noted_with_the_user(api, old_keystone, log_in, tokens):
    assert log_in(old_keystone).get("users/users/1/").json()["last_login"] is not None
    assert log_in(old_keystone).get("users/users/2/").json()["last_login"] is None


@pytest.mark.parametrize(
    ("route", "body", "status", "answer"),
    [
        (
            "new",
            {**ADMIN, "password": "x"},
            401,
            {"detail": "No active account found with the given credentials"},
        ),
        ("new", {}, 400, {"username": ["This field is required."], "password": ["This field is required."]}),
        ("refresh", {}, 400, {"refresh": ["This field is required."]}),
        ("refresh", {"refresh": "x"}, 401, INVALID),
        ("blacklist", {"refresh": "x"}, 401, INVALID),
    ],
)
def test_what_is_refused(api, route, body, status, answer):
    refused = api.post(f"authentication/{route}/", body)
    assert (refused.status_code, refused.json()) == (status, answer)
    assert ("WWW-Authenticate" in refused.headers) == (status == 401)


def test_a_refresh_gives_an_access_token_and_nothing_else(api, tokens):
    answer = api.send("POST", "authentication/refresh/", data={"refresh": tokens["refresh"]})
    assert (answer.status_code, list(answer.json())) == (200, ["access"])
    assert answer.json()["access"] != tokens["access"]
    assert whoami(api, answer.json()["access"]).status_code == 200


def test_a_blacklisted_token_gives_nothing_more_but_access_tokens_live_on(api, tokens):
    answer = api.post("authentication/blacklist/", {"refresh": tokens["refresh"]})
    assert (answer.status_code, answer.json()) == (200, {})
    for route in ("refresh", "blacklist"):
        refused = api.post(f"authentication/{route}/", {"refresh": tokens["refresh"]})
        assert refused.json() == {"detail": "Token is blacklisted", "code": "token_not_valid"}
        assert refused.status_code == 401
    assert whoami(api, tokens["access"]).status_code == 200


def test_a_token_is_for_one_purpose(api, tokens):
    refused = api.post("authentication/refresh/", {"refresh": tokens["access"]})
    assert refused.json() == {"detail": "Token has wrong type", "code": "token_not_valid"}
    refused = whoami(api, tokens["refresh"])
    assert (refused.status_code, refused.json()["messages"][0]["message"]) == (401, "Token has wrong type")


def test_tokens_end_with_time(services, log_in):
    clock = FakeClock(1e9)
    api = log_in(services(era="jwt", clock=clock, access_lifetime=10.0, refresh_lifetime=20.0), "nobody")
    tokens = api.post("authentication/new/", ADMIN).json()
    clock.sleep(9)
    assert whoami(api, tokens["access"]).status_code == 200
    clock.sleep(1)
    assert whoami(api, tokens["access"]).json() == NOT_FOR_ANY
    assert api.post("authentication/refresh/", {"refresh": tokens["refresh"]}).status_code == 200
    clock.sleep(10)
    assert api.post("authentication/refresh/", {"refresh": tokens["refresh"]}).json() == INVALID


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("", "Authentication credentials were not provided."),
        ("Token x", "Authentication credentials were not provided."),
        ("Bearer x", NOT_FOR_ANY["detail"]),
        ("Bearer a b", "Authorization header must contain two space-delimited values"),
    ],
)
def test_without_a_good_token_a_request_is_401(api, header, detail):
    answer = api.send("GET", "allocations/clusters/", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["detail"]) == (401, detail)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_token_of_another_key_is_401(api, tokens):
    claims = jwt.decode(tokens["access"], options={"verify_signature": False})
    forged = jwt.encode(claims, "another key, long enough for HS256", algorithm="HS256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    for token in (forged, unsigned):
        assert whoami(api, token).json() == NOT_FOR_ANY


def test_a_token_of_who_is_gone_or_not_active_is_401(api, old_keystone, log_in):
    staff, carol, dave = (log_in(old_keystone, who) for who in ("staff", "carol", "dave"))
    staff.patch(f"users/users/{carol.id}/", {"is_active": False})
    staff.delete(f"users/users/{dave.id}/")
    for one, code in ((carol, "user_inactive"), (dave, "user_not_found")):
        answer = one.get("allocations/clusters/")
        assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_a_log_in_does_not_look_at_the_header(api):
    answer = api.send("POST", "authentication/new/", json=ADMIN, headers={"Authorization": "Bearer x"})
    assert answer.status_code == 200
