"""What can be wrong with an answer of a token endpoint, whatever the grant."""

from __future__ import annotations

import pytest

from restwright import Response
from restwright.errors import (
    ConnectTimeout,
    LoginDenied,
    LoginError,
    LoginExpired,
    NotConnected,
    ReadTimeout,
    TooLarge,
    TransportError,
)
from restwright.oauth2 import ProviderMetadata
from restwright.oauth2.client_auth import ClientAuth
from restwright.oauth2.client_credentials import client_credentials
from restwright.oauth2.refresh import refresh
from restwright.oauth2.token_endpoint import Registration
from restwright.oauth2.tokens import TokenSet
from restwright.testing import FakeClock, Reply, play, serve
from restwright.testing.faults import (
    bomb,
    deep_json,
    drip_body,
    endless_body,
    hang_before,
    hang_within_body,
    html,
    redirect_to,
    reset_before,
)

URL = "https://idp.example/token"
GRANT = {"access_token": "abc", "token_type": "Bearer", "expires_in": 60}


def registration(secret="s3cr3t", url=URL, **settings):
    return Registration(ProviderMetadata(url), ClientAuth("app", secret), **settings)


def granted(*answers, **settings):
    return play(client_credentials(registration(**settings)), *answers)


def test_the_request_is_a_form_that_is_never_redirected():
    asked = []
    play(client_credentials(registration()), Response(200, json=GRANT), asked=asked)
    assert len(asked) == 1
    request = asked[0]
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Accept"] == "application/json"
    assert request.max_bytes == 1 << 20


def test_expiry_counts_from_when_it_was_asked_for():
    clock = FakeClock(1000.0)
    plan = client_credentials(registration(clock=clock))
    next(plan)
    clock.now = 1005.0
    with pytest.raises(StopIteration) as stop:
        plan.send(Response(200, json=GRANT))
    assert stop.value.value.expires_at == 1060.0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_request", LoginError),
        ("invalid_client", LoginError),
        ("invalid_grant", LoginExpired),
        ("unauthorized_client", LoginError),
        ("unsupported_grant_type", LoginError),
        ("invalid_scope", LoginError),
        ("access_denied", LoginDenied),
        ("expired_token", LoginExpired),
        ("something_new", LoginError),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 200, 500])
def test_a_refusal_says_what_the_provider_says(status, code, kind):
    """Some providers answer 200 to what they refuse."""
    answer = {"error": code, "error_description": "Because\nof it", "error_uri": "https://idp.example/help"}
    with pytest.raises(LoginError) as caught:
        granted(Response(status, json=answer))
    assert type(caught.value) is kind
    assert str(caught.value) == f"POST {URL}: no token: {code}: Because of it (see https://idp.example/help)"
    assert (caught.value.error, caught.value.description) == (code, "Because of it")
    assert caught.value.uri == "https://idp.example/help"


@pytest.mark.parametrize("description", [None, 7, [], {"a": 1}, "", "x" * 10_000, "\x1b[2J\x00 red", "\u202e evil"])
def test_a_refusal_is_one_printable_line(description):
    with pytest.raises(LoginError) as caught:
        granted(Response(400, json={"error": "invalid_grant" * 100, "error_description": description}))
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 500


def test_a_secret_that_the_provider_repeats_is_not_shown():
    said = "client_secret s&cret (or s%26cret) is wrong for Basic YXBwOnMlMjZjcmV0"
    with pytest.raises(LoginError) as caught:
        granted(Response(401, json={"error": "invalid_client", "error_description": said}), secret="s&cret")
    assert "*** (or ***) is wrong for Basic ***" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(200, content=b"<html>"), "no token: the answer is no JSON object"),
        (Response(200, json=[GRANT]), "the answer is no JSON object"),
        (Response(200, json="abc"), "the answer is no JSON object"),
        (Response(204), "the answer is no JSON object"),
        (Response(200, content=b"access_token=abc"), "the answer is no JSON object"),
        (Response(201, json=GRANT), "no token: the answer is no JSON object"),
        (Response(200, json={"token_type": "Bearer"}), "no token: missing_token: Missing access token parameter"),
        (Response(200, json={**GRANT, "access_token": None}), "the answer has no access_token"),
        (Response(200, json={**GRANT, "token_type": "mac"}), "unknown token_type 'mac'"),
        (Response(200, json={**GRANT, "expires_in": -1}), "expires_in of the answer is '-1'"),
        (Response(200, json={**GRANT, "expires_in": "soon"}), "expires_in of the answer is 'soon'"),
        (Response(200, json={**GRANT, "scope": 7}), "scope of the answer is a int"),
        (Response(500, content=b"<html>"), "no token: 500 Internal Server Error"),
        (Response(404), "no token: 404 Not Found"),
        (Response(400, json={"error": 7}), "no token: 400 Bad Request"),
        (
            Response(302, headers={"Location": "https://evil.example/x?secret"}),
            "a redirect to https://evil.example, and",
        ),
        (Response(307, headers={"Location": "/token2"}), "307 Temporary Redirect, a redirect, and such a request"),
        (Response(308, headers={"Location": "https://[::"}), "308 Permanent Redirect, a redirect, and"),
    ],
)
def test_an_answer_that_is_no_grant_is_refused(answer, said):
    with pytest.raises(LoginError, match=said) as caught:
        granted(*[answer] * (3 if answer.status_code == 503 else 1))
    assert str(caught.value).startswith(f"POST {URL}: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("status", "code"), [(429, "temporarily_unavailable"), (503, "temporarily_unavailable")])
def test_a_provider_that_is_busy_says_so(status, code):
    with pytest.raises(LoginError) as caught:
        granted(*[Response(status, content=b"later")] * 3)
    assert caught.value.error == code


def test_client_credentials_are_asked_for_again_after_any_failure():
    """A second token does no harm."""
    asked = []
    answers = [ReadTimeout("late"), Response(503), Response(200, json=GRANT)]
    play(client_credentials(registration()), *answers, asked=asked)
    assert len(asked) == 3


def test_a_refresh_is_sent_again_only_if_the_connection_did_not_open():
    """The provider may have replaced the refresh token."""
    tokens = TokenSet.to_refresh("r")
    play(refresh(registration(), tokens), NotConnected("no"), ConnectTimeout("no"), Response(200, json=GRANT))
    for failure in (ReadTimeout("late"), TransportError("broken")):
        with pytest.raises(TransportError):
            play(refresh(registration(), tokens), failure)
    with pytest.raises(LoginError, match="503"):
        play(refresh(registration(), tokens), Response(503))


HANGS = [hang_before(), hang_within_body(), drip_body(0.05), endless_body()]


@pytest.mark.parametrize("answer", HANGS, ids=["silent", "silent halfway", "slow", "endless"])
def test_a_provider_that_does_not_come_to_an_end_is_given_up_in_time(provider, service, drive, answer, monkeypatch):
    provider.script("/token", answer)
    monkeypatch.setattr(service, "provider", ProviderMetadata(**provider.metadata))
    monkeypatch.setattr(service, "_within", 0.3)
    with pytest.raises((TransportError, TooLarge)) as caught:
        drive(service, service.tokens())
    assert f"POST {provider.url}/token" in str(caught.value)


def test_a_provider_that_is_not_there_is_named(drive, service, provider):
    provider.script("/token", reset_before())
    with pytest.raises(TransportError, match=f"POST {provider.url}/token"):
        drive(service, service.client_credentials())
    provider.server.close()
    with pytest.raises(NotConnected, match=f"POST {provider.url}/token"):
        drive(service, service.client_credentials())


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (bomb(1 << 24), TooLarge, "the answer is larger than 1048576 bytes"),
        (Reply(content=b" " * (1 << 20) + b"{}"), TooLarge, "1048578 bytes are more than the limit of 1048576"),
        (deep_json(), LoginError, "the answer is no JSON object"),
        (html(200), LoginError, "the answer is no JSON object"),
        (html(502), LoginError, "502 Bad Gateway"),
        (html(500), LoginError, "500 Internal Server Error"),
    ],
)
def test_what_brings_no_token_over_a_real_connection(provider, login, drive, answer, kind, said):
    provider.script("/token", answer)
    drive(login, login.keeper.keep(TokenSet.to_refresh("r")))
    with pytest.raises(kind, match=said):
        drive(login, login.tokens())
    assert provider.count("/token") == 1


def test_a_token_request_is_not_redirected(provider, service, drive):
    with serve([Reply(json=GRANT)]) as evil:
        for status in (301, 302, 303, 307, 308):
            provider.script("/token", redirect_to(f"{evil.url}/token", status))
            with pytest.raises(LoginError, match=f"a redirect to {evil.url}, and such a request is not redirected"):
                drive(service, service.tokens())
        assert evil.requests == []


def test_no_connection_and_no_cookie_is_kept(provider, service, drive):
    provider.script("/token", Reply(json=GRANT, headers={"Set-Cookie": "session=1"}))
    drive(service, service.client_credentials())
    drive(service, service.client_credentials())
    assert provider.server.wait_for_open_connections(0)
    assert not any("Cookie" in headers for headers in provider.headers)
