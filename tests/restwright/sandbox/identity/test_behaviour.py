"""What the provider does wrong when it is told to."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
import requests

from rest_tools.utils import OpenIDAuth
from rest_tools.utils.auth import BadJwtKey
from restwright.sandbox.identity import ENDPOINTS

DISCOVERY = "/.well-known/openid-configuration"
SERVICE = ("service", "service-secret")


def ask(wire, **how):
    return requests.get(wire.url + DISCOVERY, **{"timeout": 30, "allow_redirects": False, **how})


def test_an_error_comes_as_often_as_demanded(wire, identity):
    identity.behave("discovery", status=503, times=2, retry_after=7)
    statuses = [ask(wire).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert identity.count("discovery", status=503) == 2


def test_an_error_says_when_to_come_again(wire, identity):
    identity.behave("discovery", status=503, retry_after=7)
    assert ask(wire).headers["Retry-After"] == "7"
    identity.behave("authorize", status=429, retry_after=8)
    assert wire.login_page().headers["Retry-After"] == "8"
    identity.behave("jwks", html=True, status=503, retry_after=9)
    assert requests.get(f"{wire.url}/jwks", timeout=30).headers["Retry-After"] == "9"
    identity.behave_well()
    assert "Retry-After" not in ask(wire).headers


def test_a_fault_is_at_its_endpoint_or_at_all(wire, identity):
    identity.behave("token", status=500)
    assert ask(wire).status_code == 200
    assert wire.token(SERVICE, grant_type="client_credentials").status_code == 500
    identity.behave_well()
    identity.behave(status=502)
    assert ask(wire).status_code == wire.login_page().status_code == 502


def test_faults_come_in_the_order_in_which_they_were_demanded(wire, identity):
    identity.behave("discovery", status=500, times=1)
    identity.behave("discovery", status=503, times=1)
    assert [ask(wire).status_code for _ in range(3)] == [500, 503, 200]


def test_an_answer_may_be_late(wire, identity):
    identity.behave("discovery", delay=0.3, times=1)
    begin = time.monotonic()
    assert ask(wire).status_code == 200
    assert 0.3 <= time.monotonic() - begin < 20
    identity.behave("discovery", delay=60)
    with pytest.raises(requests.ReadTimeout):
        ask(wire, timeout=0.1)


def test_a_late_answer_keeps_nobody_else_waiting(wire, identity):
    identity.behave("discovery", delay=4.0, times=1)
    with ThreadPoolExecutor() as pool:
        late = pool.submit(ask, wire)
        while identity.count("discovery") == 0:
            time.sleep(0.01)
        assert ask(wire).status_code == 200
        assert not late.done()
        assert late.result().status_code == 200


@pytest.mark.parametrize(("status", "answered"), [({}, 200), ({"status": 502}, 502)])
def test_an_answer_may_be_a_page(wire, identity, status, answered):
    identity.behave("discovery", html=True, **status)
    answer = ask(wire)
    assert answer.status_code == answered
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")


def test_a_connection_may_be_dropped(wire, identity):
    identity.behave("discovery", drop=True, times=1)
    with pytest.raises(requests.ConnectionError):
        ask(wire)
    assert ask(wire).status_code == 200


def test_a_provider_may_block(wire, identity):
    identity.behave(block=True)
    with pytest.raises(requests.ReadTimeout):
        ask(wire, timeout=0.2)
    identity.behave_well()
    assert ask(wire).status_code == 200


def test_a_provider_may_be_dead_and_live_again_where_it_was(wire, identity):
    with requests.Session() as session:
        session.get(wire.url + DISCOVERY, timeout=30)
        identity.behave(dead=True)
        with pytest.raises(requests.ConnectionError):
            session.get(wire.url + DISCOVERY, timeout=30)
    with pytest.raises(requests.ConnectionError, match="refused"):
        ask(wire)
    identity.behave(dead=True)  # again is no change
    identity.behave(dead=False)
    assert ask(wire).json()["issuer"] == wire.url
    identity.behave(dead=True)
    identity.reset()
    assert ask(wire).status_code == 200


def test_an_answer_may_be_far_too_long(wire, identity):
    identity.behave("discovery", oversized=3_000_000, times=1)
    answer = ask(wire)
    assert len(answer.content) == 3_000_000
    assert answer.json().keys() == {"filler"}


def test_a_client_may_leave_a_long_answer(wire, identity):
    identity.behave("discovery", oversized=10**12)
    with requests.get(wire.url + DISCOVERY, stream=True, timeout=30) as answer:
        assert next(answer.iter_content(1000))
    identity.behave_well()
    assert ask(wire).status_code == 200


def test_an_endpoint_may_lead_elsewhere(wire, identity):
    identity.behave("token", redirect_to="http://127.0.0.1:9/token")
    answer = wire.token(SERVICE, grant_type="client_credentials")
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:9/token")


def test_the_discovery_document_may_name_another_issuer_or_none(wire, identity):
    identity.behave(discovery_issuer="https://evil.example")
    assert ask(wire).json()["issuer"] == "https://evil.example"
    assert ask(wire).json()["token_endpoint"] == f"{wire.url}/token"
    identity.behave(discovery_issuer="")
    assert "issuer" not in ask(wire).json()


def test_tokens_may_be_from_another_issuer(wire, identity):
    auth = OpenIDAuth(identity.url)
    identity.behave(token_issuer="https://evil.example")
    with pytest.raises(jwt.InvalidIssuerError):
        auth.validate(wire.login()["access_token"])


def test_the_browser_may_bring_back_another_issuer_or_state_or_none(wire, identity):
    url = wire.authorize_url()
    identity.behave(response_issuer="https://evil.example", state="other")
    assert "&state=other&iss=https%3A%2F%2Fevil.example" in identity.authorize(url)
    identity.behave(response_issuer="", state="")
    assert identity.authorize(url).partition("code=")[2].count("&") == 0


def test_tokens_may_be_signed_with_an_unknown_key(wire, identity):
    auth = OpenIDAuth(identity.url, least_interval=0)
    identity.behave(unknown_kid=True)
    token = wire.login()["access_token"]
    with pytest.raises(BadJwtKey):
        auth.validate(token)
    assert identity.count("jwks") == 2  # it looked once more


def test_a_client_sees_rotated_keys(wire, identity):
    auth = OpenIDAuth(identity.url, least_interval=0)
    auth.validate(wire.login()["access_token"])
    identity.rotate_keys(withdraw=True)
    auth.validate(wire.login()["access_token"])
    assert identity.count("jwks") == 2


def test_the_clock_may_be_wrong(wire, identity):
    auth = OpenIDAuth(identity.url)
    identity.behave(clock_skew=-3600)
    with pytest.raises(jwt.ExpiredSignatureError):
        auth.validate(wire.login()["access_token"])
    identity.behave(clock_skew=3600)
    with pytest.raises(jwt.ImmatureSignatureError):
        auth.validate(wire.login()["access_token"])


def test_refresh_tokens_may_stay(wire, identity):
    identity.behave(rotate_refresh_tokens=False)
    tokens = wire.login()
    for _ in range(3):
        answer = wire.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
    assert identity.count("token", grant_type="refresh_token") == 3


def test_polls_may_be_told_to_slow_down(wire, identity, refused):
    identity.adjust(device_interval=0)
    identity.behave(slow_down=2)
    code = wire.device()["device_code"]
    errors = [wire.poll(code).json()["error"] for _ in range(4)]
    assert errors == ["slow_down", "slow_down", "authorization_pending", "authorization_pending"]


def test_requests_are_counted(wire, identity):
    tokens = wire.login()
    wire.refresh(tokens["refresh_token"])
    wire.refresh("wrong")
    assert identity.count("token") == 3
    assert identity.count("token", grant_type="refresh_token") == 2
    assert identity.count("token", grant_type="refresh_token", status=200) == 1
    assert identity.count(status=400) == 1
    assert identity.count("jwks") == 0
    last = identity.requests[-1]
    assert (last.endpoint, last.method, last.grant_type, last.status) == ("token", "POST", "refresh_token", 400)
    assert last.form["client_id"] == "app"
    assert last.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "wrong" not in repr(last)


def test_a_reset_forgets_everything_but_the_keys(wire, identity):
    tokens = wire.login()
    identity.add_user("carol", "pw")
    identity.add_client("other")
    identity.adjust(lifetime_access=1)
    identity.behave(status=500)
    keys = requests.get(f"{wire.url}/jwks", timeout=30)
    identity.reset()
    assert identity.requests == []
    assert identity.users.keys() == {"alice", "bob"}
    assert "other" not in identity.clients
    assert identity.settings.lifetime_access == 300
    assert wire.userinfo(tokens["access_token"]).status_code == 401
    assert keys.status_code == 500
    OpenIDAuth(identity.url).validate(tokens["access_token"])


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ({"dealy": 1}, TypeError, "there is no misbehaviour 'dealy', but delay, status"),
        ({"delay": "1"}, TypeError, "delay must be of type float or int, got '1'"),
        ({"status": True}, TypeError, "status must be of type int, got True"),
        ({"drop": 1}, TypeError, "drop must be of type bool, got 1"),
        ({"delay": -1}, ValueError, "delay must be 0 or more"),
        ({"status": 199}, ValueError, "status must be 200 to 599, got 199"),
        ({"retry_after": 5}, ValueError, "retry_after is for an answer with a status"),
        ({"endpoint": "tokn", "status": 500}, ValueError, "endpoint must be one of authorize, .*, got 'tokn'"),
        ({"status": 500, "times": 0}, ValueError, "times must be 1 or more, got 0"),
        ({"endpoint": "token", "clock_skew": 1}, ValueError, "endpoint and times are for faults"),
        ({"times": 1, "clock_skew": 1}, ValueError, "endpoint and times are for faults"),
    ],
)
def test_a_misbehaviour_that_cannot_be_is_an_error(wire, identity, how, kind, words):
    with pytest.raises(kind, match=words):
        identity.behave(**how)
    assert ask(wire).status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_can_misbehave(wire, identity, endpoint):
    paths = {"discovery": DISCOVERY, "registration": "/client"}
    identity.behave(endpoint, status=599, times=1)
    url = wire.url + paths.get(endpoint, f"/{endpoint}")
    assert requests.post(url, {"a": "b"}, timeout=30).status_code == 599
    assert identity.count(endpoint) == 1


def test_clients_that_leave_early_are_no_error(wire, identity, caplog):
    for fault in ({"oversized": 10**12}, {"delay": 5.0}, {"block": True}, {"drop": True}):
        identity.behave_well()
        identity.behave("discovery", **fault)
        with contextlib.suppress(requests.RequestException):
            requests.get(wire.url + DISCOVERY, stream=True, timeout=0.2).close()
    identity.behave_well()
    assert ask(wire).status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
