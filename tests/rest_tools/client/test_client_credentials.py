"""A service that logs itself in, at the OpenID provider of the sandbox."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from tests.timing import running_time

from rest_tools.client import ClientCredentialsAuth, RestClient
from rest_tools.utils import OpenIDAuth
from restwright.errors import LoginError
from restwright.testing import FakeClock, Reply, serve


@pytest.fixture
def log_in(connect, service, identity):
    def log_in(secret="service-secret", **settings):
        return connect(service.url, identity.url, "service", secret, kind=ClientCredentialsAuth, **settings)

    return log_in


def test_the_constructor_discovers_and_the_first_request_asks_for_a_token(log_in, identity, ask):
    client = log_in()
    assert isinstance(client, RestClient)
    assert [asked.endpoint for asked in identity.requests] == ["discovery"]
    assert isinstance(client.auth, OpenIDAuth)
    assert client.auth.token_url == f"{identity.url}/token"
    assert (client.client_id, client.client_secret) == ("service", "service-secret")
    token = ask(client, "GET", "/x")["token"]
    assert token == client.access_token
    assert OpenIDAuth(identity.url, audience=None).validate(token)["sub"] == "service"
    assert ask(client, "GET", "/x")["token"] == token
    assert identity.count("token") == 1


def test_what_the_provider_is_asked(log_in, identity, ask):
    ask(log_in(), "GET", "/x")
    asked = identity.requests[-1]
    assert (asked.method, asked.endpoint) == ("POST", "token")
    assert dict(asked.form) == {"grant_type": "client_credentials", "client_id": "service", "scope": "offline_access"}
    assert asked.headers["authorization"].startswith("Basic ")


def test_the_secret_may_go_in_the_body(log_in, identity, ask):
    identity.add_client("poster", secret="p", grant_types=("client_credentials",), auth_method="client_secret_post")
    client = ClientCredentialsAuth("http://h", identity.url, "poster", "p", client_auth="body")
    assert client.make_access_token()
    asked = identity.requests[-1]
    assert asked.form["client_secret"] == "p"
    assert "authorization" not in asked.headers


def test_all_requests_at_the_same_time_share_one_token_request(log_in, identity, service):
    identity.behave("token", delay=0.2)
    client = log_in()

    async def main():
        async with client:
            await asyncio.gather(*[client.request("GET", "/x") for _ in range(50)])

    asyncio.run(main())
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.request_seq("GET", "/x"), range(16)))
    assert identity.count("token") == 1
    assert len(service.requests) == 66


def test_a_slow_provider_does_not_hold_up_the_event_loop(service, identity):
    identity.behave("token", delay=1.5)
    identity.behave("discovery", delay=1.5)
    ticks = []

    async def main():
        async with ClientCredentialsAuth(service.url, identity.url, "service", "service-secret") as client:
            assert identity.requests == []  # nothing was waited for
            request = asyncio.create_task(client.request("GET", "/x"))
            while not request.done():
                ticks.append(clock())
                await asyncio.sleep(0.01)
            await request

    with running_time() as clock:
        asyncio.run(main())
    assert max(later - sooner for sooner, later in itertools.pairwise(ticks)) < 1


def test_the_next_token_is_asked_for_before_the_last_one_expires(log_in, identity, ask, monkeypatch):
    """By the clock of the client, for the service refuses none."""
    identity.adjust(lifetime_access=60)
    client = log_in()
    now = FakeClock(time.time())
    monkeypatch.setattr(client._login.keeper, "_clock", now)
    monkeypatch.setattr(client._login, "_clock", now)
    first = ask(client, "GET", "/x")["token"]
    assert ask(client, "GET", "/x")["token"] == first
    now.sleep(59)
    assert ask(client, "GET", "/x")["token"] != first
    assert identity.count("token") == 2


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
def test_opaque_tokens_are_kept_by_what_the_provider_says(log_in, identity, ask, kind):
    """The contract's tenth defect: they were asked for with each request."""
    identity.adjust(access_tokens=kind)
    client = log_in()
    assert ask(client, "GET", "/x")["token"] == ask(client, "GET", "/x")["token"]
    assert identity.count("token") == 1


def test_a_token_that_the_service_refuses_is_renewed_and_the_request_sent_again(log_in, identity, service, ask):
    client = log_in()
    first = ask(client, "POST", "/x", {"a": 1})["token"]
    service.refused.add(first)
    assert ask(client, "POST", "/x", {"a": 1})["token"] not in ("", first)
    assert identity.count("token") == 2
    assert [request.json() for request in service.requests] == [{"a": 1}] * 3


def test_if_it_refuses_the_next_one_too_that_is_the_answer(connect, identity, ask):
    with serve([Reply(401, json={"error": "not you"})]) as server:
        client = connect(server.url, identity.url, "service", "service-secret", kind=ClientCredentialsAuth)
        with pytest.raises(requests.HTTPError, match="not you"):
            ask(client, "GET", "/x")
        assert len(server.requests) == 2
    assert identity.count("token") == 2


@pytest.mark.parametrize(
    ("secret", "status", "text"),
    [("wrong", None, "Token request failed: invalid_client"), ("service-secret", 500, "Token request failed")],
)
def test_a_refusal_says_what_the_provider_says(log_in, identity, ask, secret, status, text):
    client = log_in(secret)
    if status:
        identity.behave("token", status=status)
    with pytest.raises(LoginError, match=text) as raised:
        ask(client, "GET", "/x")
    assert isinstance(raised.value, requests.RequestException)
    assert str(raised.value).startswith(text)
    assert f"POST {identity.url}/token" in str(raised.value.__cause__)
    assert secret not in f"{raised.value} {raised.value.__cause__}"
    assert secret not in repr(client)
    with pytest.raises(LoginError, match=text):
        client.make_access_token()


def test_it_is_asked_again_where_it_fails_for_a_moment(log_in, identity, ask):
    identity.behave("token", status=503, times=1)
    assert ask(log_in(), "GET", "/x")["token"]


def test_no_answer_is_a_connection_error_in_time(log_in, identity, ask):
    client = log_in(timeout=0.5)
    identity.behave("token", block=True)
    started = time.perf_counter()
    with pytest.raises(requests.ConnectionError):
        ask(client, "GET", "/x")
    assert time.perf_counter() - started < 30


def test_a_provider_that_is_down_when_the_client_is_made_may_come_up(log_in, identity, ask, caplog):
    identity.behave(dead=True)
    client = log_in(timeout=0.5)
    assert "asked again when a token is needed" in caplog.text
    with pytest.raises(requests.ConnectionError):
        ask(client, "GET", "/x")
    identity.behave_well()
    assert ask(client, "GET", "/x")["token"]
    assert client.auth.token_url


@pytest.mark.parametrize(
    "document", [Reply(404), Reply(text="hello"), Reply(json=[]), Reply(json={}), Reply(json={"jwks_uri": ""})]
)
def test_what_is_no_provider_is_told_when_a_token_is_needed(connect, service, ask, document):
    """The contract's 19th defect: the discovery failed silently, and the request with an unrelated error."""
    with serve([document]) as server:
        client = connect(service.url, server.url, "c", "s", kind=ClientCredentialsAuth)
        with pytest.raises(LoginError, match=r"discovery|token_endpoint"):
            ask(client, "GET", "/x")
    assert service.requests == []


def test_a_provider_need_not_name_its_issuer(log_in, identity, ask):
    identity.behave(discovery_issuer="")
    assert ask(log_in(), "GET", "/x")["token"]
    identity.behave(discovery_issuer="https://other.example")
    assert ask(log_in(), "GET", "/x")["token"]


def test_make_access_token_asks_for_a_new_one(log_in, identity, ask):
    client = log_in()
    first, second = client.make_access_token(), client.make_access_token()
    assert first != second
    assert ask(client, "GET", "/x")["token"] == second == client.access_token
    assert identity.count("token") == 2
    assert client.token_func == client.make_access_token


def test_prepare_has_the_token_too(log_in):
    headers = log_in()._prepare("GET", "/x", None, {"authorization": "mine"})[1]["headers"]
    assert headers["Authorization"].startswith("Bearer ey")
    assert len(headers) == 1


def test_a_subclass_may_prepare_calls_itself(connect, service, identity, ask):
    class Versioned(ClientCredentialsAuth):
        def _prepare(self, method, path, args=None, headers=None):
            return super()._prepare(method, f"/v2{path}", args, headers)

    client = connect(service.url, identity.url, "service", "service-secret", kind=Versioned)
    assert ask(client, "GET", "/x")["token"].startswith("ey")
    assert service.requests[0].target == "/v2/x"


def test_the_callers_authorization_does_not_go_out(log_in, ask):
    assert ask(log_in(), "GET", "/x", headers={"Authorization": "Bearer mine"})["token"].startswith("ey")


def test_streams_are_logged_in_too(log_in):
    (value,) = log_in().request_stream("GET", "/x")
    assert value["token"].startswith("ey")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"token": "x"}, "token must not be given"),
        ({"username": "a", "password": "b"}, "username and password must not be given"),
        ({"timeout": -1}, "timeout"),
    ],
)
def test_what_such_a_client_is_not_made_with(log_in, identity, settings, text):
    with pytest.raises(ValueError, match=text):
        log_in(**settings)
    assert identity.requests == []


def test_a_client_without_a_secret_cannot_log_itself_in(identity):
    with pytest.raises(ValueError, match="client_secret is empty"):
        ClientCredentialsAuth("http://h", identity.url, "service", "")


def test_no_secret_shows(log_in, ask, caplog):
    caplog.set_level(logging.DEBUG)
    client = log_in()
    token = ask(client, "GET", "/x")["token"]
    shown = caplog.text + repr(client) + repr(client._login) + repr(client._login.keeper) + repr(client.auth)
    assert token not in shown
    assert "service-secret" not in shown
    assert client.logger.name == "ClientCredentialsAuth"


def test_a_subclass_may_make_tokens_in_another_way(connect, identity, service, ask):
    """As in the released package, whose token function is this method: programs, and their tests, replace it."""

    class Other(ClientCredentialsAuth):
        def make_access_token(self):
            return "0ther"

    client = connect(service.url, identity.url, "service", "service-secret", kind=Other)
    assert ask(client, "GET", "/x")["token"] == "0ther"
    assert identity.count("token") == 0


def test_so_may_a_test(log_in, identity, ask, monkeypatch):
    monkeypatch.setattr(ClientCredentialsAuth, "make_access_token", lambda self: "patched")
    assert ask(log_in(), "GET", "/x")["token"] == "patched"
    assert identity.count("token") == 0
