"""Lines of an answer: the plan by hand, then over real connections, blocking and awaited."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import json
import threading
import time
import tracemalloc

import pytest
import requests
import requests_mock
import responses
from tests.timing import PATIENCE

from restwright import AsyncClient, Operations, Page, Request, Response, SyncClient, listing
from restwright.errors import BadEncoding, BrokenAnswer, NotFound, ReadTimeout, TooLarge, TransportError, api_error
from restwright.lines import read_lines
from restwright.plan import Work
from restwright.policies import retry, stack
from restwright.testing import Reply, serve
from restwright.testing.connection import Fault


class Chunks:
    """A stream of given chunks."""

    def __init__(self, *chunks):
        self.chunks = list(chunks)
        self.is_closed = False

    def read(self):
        return self.chunks.pop(0) if self.chunks else b""

    def close(self):
        self.is_closed = True


def pages(*chunks, decode=bytes, **settings):
    """What the plan hands out, page by page, and its stream."""
    response = Response(200)
    response.stream = Chunks(*chunks)
    plan = read_lines(response, decode, **settings)
    found = []
    step = next(plan, None)
    while step is not None:
        if isinstance(step, Page):
            found.append(step.items)
        else:
            assert isinstance(step, Work)
            step.result = step.call()
        step = next(plan, None)
    return found, response.stream


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        ([b"\n\r\n \n"], []),
        ([b"a\nb\n"], [[b"a", b"b"]]),
        ([b"a\nb"], [[b"a"], [b"b"]]),
        ([b"a", b"b", b"c\nd", b"e\n"], [[b"abc"], [b"de"]]),
        ([b"a\r\n", b"\tb \n"], [[b"a"], [b"b"]]),
        ([b"a\n", b"\n", b"b"], [[b"a"], [b"b"]]),
        ([b"\n".join([b"x"] * 1000)], [[b"x"] * 999, [b"x"]]),
    ],
)
def test_lines_of_chunks(chunks, expected):
    found, stream = pages(*chunks)
    assert found == expected
    assert stream.is_closed


def test_an_answer_that_came_as_a_whole_has_lines_too():
    plan = read_lines(Response(200, content=b"1\n2"), json.loads)
    found = []
    for step in plan:
        if isinstance(step, Page):
            found += step.items
        else:
            step.result = step.call()
    assert found == [1, 2]


def test_what_comes_before_a_line_that_is_none_is_handed_out_first():
    response = Response(200)
    response.stream = Chunks(b"1\n2\nno\n3\n")
    plan = read_lines(response, json.loads)
    step = next(plan)
    step.result = step.call()
    assert next(plan).items == [1, 2]
    with pytest.raises(json.JSONDecodeError):
        next(plan)
    assert response.stream.is_closed


def test_a_line_that_does_not_end_is_refused():
    with pytest.raises(TooLarge, match="longer than 10 bytes"):
        pages(b"12345", b"678901", longest=10)
    found, _ = pages(b"12345", b"67890\n", b"1", longest=10)
    assert found == [[b"1234567890"], [b"1"]]


def test_a_plan_that_is_left_lets_go_of_its_stream():
    response = Response(200)
    response.stream = Chunks(b"1\n", b"2\n")
    plan = read_lines(response, json.loads)
    step = next(plan)
    step.result = step.call()
    next(plan)
    plan.close()
    assert response.stream.is_closed


class Log(Operations):
    @listing
    def lines(self, url="/lines", **settings):
        response = yield Request("GET", url, streamed=True)
        if response.status_code >= 400:
            raise api_error(response)
        yield from read_lines(response, json.loads, **settings)


class SyncLog(SyncClient, Log):
    pass


class AsyncLog(AsyncClient, Log):
    pass


class Reader:
    """Reads line by line in the test, whichever way the client does."""

    def __init__(self, client, lines, runner):
        self.client, self.runner = client, runner
        self.iterator = iter(lines) if runner is None else aiter(lines)

    def __iter__(self):
        return self

    def __next__(self):
        if self.runner is None:
            return next(self.iterator)

        async def step():
            return await anext(self.iterator)

        try:
            return self.runner.run(step())
        except StopAsyncIteration:
            raise StopIteration from None

    def count(self):
        """How many lines are left, read in one go: a run of the loop for each would take long."""

        async def count():
            count = 0
            async for _ in self.iterator:
                count += 1
            return count

        return sum(1 for _ in self.iterator) if self.runner is None else self.runner.run(count())

    def leave(self):
        self.iterator = None
        if self.runner is not None:
            self.runner.run(asyncio.sleep(0))


@pytest.fixture(params=["sync", "async"])
def read(request):
    """`read(url)` gives a reader of the lines there; the client is patient."""
    with contextlib.ExitStack() as closing:
        runner = closing.enter_context(asyncio.Runner()) if request.param == "async" else None

        def read(url, path="/lines", *, lines=None, **settings):
            settings = {"timeout": PATIENCE, "policy": stack(retry(2, delay=lambda failures: 0.0)), **settings}
            if runner is None:
                client = closing.enter_context(SyncLog(url, Log(), **settings))
            else:
                client = AsyncLog(url, Log(), **settings)
                closing.callback(lambda: runner.run(client.aclose()))
            return Reader(client, client.lines(path, **(lines or {})), runner)

        read.is_async = request.param == "async"
        yield read


def chunked(*chunks, pause=0.0, end=b"0\r\n\r\n", head=b""):
    """An answer in chunks, with a pause after each."""

    def play(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + head + b"\r\n")
        for chunk in chunks:
            connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.wait(pause)
        connection.send(end)
        connection.wait(5)

    return Fault(play)


def test_a_line_is_handed_out_as_soon_as_it_has_come(read):
    go_on = threading.Event()

    def play(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n")
        go_on.wait(60)
        connection.send(b"2\r\n2\n\r\n0\r\n\r\n")
        connection.wait(5)

    with serve([Fault(play)]) as server:
        lines = read(server.url, timeout=30)
        assert next(lines) == 1
        go_on.set()
        assert list(lines) == [2]


def test_the_connection_of_a_stream_that_was_read_to_its_end_is_used_again(read):
    with serve([Reply(content=b"1\n2\n")]) as server:
        lines = read(server.url)
        assert list(lines) == [1, 2]
        again = Reader(lines.client, lines.client.lines(), lines.runner)
        assert list(again) == [1, 2]
        assert [request.connection for request in server.requests] == [1, 1]


def test_that_of_one_that_is_left_is_closed(read):
    with serve([chunked(b"1\n", b"2\n", pause=PATIENCE)]) as server:
        lines = read(server.url)
        assert next(lines) == 1
        lines.leave()
        gc.collect()
        assert server.wait_for_open_connections(0)


def test_a_pause_between_lines_may_last_as_long_as_the_time_out_however_many_there_are(read):
    with serve([chunked(*[b"%d\n" % n for n in range(8)], pause=0.45)]) as server:
        started = time.perf_counter()
        assert list(read(server.url, timeout=3)) == list(range(8))
        assert time.perf_counter() - started > 3


def test_a_longer_one_is_a_time_out_and_is_not_repeated(read):
    with serve([chunked(b"1\n", pause=PATIENCE)]) as server:
        lines = read(server.url, timeout=0.5)
        assert next(lines) == 1
        with pytest.raises(ReadTimeout):
            next(lines)
        assert len(server.requests) == 1
        assert server.wait_for_open_connections(0)


def test_the_consumer_may_take_all_the_time_in_the_world(read):
    with serve([chunked(b"1\n", b"2\n")]) as server:
        lines = read(server.url, timeout=2)
        assert next(lines) == 1
        time.sleep(2.3)
        assert list(lines) == [2]


def test_the_beginning_of_a_stream_is_repeated(read):
    with serve([Reply(503), Reply(content=b"1\n")]) as server:
        assert list(read(server.url)) == [1]
        assert len(server.requests) == 2


def test_an_error_status_has_its_content(read):
    with serve([Reply(404, json={"message": "no log today"})]) as server, pytest.raises(NotFound, match="no log today"):
        next(read(server.url))


def test_a_stream_that_breaks_off_gives_what_came(read):
    with serve([chunked(b"1\n2\n", end=b"")]) as server:
        lines = read(server.url)
        assert [next(lines), next(lines)] == [1, 2]
        server.close()
        with pytest.raises(BrokenAnswer):
            next(lines)


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_stream_of_known_length(read, size):
    content = b"".join(b"%d\n" % n for n in range(size))
    with serve([Reply(content=content)]) as server:
        assert read(server.url).count() == size


def test_a_compressed_stream_is_decompressed_as_it_comes(read):
    packer = gzip.zlib.compressobj(wbits=31)
    first = packer.compress(b"1\n") + packer.flush(gzip.zlib.Z_SYNC_FLUSH)
    second = packer.compress(b"2\n") + packer.flush()
    with serve([chunked(first, second, pause=0.1, head=b"Content-Encoding: gzip\r\n")]) as server:
        assert list(read(server.url)) == [1, 2]


def test_one_whose_compression_breaks_off_is_refused(read):
    first = gzip.compress(b"1\n2\n")[:-4]
    with serve([chunked(first, head=b"Content-Encoding: gzip\r\n")]) as server:
        lines = read(server.url)
        with pytest.raises(BadEncoding):
            list(lines)


def test_a_stream_takes_little_memory_however_long_it_is(read):
    line = b'{"name": "%s"}\n' % (b"x" * 1000)
    total = 20 << 20

    def play(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(total // (len(line) * 64)):
            connection.send(line * 64)

    with serve([Fault(play)]) as server:
        lines = read(server.url)
        next(lines)
        tracemalloc.start()
        try:
            count = lines.count()
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
        assert count > 15_000


def test_an_awaited_client_that_is_closed_ends_its_streams():
    async def main(url):
        client = AsyncLog(url, Log(), timeout=30)
        lines = aiter(client.lines())
        assert await anext(lines) == 1
        await client.aclose()
        with pytest.raises(TransportError):
            await anext(lines)

    with serve([chunked(b"1\n", b"2\n", pause=5)]) as server:
        asyncio.run(main(server.url))
        assert server.wait_for_open_connections(0)


def test_streams_take_turns_as_other_calls_do():
    """A stream keeps its connection, and gives back its turn when it ends, is left or fails."""

    async def main(url):
        async with AsyncLog(url, Log(), timeout=30) as client:
            for _ in range(150):
                async for _ in client.lines():
                    break
            with pytest.raises(NotFound):
                await anext(aiter(client.lines("/missing")))
            for _ in range(150):
                assert [line async for line in client.lines()] == [1, 2]

    def app(request):
        return Reply(404) if request.path == "/missing" else Reply(content=b"1\n2\n")

    with serve(app) as server:
        asyncio.run(main(server.url))


def test_adapters_of_others_stream_too(read):
    session = requests.Session()
    adapter = requests_mock.Adapter()
    adapter.register_uri("GET", "mock://h/lines", content=b"1\n2\n")
    session.mount("http://", adapter)
    adapter.register_uri("GET", "http://h/lines", content=b"1\n2\n")
    adapter.register_uri("GET", "http://h/missing", status_code=404, json={"message": "not there"})
    assert list(read("http://h", session=session)) == [1, 2]
    with pytest.raises(NotFound, match="not there"):
        next(read("http://h", "/missing", session=session))


def test_a_patched_adapter_streams_too(read):
    with responses.RequestsMock() as mock:
        mock.get("http://h/lines", body=b"1\n2\n")
        assert list(read("http://h")) == [1, 2]


def test_a_session_with_a_send_of_its_own_streams_too(read):
    class Session(requests.Session):
        def send(self, request, **kwargs):
            self.streamed = kwargs["stream"]
            return super().send(request, **kwargs)

    with serve([Reply(content=b"1\n2\n")]) as server, Session() as session:
        assert list(read(server.url, session=session)) == [1, 2]
        assert session.streamed
