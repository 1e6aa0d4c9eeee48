"""Every grant over real sockets: what is given, and what is refused, and why."""

from __future__ import annotations

import time

import pytest

from rest_tools.utils.pkce import challenge_of, new_verifier

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
WEB, SERVICE = ("web", "web-secret"), ("service", "service-secret")


def test_client_credentials_give_an_access_token_and_nothing_else(wire):
    answer = wire.token(SERVICE, grant_type="client_credentials", scope="read")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer.json()["token_type"], answer.json()["expires_in"], answer.json()["scope"]) == ("Bearer", 300, "read")


@pytest.mark.parametrize("scope", ["", "offline_access", "openid profile"])
def test_scopes_of_people_mean_nothing_for_a_client_alone(wire, scope):
    answer = wire.token(SERVICE, grant_type="client_credentials", scope=scope)
    assert answer.json()["scope"] == "read write"


def test_a_code_gives_tokens(wire):
    answer = wire.exchange(wire.code())
    assert answer.status_code == 200
    tokens = {"access_token", "refresh_token", "id_token"}
    assert answer.json().keys() == {*tokens, "token_type", "expires_in", "refresh_expires_in", "scope"}
    assert answer.json()["scope"] == "openid profile read"


def test_a_client_with_a_secret_may_leave_out_pkce(wire):
    code = wire.code("web", code_challenge=None, code_challenge_method=None)
    assert wire.exchange(code, WEB, code_verifier=None).status_code == 200


def test_without_openid_there_is_no_id_token(wire):
    assert "id_token" not in wire.login(scope="read")


def test_a_code_works_once_and_the_second_time_ends_all_that_came_of_it(wire, refused):
    code = wire.code()
    first = wire.exchange(code).json()
    refused(wire.exchange(code), "invalid_grant", "used before")
    refused(wire.refresh(first["refresh_token"]), "invalid_grant", "revoked")
    assert wire.userinfo(first["access_token"]).status_code == 401


def test_a_wrong_verifier_uses_the_code_up(wire, refused):
    code = wire.code()
    refused(wire.exchange(code, code_verifier=new_verifier()), "invalid_grant", "does not match")
    refused(wire.exchange(code), "invalid_grant", "used before")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"code_verifier": None}, "code_verifier is missing"),
        ({"code_verifier": "short"}, "does not match"),
        ({"redirect_uri": "http://127.0.0.1:49153/callback"}, "not that of the authorization request"),
        ({"code": "unknown"}, "no such code"),
    ],
)
def test_an_exchange_is_refused(wire, refused, form, words):
    refused(wire.exchange(**{"code": wire.code(), **form}), "invalid_grant", words)


@pytest.mark.parametrize("name", ["code", "redirect_uri"])
def test_an_exchange_needs_its_parameters(wire, refused, name):
    refused(wire.exchange(**{"code": wire.code(), name: None}), "invalid_request", f"{name} is missing")


def test_a_code_is_for_the_client_that_asked(wire, refused):
    code = wire.code()
    refused(wire.exchange(code, WEB), "invalid_grant", "no such code for this client")
    assert wire.exchange(code).status_code == 200  # it was not used up by somebody else


def test_a_code_expires(wire, identity, refused):
    code = wire.code()
    identity.behave(clock_skew=61)
    refused(wire.exchange(code), "invalid_grant", "expired")


def test_a_verifier_without_a_challenge_is_refused(wire, refused):
    """RFC 9700, 2.1.1: an attacker could have taken the challenge out of the request."""
    code = wire.code("web", code_challenge=None, code_challenge_method=None)
    refused(wire.exchange(code, WEB), "invalid_grant", "without a code_challenge")


def test_refresh_tokens_rotate(wire):
    first = wire.login()
    second = wire.refresh(first["refresh_token"]).json()
    third = wire.refresh(second["refresh_token"]).json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert len({first["access_token"], second["access_token"], third["access_token"]}) == 3


def test_a_rotated_refresh_token_ends_its_family_when_it_comes_back(wire, refused):
    first = wire.login()
    second = wire.refresh(first["refresh_token"]).json()
    refused(wire.refresh(first["refresh_token"]), "invalid_grant", "used before")
    refused(wire.refresh(second["refresh_token"]), "invalid_grant", "revoked")
    for tokens in (first, second):
        assert wire.userinfo(tokens["access_token"]).status_code == 401


def test_other_families_live_on(wire, refused):
    one, other = wire.login(), wire.login()
    wire.refresh(one["refresh_token"])
    refused(wire.refresh(one["refresh_token"]), "invalid_grant", "used before")
    assert wire.refresh(other["refresh_token"]).status_code == 200


def test_a_refresh_may_ask_for_less_and_later_for_all_again(wire, refused):
    narrow = wire.refresh(wire.login(scope="openid read write")["refresh_token"], scope="read").json()
    assert narrow["scope"] == "read"
    assert "id_token" not in narrow
    whole = wire.refresh(narrow["refresh_token"], scope="").json()
    assert whole["scope"] == "openid read write"
    refused(wire.refresh(whole["refresh_token"], scope="read email"), "invalid_scope", "more than was granted")


def test_asking_for_too_much_does_not_use_the_refresh_token_up(wire, refused):
    tokens = wire.login(scope="read")
    refused(wire.refresh(tokens["refresh_token"], scope="write"), "invalid_scope", "more than was granted")
    assert wire.refresh(tokens["refresh_token"]).status_code == 200


def test_a_refresh_token_expires(wire, identity, refused):
    tokens = wire.login()
    identity.behave(clock_skew=1801)
    refused(wire.refresh(tokens["refresh_token"]), "invalid_grant", "expired")


def test_each_refresh_token_lives_as_long_again(wire, identity):
    tokens = wire.login()
    for hours in range(1, 4):
        identity.behave(clock_skew=1700 * hours)
        tokens = wire.refresh(tokens["refresh_token"]).json()
    assert "access_token" in tokens


def test_a_refresh_token_is_for_its_client(wire, refused):
    token = str(wire.login()["refresh_token"])
    refused(wire.token(WEB, grant_type="refresh_token", refresh_token=token), "invalid_grant", "for this client")
    refused(wire.refresh("unknown"), "invalid_grant", "no such refresh token")
    refused(wire.token(grant_type="refresh_token", client_id="app"), "invalid_request", "refresh_token is missing")


def test_a_device_waits_for_the_person(wire, identity, refused):
    device = wire.device(scope="openid offline_access ")
    assert (device["expires_in"], device["interval"]) == (600, 5)
    assert device["verification_uri_complete"] == f"{device['verification_uri']}?user_code={device['user_code']}"
    refused(wire.poll(device["device_code"]), "authorization_pending", "not answered yet")
    identity.allow_device(device["user_code"])
    identity.behave(clock_skew=5)
    answer = wire.poll(device["device_code"])
    assert answer.status_code == 200
    assert answer.json()["scope"] == "offline_access openid"
    assert {"access_token", "refresh_token", "id_token"} <= answer.json().keys()


def test_polls_that_are_too_fast_slow_down_more_and_more(wire, identity, refused):
    code = wire.device()["device_code"]
    refused(wire.poll(code), "authorization_pending", "not answered")
    refused(wire.poll(code), "slow_down", "wait 10 seconds")
    identity.behave(clock_skew=9)  # of ten
    refused(wire.poll(code), "slow_down", "wait 15 seconds")
    identity.behave(clock_skew=24)  # fifteen since
    refused(wire.poll(code), "authorization_pending", "not answered")


def test_a_device_is_told_that_the_person_said_no(wire, identity, refused):
    device = wire.device()
    identity.deny_device(device["user_code"])
    refused(wire.poll(device["device_code"]), "access_denied", "said no")


def test_a_device_code_expires(wire, identity, refused):
    device = wire.device()
    identity.behave(clock_skew=601)
    refused(wire.poll(device["device_code"]), "expired_token", "expired")
    with pytest.raises(ValueError, match="expired"):
        identity.allow_device(device["user_code"])


def test_a_device_code_works_once(wire, identity, refused):
    device = wire.device()
    identity.allow_device(device["user_code"])
    tokens = wire.poll(device["device_code"]).json()
    refused(wire.poll(device["device_code"]), "invalid_grant", "used before")
    refused(wire.refresh(tokens["refresh_token"]), "invalid_grant", "revoked")
    with pytest.raises(ValueError, match="no such code"):
        identity.allow_device(device["user_code"])


def test_a_device_code_is_for_its_client(wire, refused):
    code = wire.device()["device_code"]
    refused(wire.token(WEB, grant_type=DEVICE_CODE, device_code=code), "invalid_grant", "for this client")
    refused(wire.poll("unknown"), "invalid_grant", "no such device code")
    refused(wire.token(grant_type=DEVICE_CODE, client_id="app"), "invalid_request", "device_code is missing")


def test_a_device_that_began_with_pkce_has_to_end_with_it(wire, identity, refused):
    identity.adjust(device_interval=0)
    device = wire.device(code_challenge=challenge_of(wire.verifier), code_challenge_method="S256")
    identity.allow_device(device["user_code"])
    refused(wire.poll(device["device_code"]), "invalid_grant", "code_verifier is missing")
    refused(wire.poll(device["device_code"], code_verifier=new_verifier()), "invalid_grant", "does not match")
    assert wire.poll(device["device_code"], code_verifier=wire.verifier).status_code == 200


@pytest.mark.parametrize(
    ("form", "error", "words"),
    [
        ({"scope": "admin"}, "invalid_scope", "may not ask"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request", "must be S256"),
        ({"code_challenge": "x" * 43}, "invalid_request", "must be S256"),
        ({"code_challenge": "x", "code_challenge_method": "S256"}, "invalid_request", "43 characters"),
        ({"code_challenge_method": "S256"}, "invalid_request", "without a code_challenge"),
    ],
)
def test_a_device_authorization_is_refused(wire, refused, form, error, words):
    refused(wire.post("/device_authorization", {"client_id": "app", **form}), error, words)


@pytest.mark.parametrize(
    ("auth", "form", "error", "words"),
    [
        (WEB, {"scope": ""}, "invalid_request", "grant_type is missing"),
        (WEB, {"grant_type": "password"}, "unsupported_grant_type", "one of authorization_code"),
        (WEB, {"grant_type": "client_credentials"}, "unauthorized_client", "may not use client_credentials"),
        (SERVICE, {"grant_type": "refresh_token"}, "unauthorized_client", "may not use refresh_token"),
        (SERVICE, {"grant_type": "client_credentials", "scope": "admin"}, "invalid_scope", "may not ask"),
    ],
)
def test_a_grant_is_refused(wire, refused, auth, form, error, words):
    refused(wire.token(auth, **form), error, words)


def test_a_service_may_not_begin_a_device_login(wire, refused):
    refused(
        wire.post("/device_authorization", {"scope": "read"}, SERVICE),
        "unauthorized_client",
        "may not use device codes",
    )


def test_lifetimes_can_be_adjusted(wire, identity):
    identity.adjust(lifetime_access=0.2, lifetime_refresh=7, lifetime_device=9, device_interval=0.5)
    tokens = wire.login()
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (0.2, 7)
    device = wire.device()
    assert (device["expires_in"], device["interval"]) == (9, 0.5)
    time.sleep(0.25)
    assert wire.userinfo(tokens["access_token"]).status_code == 401
    identity.adjust(lifetime_access=60)
    assert wire.userinfo(wire.login()["access_token"]).status_code == 200
