"""Tokens that come from a function: when it is called, how often, and what becomes of its failures."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from tests.timing import running_time

from rest_tools.client import RestClient
from rest_tools.client.tokens import claims_of, expiry_of
from restwright.testing import Reply, serve

SECRET = "0123456789abcdef" * 4


def token_for(seconds, **claims):
    return jwt.encode({"exp": time.time() + seconds, **claims}, SECRET, algorithm="HS512")


@pytest.fixture
def server():
    with serve(lambda request: Reply(json=[1])) as server:
        yield server


class Source:
    """A token function that counts its calls."""

    def __init__(self, *tokens, pause=0.0):
        self.tokens, self.pause, self.calls, self.threads = list(tokens), pause, 0, set()

    def __call__(self):
        self.calls += 1
        self.threads.add(threading.current_thread())
        time.sleep(self.pause)
        token = self.tokens[min(self.calls, len(self.tokens)) - 1]
        if isinstance(token, Exception):
            raise token
        return token


def sent(server):
    return [request.headers.get("Authorization", "").removeprefix("Bearer ") for request in server.requests]


def test_a_jwt_is_kept_until_shortly_before_its_end(server, connect, call):
    first, second = token_for(100), token_for(200)
    source = Source(first, second)
    client = connect(server.url, source)
    assert (client.access_token, source.calls) == (None, 0)
    for _ in range(3):
        call(client, "GET", "/x")
    assert (source.calls, client.access_token) == (1, first)
    client.access_token = token_for(4.5)
    call(client, "GET", "/x")
    assert (source.calls, client.access_token) == (2, second)
    assert sent(server) == [first, first, first, second]


def test_how_shortly_can_be_said(server, connect, ask):
    source = Source(token_for(100))
    client = connect(server.url, source)
    client._token_expire_delay_offset = 200
    ask(client, "GET", "/x")
    ask(client, "GET", "/x")
    assert source.calls == 2


@pytest.mark.parametrize(
    "token", ["opaque", b"opaque", "a.b.c", jwt.encode({"sub": "x"}, SECRET, algorithm="HS512"), token_for(-10)]
)
def test_one_whose_end_cannot_be_told_is_asked_for_with_each_request(server, connect, call, token):
    source = Source(token)
    client = connect(server.url, source)
    for _ in range(3):
        call(client, "GET", "/x")
    assert source.calls == 3
    text = token.decode() if isinstance(token, bytes) else token
    assert sent(server) == [text] * 3


@pytest.mark.parametrize("none", [None, ""])
def test_no_token_is_no_header_field(server, connect, call, none):
    call(connect(server.url, Source(none)), "GET", "/x")
    assert "Authorization" not in server.requests[0].headers


def test_what_the_function_raises_comes_up_and_nothing_is_sent(server, connect, call, caplog):
    client = connect(server.url, Source(OSError("the vault is sealed"), "t0ken"))
    with pytest.raises(OSError, match="the vault is sealed"):
        call(client, "GET", "/x")
    assert server.requests == []
    assert [record.levelname for record in caplog.records if record.name == "RestClient"] == ["WARNING"]
    call(client, "GET", "/x")
    assert sent(server) == ["t0ken"]


@pytest.mark.parametrize("token", [7, ["x"], object()])
def test_what_is_no_token_is_told(server, connect, ask, token):
    with pytest.raises(TypeError, match="a token must be str, bytes or None, got"):
        ask(connect(server.url, Source(token)), "GET", "/x")


def test_a_function_may_be_a_coroutine_function(server, connect, call):
    calls = []

    async def source():
        await asyncio.sleep(0.01)
        calls.append(1)
        return token_for(100)

    client = connect(server.url, source)
    call(client, "GET", "/x")
    call(client, "GET", "/x")
    assert calls == [1]


def test_or_an_object_with_such_a_call(server, connect, call):
    class Source:
        async def __call__(self):
            await asyncio.sleep(0)
            return "t0ken"

    call(connect(server.url, Source()), "GET", "/x")
    assert sent(server) == ["t0ken"]


def test_a_coroutine_function_runs_on_the_loop_of_its_call(server):
    loops = []

    async def source():
        loops.append(asyncio.get_running_loop())
        return "t0ken"

    async def main():
        async with RestClient(server.url, source) as client:
            await client.request("GET", "/x")
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_requests_at_the_same_time_share_one_call(server, kind):
    source = Source("opaque" if kind == "opaque" else token_for(100), pause=0.2)

    async def main():
        async with RestClient(server.url, source) as client:
            await asyncio.gather(*[client.request("GET", "/x") for _ in range(50)])

    asyncio.run(main())
    assert source.calls == 1
    assert len(server.requests) == 50


def test_so_do_requests_of_threads(server, connect):
    source = Source(token_for(100), pause=0.2)
    client = connect(server.url, source)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.request_seq("GET", "/x"), range(16)))
    assert source.calls == 1


def test_a_slow_function_does_not_hold_up_the_event_loop(server):
    """The contract's first defect: half a second of a token function is half a second of standstill."""
    source = Source(token_for(100), pause=1.5)
    ticks = []

    async def main():
        async with RestClient(server.url, source) as client:
            request = asyncio.create_task(client.request("GET", "/x"))
            while not request.done():
                ticks.append(clock())
                await asyncio.sleep(0.01)
            assert await request == [1]

    with running_time() as clock:
        asyncio.run(main())
    assert max(later - sooner for sooner, later in itertools.pairwise(ticks)) < 1
    assert threading.main_thread() not in source.threads


def test_a_caller_that_is_cancelled_does_not_take_the_others_along(server):
    source = Source(token_for(100), pause=0.3)

    async def main():
        async with RestClient(server.url, source) as client:
            first, second = (asyncio.create_task(client.request("GET", "/x")) for _ in range(2))
            await asyncio.sleep(0.1)
            first.cancel()
            assert await second == [1]
            assert first.cancelled()

    asyncio.run(main())
    assert source.calls == 1


def test_a_blocking_call_within_the_loop_does_not_wait_for_it_for_ever(server):
    async def source():
        await asyncio.sleep(0.05)
        return "t0ken"

    async def main():
        async with RestClient(server.url, source) as client:
            request = asyncio.create_task(client.request("GET", "/awaited"))
            await asyncio.sleep(0.01)
            assert client.request_seq("GET", "/blocking") == [1]
            assert await request == [1]

    asyncio.run(main())
    assert sent(server) == ["t0ken", "t0ken"]


def test_get_token_is_there_for_subclasses(server, connect, call):
    source = Source(token_for(100))
    client = connect(server.url, source)
    client._get_token()
    client._get_token()
    assert source.calls == 1
    assert client.access_token

    class Mine(RestClient):
        def _get_token(self):
            self.access_token = "mine"

    call(connect(server.url, kind=Mine), "GET", "/x")
    assert sent(server) == ["mine"]


def test_a_given_token_that_has_expired_is_sent_with_a_warning(server, connect, call, caplog):
    token = token_for(-10)
    client = connect(server.url, token)
    for _ in range(3):
        call(client, "GET", "/x")
    assert sent(server) == [token] * 3
    (record,) = [record for record in caplog.records if record.name == "RestClient"]
    assert record.levelname == "WARNING"
    assert "the token expired 1" in record.message
    assert token not in caplog.text


@pytest.mark.parametrize("token", [{"a": 1}, 7, object()])
def test_a_token_of_another_type_is_ignored_with_a_warning(server, connect, ask, token, caplog):
    ask(connect(server.url, token), "GET", "/x")
    assert "Authorization" not in server.requests[0].headers
    assert f"a {type(token).__name__} is ignored" in caplog.text


def test_no_token_shows_in_logs(server, connect, call, caplog):
    caplog.set_level(logging.DEBUG)
    token = token_for(100)
    call(connect(server.url, lambda: token), "GET", "/x")
    assert token not in caplog.text


def test_what_a_token_says():
    assert claims_of(token_for(5, scope="a b"))["scope"] == "a b"
    assert claims_of("x") == claims_of("a.b.c") == claims_of("") == {}
    assert expiry_of(token_for(5)) == pytest.approx(time.time() + 5, abs=1)
    assert expiry_of(jwt.encode({"exp": [1]}, SECRET, algorithm="HS512")) is None
