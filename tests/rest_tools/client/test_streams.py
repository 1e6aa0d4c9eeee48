"""Streams of JSON lines, blocking and awaited; how lines come over the wire is for tests/restwright/test_lines.py."""

from __future__ import annotations

import asyncio
import datetime
import gc
import inspect
import json
import threading

import pytest
import requests

from rest_tools.client import RestClient
from restwright.errors import TooLarge
from restwright.testing import Reply, serve
from restwright.testing.connection import Fault

LINES = b'{"a": 1}\n\n0\n null \r\nfalse\n[]\n{}\n""\n  \n"last"'
VALUES = [{"a": 1}, 0, None, False, [], {}, "", "last"]


def _blocking(client, *args, **kwargs):
    yield from client.request_stream(*args, **kwargs)


def _awaited(client, *args, **kwargs):
    with asyncio.Runner() as runner:
        lines = aiter(client.request_stream_async(*args, **kwargs))

        async def step():
            return await anext(lines)

        while True:
            try:
                yield runner.run(step())
            except StopAsyncIteration:
                return


@pytest.fixture(params=[_blocking, _awaited], ids=["blocking", "awaited"])
def stream(request):
    return request.param


def test_all_values_but_blank_lines_are_handed_out(connect, stream):
    with serve([Reply(content=LINES)]) as server:
        assert list(stream(connect(server.url), "GET", "/x")) == VALUES


@pytest.mark.parametrize("chunk_size", [None, -1, 0, 1, 7, 8096])
def test_whatever_the_size_of_chunks(connect, chunk_size):
    with serve([Reply(content=LINES)]) as server:
        assert list(connect(server.url).request_stream("GET", "/x", chunk_size=chunk_size)) == VALUES


def test_a_stream_is_a_generator_that_sends_nothing_before_it_is_asked(connect):
    with serve([Reply(content=b"1\n2\n")]) as server:
        lines = connect(server.url).request_stream("POST", "/x", {"a": 1}, {"X-One": "1"})
        assert inspect.isgenerator(lines)
        assert server.requests == []
        assert next(lines) == 1
        assert server.requests[0].json() == {"a": 1}
        assert server.requests[0].headers["X-One"] == "1"
        lines.close()


def test_nor_does_an_awaited_one_and_each_loop_sends_it_anew(connect):
    with serve([Reply(content=b"1\n2\n")]) as server:

        async def main():
            async with RestClient(server.url) as client:
                lines = client.request_stream_async("GET", "/x")
                assert server.requests == []
                assert [value async for value in lines] == [1, 2]
                assert [value async for value in lines] == [1, 2]

        asyncio.run(main())
        assert len(server.requests) == 2


def test_a_value_comes_as_soon_as_its_line_has(connect, stream):
    go_on = threading.Event()

    def play(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n1\n")
        go_on.wait(60)
        connection.send(b"2\n")

    with serve([Fault(play)]) as server:
        values = stream(connect(server.url), "GET", "/x")
        assert next(values) == 1
        go_on.set()
        assert list(values) == [2]


@pytest.mark.parametrize(("status", "kind"), [(404, requests.HTTPError), (503, requests.exceptions.RetryError)])
def test_error_statuses_come_with_the_first_value(connect, stream, status, kind):
    with serve([Reply(status, json={"error": "no such log"})]) as server:
        values = stream(connect(server.url, retries=1), "GET", "/x")
        with pytest.raises(kind, match="no such log") as raised:
            next(values)
        assert raised.value.response.json() == {"error": "no such log"}


def test_a_line_that_is_not_json_is_told_after_those_before_it(connect, stream):
    with serve([Reply(content=b"1\n<html>\n3\n")]) as server:
        values = stream(connect(server.url), "GET", "/x")
        assert next(values) == 1
        with pytest.raises(json.JSONDecodeError, match=r"not JSON .*<html>"):
            next(values)


def test_marked_objects_are_revived(connect, stream):
    content = b'{"__jsonclass__": ["date", "2020-01-02"]}\n'
    with serve([Reply(content=content)]) as server:
        assert list(stream(connect(server.url), "GET", "/x")) == [datetime.date(2020, 1, 2)]


def test_a_line_has_a_limit_and_a_stream_has_none(connect, stream):
    content = b'"%s"\n' % (b"x" * 1000) * 200
    with serve([Reply(content=content), Reply(content=b'"' + b"x" * 200_000)]) as server:
        client = connect(server.url, max_bytes=70_000)
        assert len(list(stream(client, "GET", "/x"))) == 200
        with pytest.raises(TooLarge, match="a line is longer than 70000 bytes"):
            list(stream(client, "GET", "/x"))


def test_a_stream_that_is_left_closes_its_connection(connect, stream):
    def play(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n1\n")
        connection.wait(5)

    with serve([Fault(play)]) as server:
        values = stream(connect(server.url), "GET", "/x")
        assert next(values) == 1
        values.close()
        gc.collect()
        assert server.wait_for_open_connections(0)


def test_other_calls_go_on_while_a_stream_is_open(connect):
    """The contract's third defect: a stream that is suspended keeps the client's session from all others."""
    with serve(lambda request: Reply(content=b"1\n2\n" if request.path == "/stream" else b"7")) as server:
        client = connect(server.url)
        values = client.request_stream("GET", "/stream")
        assert next(values) == 1
        assert client.request_seq("GET", "/x") == 7
        assert asyncio.run(client.request("GET", "/x")) == 7
        other = client.request_stream("GET", "/stream")
        assert next(other) == 1
        assert list(values) == [2]
        assert list(other) == [2]
