from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import logging
import socket
import threading
import time

import pytest
import requests
from tests.timing import PATIENCE, until
from tornado.web import HTTPError

from rest_tools.server import RestHandler, RestHandlerSetup, RestServer, catch_error
from rest_tools.server.ndjson import write_ndjson
from rest_tools.utils import json_util

TYPE = "application/x-ndjson"


def streaming(make_items, **options):
    """A server with a handler that streams what the function makes."""

    class Stream(RestHandler):
        async def get(self):
            await write_ndjson(self, make_items(), **options)

        head = get

    server = RestServer()
    server.add_route("/rows", Stream, RestHandlerSetup())
    return server


def rows_of(answer):
    """As `RestClient.request_stream` reads them."""
    return [json_util.json_decode(line) for line in answer.iter_lines(chunk_size=8096, delimiter=b"\n") if line]


def ask(url, **options):
    return requests.get(f"{url}/rows", stream=True, timeout=10, **options)


@contextlib.contextmanager
def slow_client(url, target="/rows"):
    """A client that has asked, has room for little, and reads when it is told to."""
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect((host, int(port)))
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        yield client


def steady(count):
    """The value that a count has reached when it has not changed for a while."""
    seen = [0, 1]
    while len(set(seen[-4:])) > 1:
        time.sleep(0.15)
        seen.append(count())
    return seen[-1]


class Producer:
    """Counts what was taken of it, and knows whether it was closed; some wait after a number of rows."""

    def __init__(self, total=10**9, *, pause_after=None, padding=0):
        self.count = 0
        self.closed = threading.Event()
        self.go_on = threading.Event()
        self.total, self.pause_after, self.padding = total, pause_after, "x" * padding

    def sync_rows(self):
        try:
            while self.count < self.total:
                self.count += 1
                yield {"n": self.count, "padding": self.padding}
        finally:
            self.closed.set()

    async def rows(self):
        try:
            while self.count < self.total:
                if self.count == self.pause_after:
                    while not self.go_on.is_set():  # noqa: ASYNC110  # the test is in another thread
                        await asyncio.sleep(0.005)
                self.count += 1
                yield {"n": self.count, "padding": self.padding}
        finally:
            self.closed.set()


# ------------------------------------------------------------------------------------------------ rows


@pytest.mark.parametrize("kind", ["list", "generator", "async generator", "async iterable"])
def test_items_become_lines(serving, kind):
    items = [{"name": "äpple\n"}, ["a", None, 1.5], "text", 0, False, {}, None]

    async def generate():
        for item in items:
            await asyncio.sleep(0)
            yield item

    class Iterable:
        def __aiter__(self):
            return generate()

    makers = {
        "list": lambda: items,
        "generator": lambda: (item for item in items),
        "async generator": generate,
        "async iterable": Iterable,
    }
    with serving(streaming(makers[kind])) as url:
        answer = ask(url)
        assert answer.headers["Content-Type"] == TYPE
        assert [json.loads(line) for line in answer.content.split(b"\n")[:-1]] == items


def test_values_are_marked_as_json_util_does(serving):
    row = {
        "at": datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "day": datetime.date(2020, 1, 2),
        "ids": {1, 2},
        "text": b"bytes",
    }
    with serving(streaming(lambda: [row, {"big": 2**70}])) as url:
        answer = ask(url)
        assert rows_of(answer) == [{**row, "text": "bytes"}, {"big": 2**70}]


def test_no_items_and_few_are_answers_in_one_piece(serving):
    with serving(streaming(list, chunk_time=5.0)) as url:
        answer = ask(url)
        assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, TYPE, b"")
    with serving(streaming(lambda: [1, 2], chunk_time=5.0)) as url:
        answer = ask(url)
        assert (answer.headers["Content-Length"], answer.content) == ("4", b"1\n2\n")
        again = ask(url, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_head_says_the_type_and_takes_nothing(serving):
    producer = Producer()
    with serving(streaming(producer.rows)) as url:
        answer = requests.head(f"{url}/rows", timeout=10)
        assert answer.headers["Content-Type"] == TYPE
        assert "Content-Length" not in answer.headers
    assert producer.count == 0


@pytest.mark.parametrize("items", [{"a": 1}, "text", b"bytes", 7])
def test_one_value_is_no_stream(serving, caplog, items):
    with serving(streaming(lambda: items)) as url:
        assert ask(url).status_code == 500
    assert f"items must be an iterable of JSON values, got a {type(items).__name__}" in caplog.text


@pytest.mark.parametrize("options", [{"chunk_size": 0}, {"send_timeout": 0.0}])
def test_a_size_or_time_that_is_none_is_a_mistake(serving, caplog, options):
    with serving(streaming(list, **options)) as url:
        assert ask(url).status_code == 500
    assert "chunk_size and send_timeout must be more than 0" in caplog.text


# ------------------------------------------------------------------------------------------------ chunks


def chunks_of(url):
    answer = ask(url)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    return list(answer.raw.read_chunked())


def test_a_slow_producers_row_arrives_while_it_waits(serving):
    producer = Producer(5, pause_after=2)
    with serving(streaming(producer.rows)) as url:
        lines = ask(url).iter_lines(chunk_size=None)
        assert [json.loads(next(lines))["n"] for _ in range(2)] == [1, 2]
        assert not producer.go_on.is_set()
        producer.go_on.set()
        assert [json.loads(line)["n"] for line in lines] == [3, 4, 5]


@pytest.mark.parametrize("pause", [None, 0])
def test_a_fast_producers_rows_arrive_together(serving, pause):
    """Also if it gives others a turn before each row."""

    async def rows():
        for n in range(20_000):
            if pause is not None:
                await asyncio.sleep(pause)
            yield {"n": n, "padding": "x" * 50}

    with serving(streaming(rows)) as url:
        chunks = chunks_of(url)
    assert b"".join(chunks).count(b"\n") == 20_000
    assert len(chunks) < 200
    assert max(map(len, chunks)) < 64 * 1024 + 100


def test_rows_of_a_sync_producer_are_sent_when_it_takes_its_time(serving):
    def rows():
        for n in range(10):
            time.sleep(0.03)
            yield n

    with serving(streaming(rows)) as url:
        assert len(chunks_of(url)) >= 8


def test_chunks_are_as_large_as_one_says(serving):
    with serving(streaming(Producer(1000, padding=80).sync_rows, chunk_size=1000, chunk_time=5.0)) as url:
        chunks = chunks_of(url)
    assert {len(chunk) for chunk in chunks[1:-1]} <= set(range(1000, 1100))


def test_others_get_their_turn(serving):
    class Other(RestHandler):
        def get(self):
            self.write({})

    producer = Producer()
    server = streaming(producer.sync_rows)
    server.add_route("/other", Other)
    with serving(server) as url, ask(url) as answer:
        content = answer.iter_content(2**20)
        reader = threading.Thread(target=lambda: [next(content) for _ in range(20)])
        reader.start()
        begun = time.monotonic()
        for _ in range(5):
            requests.get(f"{url}/other", timeout=10)
        assert time.monotonic() - begun < 40
        reader.join()


def test_a_hundred_thousand_rows_take_little_time(serving):
    rows = [{"id": n, "name": "fruit", "price": n / 7, "at": datetime.date(2020, 1, 2)} for n in range(100_000)]
    with serving(streaming(lambda: rows)) as url:
        begun = time.monotonic()
        assert ask(url).content.count(b"\n") == 100_000
        assert time.monotonic() - begun < 40  # half a second when nothing else runs


# ------------------------------------------------------------------------------------------------ clients


@pytest.mark.parametrize("kind", ["sync_rows", "rows"])
def test_a_slow_client_slows_the_producer_down(serving, kind):
    producer = Producer(2000, padding=50_000)
    with serving(streaming(getattr(producer, kind))) as url, slow_client(url) as client:
        until(lambda: producer.count > 5)
        count = steady(lambda: producer.count)
        assert count < 400  # what the sockets hold, a few MB; all is 100 MB
        received = 0
        while received < 20_000_000:
            received += len(client.recv(2**20))
        assert count < producer.count < count + 500


@pytest.mark.parametrize("kind", ["sync_rows", "rows"])
def test_the_producer_is_closed_when_a_client_that_is_slow_goes_away(serving, caplog, kind):
    producer = Producer(padding=50_000)
    with serving(streaming(getattr(producer, kind))) as url:
        with slow_client(url):
            until(lambda: producer.count > 5)
            assert not producer.closed.is_set()
        assert producer.closed.wait(PATIENCE)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_the_producer_is_closed_when_the_client_goes_away_while_it_waits(serving, caplog):
    producer = Producer(pause_after=1)
    after = []

    class Stream(RestHandler):
        async def get(self):
            await write_ndjson(self, producer.rows())
            after.append("all was sent")

        def on_connection_close(self):
            after.append("closed")

    server = RestServer()
    server.add_route("/rows", Stream)
    with serving(server) as url:
        with slow_client(url) as client:
            received = b""
            while b'"n":1' not in received:
                received += client.recv(4096)
        assert producer.closed.wait(PATIENCE)
    assert after == ["closed"]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_producer_that_fails_when_it_is_closed_is_logged(serving, caplog):
    async def rows():
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            raise ZeroDivisionError("in its end")

    with serving(streaming(rows)) as url:
        with slow_client(url) as client:
            client.recv(4096)
        until(lambda: "in its end" in caplog.text)


def test_a_client_that_stands_still_is_cut_off(serving, caplog):
    producer = Producer(padding=50_000)
    with serving(streaming(producer.rows, send_timeout=0.3)) as url, slow_client(url) as client:
        assert producer.closed.wait(PATIENCE)
        until(lambda: "cut off, for the client took more than 0.3 s" in caplog.text)
        with contextlib.suppress(ConnectionResetError):
            while data := client.recv(2**20):
                assert not data.endswith(b"0\r\n\r\n")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_server_that_stops_closes_the_producer(serving):
    producer = Producer(pause_after=1)
    with serving(streaming(producer.rows)) as url:
        answer = ask(url)
    assert producer.closed.wait(PATIENCE)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        assert answer.content


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [(ZeroDivisionError("s3cr3t"), 500, "Internal Server Error"), (HTTPError(404, reason="no such"), 404, "no such")],
)
@pytest.mark.parametrize("rows_before", [0, 3])
def test_a_failure_before_anything_was_sent_is_an_ordinary_error(serving, error, status, text, rows_before):
    async def rows():
        for n in range(rows_before):
            yield n
        raise error

    with serving(streaming(rows, chunk_time=5.0)) as url:
        answer = ask(url)
    assert answer.json() == {"code": status, "error": text}
    assert answer.headers["Content-Type"].startswith("application/json")


def assert_broken_off(answer):
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        rows_of(answer)


@pytest.mark.parametrize("error", [ZeroDivisionError("?token=s3cr3t"), HTTPError(404), asyncio.CancelledError("?")])
@pytest.mark.parametrize("decorator", [lambda method: method, catch_error])
def test_a_failure_in_the_middle_breaks_the_answer_off_and_is_logged(serving, caplog, error, decorator):
    has_come = threading.Event()

    class Stream(RestHandler):
        @decorator
        async def get(self):
            async def rows():
                yield {"n": 1}
                await asyncio.to_thread(has_come.wait, 10)
                raise error

            await write_ndjson(self, rows())

    server = RestServer()
    server.add_route("/rows", Stream)
    with serving(server) as url:
        answer = ask(url)
        has_come.set()
        assert_broken_off(answer)
    assert f"broken off after 1 rows: GET /rows (127.0.0.1): {type(error).__name__}" in caplog.text
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize("bad", [object(), float("nan"), {"deep": [float("inf")]}, b"\xff"])
def test_an_item_without_a_json_form_breaks_the_answer_off(serving, caplog, bad):
    def rows():
        yield from ({"n": n, "padding": "x" * 1000} for n in range(1000))
        yield bad

    with serving(streaming(rows)) as url:
        assert_broken_off(ask(url))
    assert "broken off after 1000 rows" in caplog.text
