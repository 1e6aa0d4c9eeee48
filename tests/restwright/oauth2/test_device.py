from __future__ import annotations

import asyncio
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs

import pytest
from tests.timing import until_async

from restwright import Request, Response, Wait
from restwright.errors import (
    ConnectTimeout,
    LoginDenied,
    LoginError,
    LoginExpired,
    NotConnected,
    ReadTimeout,
    TlsError,
    TransportError,
)
from restwright.oauth2 import DeviceAuthorization, OAuth2, ProviderMetadata
from restwright.oauth2.client_auth import ClientAuth
from restwright.oauth2.device import device_login
from restwright.oauth2.token_endpoint import Registration
from restwright.testing import FakeClock, Reply, play
from restwright.testing.faults import hang_before

AUTHORIZATION = {
    "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://idp.example/device",
    "verification_uri_complete": "https://idp.example/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5,
}
GRANT = {"access_token": "abc", "token_type": "Bearer", "expires_in": 60, "refresh_token": "r"}
PROVIDER = ProviderMetadata("https://idp.example/token", device_authorization_endpoint="https://idp.example/begin")


def refusal(code, status=400):
    return Response(status, json={"error": code})


PENDING = refusal("authorization_pending")


class Attempt:
    """One device login by hand, in a time of its own."""

    def __init__(self, *answers, secret=None, scope="openid offline_access", **authorization):
        self.clock = FakeClock(1_000_000.0)
        self.shown = []
        self.asked = []
        registration = Registration(PROVIDER, ClientAuth("app", secret), scope, clock=self.clock)
        members = {**AUTHORIZATION, **authorization}
        begin = Response(200, json={name: value for name, value in members.items() if value is not None})
        self.plan = device_login(registration, show=self.shown.append)
        self.answers = [begin, *answers]

    def play(self):
        return play(self.plan, *self.answers, clock=self.clock, asked=self.asked)

    @property
    def forms(self):
        return [{name: each[0] for name, each in parse_qs(request.content.decode()).items()} for request in self.asked]


def test_it_shows_the_code_and_asks_until_it_was_entered():
    attempt = Attempt(PENDING, PENDING, Response(200, json=GRANT))
    tokens = attempt.play()
    assert (tokens.access_token, tokens.refresh_token) == ("abc", "r")
    assert attempt.shown == [
        DeviceAuthorization(
            user_code="WDJB-MJHT",
            verification_uri="https://idp.example/device",
            verification_uri_complete="https://idp.example/device?user_code=WDJB-MJHT",
            expires_in=1800.0,
            interval=5.0,
            device_code=AUTHORIZATION["device_code"],
        )
    ]
    assert attempt.clock.slept == [5.0, 5.0, 5.0]  # before the first question, too (3.5)
    assert [request.url for request in attempt.asked] == [
        "https://idp.example/begin",
        *["https://idp.example/token"] * 3,
    ]


def test_what_a_public_client_sends():
    attempt = Attempt(Response(200, json=GRANT))
    attempt.play()
    begin, ask = attempt.forms
    challenge = urlsafe_b64encode(sha256(ask.pop("code_verifier").encode()).digest()).rstrip(b"=").decode()
    assert begin == {
        "client_id": "app",
        "scope": "openid offline_access",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert ask == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": AUTHORIZATION["device_code"],
        "client_id": "app",
    }


def test_what_a_confidential_client_sends():
    attempt = Attempt(Response(200, json=GRANT), secret="s3cr3t", scope="")
    attempt.play()
    assert attempt.forms[0] == {}
    assert attempt.forms[1].keys() == {"grant_type", "device_code"}
    assert {request.headers["Authorization"] for request in attempt.asked} == {"Basic YXBwOnMzY3IzdA=="}


def test_slow_down_adds_five_seconds_for_good():
    attempt = Attempt(refusal("slow_down"), PENDING, refusal("slow_down"), Response(200, json=GRANT))
    attempt.play()
    assert attempt.clock.slept == [5.0, 10.0, 10.0, 15.0]


def test_without_an_interval_it_is_five_seconds():
    attempt = Attempt(Response(200, json=GRANT), interval=None)
    attempt.play()
    assert attempt.clock.slept == [5.0]


@pytest.mark.parametrize(
    "failure",
    [
        ReadTimeout("late"),
        ConnectTimeout("late"),
        NotConnected("refused"),
        TransportError("broken"),
        Response(500),
        Response(503, content=b"<html>"),
        Response(429),
        refusal("temporarily_unavailable", 503),
    ],
    ids=repr,
)
def test_it_backs_off_while_the_provider_cannot_be_reached(failure):
    """RFC 8628, 3.5: double the interval on a time-out, and do not retry in between."""
    attempt = Attempt(failure, failure, PENDING, Response(200, json=GRANT))
    assert attempt.play().access_token == "abc"
    assert attempt.clock.slept == [5.0, 10.0, 20.0, 20.0]


def test_a_certificate_that_does_not_hold_will_not_get_better():
    with pytest.raises(TlsError):
        Attempt(TlsError("expired")).play()


def test_a_code_that_is_not_entered_in_time_has_expired():
    attempt = Attempt(*[PENDING] * 3, expires_in=20)
    with pytest.raises(LoginExpired, match="the code was not entered within 20 seconds"):
        attempt.play()
    assert attempt.clock.now < 1_000_020.0


def test_a_provider_that_is_gone_does_not_keep_it_beyond_the_end_of_the_code():
    attempt = Attempt(*[ReadTimeout("late")] * 4, expires_in=100)
    with pytest.raises(LoginExpired):
        attempt.play()
    assert attempt.clock.slept == [5.0, 10.0, 20.0, 40.0]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("access_denied", LoginDenied),
        ("expired_token", LoginExpired),
        ("invalid_grant", LoginExpired),
        ("invalid_client", LoginError),
        ("unauthorized_client", LoginError),
    ],
)
def test_another_refusal_ends_it(code, kind):
    attempt = Attempt(PENDING, refusal(code))
    with pytest.raises(LoginError, match=code) as caught:
        attempt.play()
    assert type(caught.value) is kind
    assert caught.value.error == code


def test_an_answer_that_is_no_grant_ends_it():
    with pytest.raises(LoginError, match="the answer is no JSON object"):
        Attempt(Response(200, content=b"<html>")).play()


def test_a_secret_that_the_provider_repeats_is_not_shown():
    said = f"{AUTHORIZATION['device_code']} is wrong"
    with pytest.raises(LoginError, match=r"\*\*\* is wrong") as caught:
        Attempt(Response(400, json={"error": "invalid_grant", "error_description": said})).play()
    assert AUTHORIZATION["device_code"] not in str(caught.value)


@pytest.mark.parametrize("missing", ["device_code", "user_code", "verification_uri"])
def test_what_is_missing_is_named(missing):
    with pytest.raises(LoginError, match=f"begin: the answer has no {missing}"):
        Attempt(**{missing: None}).play()


@pytest.mark.parametrize(
    ("member", "value"),
    [("expires_in", 0), ("expires_in", -1), ("expires_in", "soon"), ("interval", -5), ("interval", True)],
)
def test_absurd_times_are_refused(member, value):
    with pytest.raises(LoginError, match=f"{member} of the answer is .*: expected seconds, more than 0"):
        Attempt(**{member: value}).play()


def test_the_old_name_of_the_address_is_understood():
    attempt = Attempt(Response(200, json=GRANT), verification_uri=None, verification_url="https://idp.example/old")
    attempt.play()
    assert attempt.shown[0].verification_uri == "https://idp.example/old"


@pytest.mark.parametrize("uri", ["http://idp.example/device", "javascript:alert(1)", "\x1b]8;;https://evil\x07"])
def test_an_address_that_nobody_should_go_to_is_refused(uri):
    with pytest.raises(LoginError, match="verification_uri") as caught:
        Attempt(verification_uri=uri).play()
    assert str(caught.value).isprintable()


def test_a_code_cannot_command_the_terminal():
    attempt = Attempt(Response(200, json=GRANT), user_code="\x1b[2JWDJB\nMJHT")
    attempt.play()
    assert attempt.shown[0].user_code.isprintable()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(200, content=b"<html>"), "no device login: the answer is no JSON object"),
        (refusal("invalid_scope"), "no device login: invalid_scope"),
        (refusal("unauthorized_client", 200), "no device login: unauthorized_client"),
        (Response(404), "no device login: 404 Not Found"),
    ],
)
def test_a_login_that_cannot_begin_says_why(answer, said):
    attempt = Attempt()
    with pytest.raises(LoginError, match=said):
        play(attempt.plan, answer)


def test_a_provider_without_device_logins_is_named():
    plan = device_login(Registration(ProviderMetadata("https://idp.example/token"), ClientAuth("app")), show=print)
    with pytest.raises(LoginError, match="has no device_authorization_endpoint"):
        next(plan)


def test_the_plan_by_hand():
    attempt = Attempt()
    assert isinstance(next(attempt.plan), Request)
    attempt.plan.send(attempt.answers[0]).call()
    assert attempt.shown[0].user_code == "WDJB-MJHT"
    assert next(attempt.plan) == Wait(5.0)
    attempt.plan.close()


def test_a_whole_login_over_real_connections(provider, drive):
    answer = {**AUTHORIZATION, "verification_uri": f"{provider.url}/enter", "interval": 0.05}
    del answer["verification_uri_complete"]
    provider.script("/device", Reply(json=answer))
    provider.script("/token", Reply(400, json={"error": "authorization_pending"}), Reply(json=GRANT))
    shown = []
    login = OAuth2(provider.url, "app", within=30.0)
    tokens = drive(login, login.device_login(show=shown.append))
    assert tokens.access_token == "abc"
    assert shown[0].verification_uri == f"{provider.url}/enter"
    assert drive(login, login.tokens()) == tokens
    assert login.keeper.store.load() == tokens


def test_a_blocked_provider_is_waited_for_no_longer_than_the_code_counts(provider, drive):
    answer = {**AUTHORIZATION, "verification_uri": f"{provider.url}/enter", "interval": 0.1, "expires_in": 0.5}
    del answer["verification_uri_complete"]
    provider.script("/device", Reply(json=answer))
    provider.script("/token", hang_before())
    login = OAuth2(provider.url, "app", within=30.0)
    with pytest.raises(LoginExpired):
        drive(login, login.device_login(show=lambda authorization: None))


def test_a_login_that_is_cancelled_stops_asking(provider, login):
    answer = {**AUTHORIZATION, "verification_uri": f"{provider.url}/enter", "interval": 0.02}
    del answer["verification_uri_complete"]
    provider.script("/device", Reply(json=answer))
    provider.script("/token", Reply(400, json={"error": "authorization_pending"}))

    async def main():
        task = asyncio.create_task(login.run_async(login.device_login(show=lambda authorization: None)))
        await until_async(lambda: provider.count("/token") > 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    time.sleep(0.2)  # one may have been on its way
    asked = provider.count("/token")
    time.sleep(0.1)
    assert provider.count("/token") == asked
