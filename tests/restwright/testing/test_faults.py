from __future__ import annotations

import contextlib
import doctest
import gzip
import json
import socket
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
import requests
from tests.timing import PATIENCE, until

from restwright.testing import faults
from restwright.testing.connection import Fault
from restwright.testing.exchange import Reply
from restwright.testing.serve import serve

REPLY = faults.DEFAULT_REPLY
WITHOUT_END = [
    faults.late(60),
    faults.hang_before(),
    faults.hang_within_headers(),
    faults.hang_within_body(),
    faults.drip_headers(),
    faults.drip_body(),
    faults.reset_within_body(delay=60),
    faults.close_idle(on_next_request=True),
    faults.endless_headers(),
    faults.endless_header_line(),
    faults.endless_body(),
    faults.endless_informational(),
    faults.endless_informational(100, interval=1),
    faults.bomb(2**50),
]


@contextlib.contextmanager
def asked(server):
    """A raw connection on which a request was sent; nothing comes for so long only if nothing will."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
        sock.sendall(b"GET /here?x=1 HTTP/1.1\r\nHost: test\r\n\r\n")
        yield sock


def read(sock, limit=2**20, pause_after=None):
    """What comes until the end, a reset, `limit` bytes, or a pause after so many; and which of them it was."""
    data = bytearray()
    try:
        while len(data) < limit:
            if pause_after is not None and len(data) >= pause_after:
                sock.settimeout(0.2)
            piece = sock.recv(65536)
            if not piece:
                return bytes(data), "end"
            data += piece
    except ConnectionResetError:
        return bytes(data), "reset"
    except TimeoutError:
        return bytes(data), "pause"
    return bytes(data), "more"


def outcome(answer, *, pause_after=None):
    with serve([answer]) as server, asked(server) as sock:
        return read(sock, pause_after=pause_after)


def test_the_examples_in_the_docstrings():
    assert doctest.testmod(faults).failed == 0


@pytest.mark.parametrize("fault", WITHOUT_END)
def test_the_closing_server_ends_it_at_once(fault):
    with serve([fault]) as server, asked(server) as sock:
        sock.recv(1) if fault not in (WITHOUT_END[0], WITHOUT_END[1]) else time.sleep(0.01)
        began = time.perf_counter()
        server.close()
        assert time.perf_counter() - began < 15
        until(lambda: server.open_connections == 0)


@pytest.mark.parametrize("fault", WITHOUT_END)
def test_the_leaving_client_ends_it_at_once(fault):
    with serve([fault]) as server:
        with asked(server) as sock, contextlib.suppress(TimeoutError):
            sock.settimeout(0.01)
            sock.recv(1)
        # A byte a second notices at its next wait, which the leaving ends.
        assert server.wait_for_open_connections(0, timeout=20)


def test_late():
    began = time.perf_counter()
    with serve([faults.late(0.1, Reply(text="a")), Reply(text="b")]) as server, requests.Session() as session:
        assert session.get(server.url, timeout=30).text == "a"
        assert time.perf_counter() - began >= 0.1
        assert session.get(server.url, timeout=30).text == "b"
    assert server.connections == 1


def test_what_a_client_sends_while_it_waits_is_not_lost():
    with serve([faults.late(0.05, Reply(text="a")), Reply(text="b")]) as server, asked(server) as sock:
        sock.sendall(b"GET /next HTTP/1.1\r\nConnection: close\r\n\r\n")
        data, how = read(sock)
    assert (data.count(b"200 OK"), how) == (2, "end")


def test_hanging():
    assert outcome(faults.hang_before(), pause_after=0) == (b"", "pause")
    data, how = outcome(faults.hang_within_headers(), pause_after=17)
    assert how == "pause"
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in data
    data, how = outcome(faults.hang_within_body(), pause_after=len(REPLY.head()) + len(REPLY.content) // 2)
    assert how == "pause"
    assert data.startswith(REPLY.head())
    assert len(data) == len(REPLY.head()) + len(REPLY.content) // 2


def test_dripping():
    whole = REPLY.head() + REPLY.content
    assert outcome(faults.drip_headers(60), pause_after=1) == (b"H", "pause")
    assert outcome(faults.drip_body(60), pause_after=len(REPLY.head()) + 1) == (whole[: len(REPLY.head()) + 1], "pause")
    began = time.perf_counter()
    assert outcome(faults.drip_body(0.002)) == (whole, "end")
    assert time.perf_counter() - began > 0.002 * len(REPLY.content)
    assert outcome(faults.drip_headers(0.001)) == (whole, "end")


def test_cutting_off():
    assert outcome(faults.reset_before()) == (b"", "reset")
    half = REPLY.head() + REPLY.content[: len(REPLY.content) // 2]
    assert outcome(faults.reset_within_body()) == (half, "reset")
    assert outcome(faults.half_body()) == (half, "end")
    data, how = outcome(faults.half_body(chunked=True))
    assert how == "end"
    assert b"chunked" in data
    assert b"\r\n0\r\n" not in data


def test_a_closed_idle_connection():
    with serve([faults.close_idle()]) as server, asked(server) as sock:
        assert read(sock) == (REPLY.head() + REPLY.content, "end")
    assert b"Connection" not in REPLY.head()


def test_a_connection_closed_on_the_next_request():
    with serve([faults.close_idle(on_next_request=True)]) as server, asked(server) as sock:
        whole = REPLY.head() + REPLY.content
        assert read(sock, pause_after=len(whole)) == (whole, "pause")
        sock.settimeout(PATIENCE)
        sock.sendall(b"GET /next HTTP/1.1\r\n\r\n")
        assert read(sock) == (b"", "end")
        assert [request.target for request in server.requests] == ["/here?x=1", "/next"]


@pytest.mark.parametrize(
    ("fault", "start", "part"),
    [
        (faults.endless_headers(), b"HTTP/1.1 200 OK\r\n", b"\r\nX-Filler: "),
        (faults.endless_header_line(), b"HTTP/1.1 200 OK\r\nX-Filler: ", b" " * 1000),
        (faults.endless_body(), b"HTTP/1.1 200 OK\r\n", b"\r\n10000\r\n  "),
        (faults.endless_informational(), b"HTTP/1.1 103 Early Hints\r\n\r\n", b"\r\n\r\nHTTP/1.1 103 "),
        (faults.endless_informational(100), b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n\r\nHTTP/1.1 100 "),
        (faults.bomb(2**40), b"HTTP/1.1 200 OK\r\n", b"Content-Encoding: gzip"),
    ],
)
def test_without_an_end(fault, start, part):
    data, how = outcome(fault)
    assert how == "more"
    assert data.startswith(start)
    assert part in data
    assert b"\r\n\r\n" not in data or b"X-Filler" not in data


@pytest.mark.parametrize("size", [0, 1, 2**20, 3 * 2**20 + 5])
def test_a_bomb_is_a_correct_answer(size):
    with serve([faults.bomb(size)]) as server:
        answer = requests.get(server.url, timeout=30)
    assert answer.content == b" " * size


def test_a_bomb_is_small_until_it_is_opened():
    tracemalloc.start()
    try:
        with serve([faults.bomb(2**28)]) as server, requests.get(server.url, stream=True, timeout=30) as answer:
            body = answer.raw.read(decode_content=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) < 2**28 / 900
    assert peak < 8 * 2**20
    opened = zlib.decompressobj(31)
    size = 0
    while body and not opened.eof:
        size += len(opened.decompress(body, 2**20))
        body = opened.unconsumed_tail
    assert (opened.eof, size) == (True, 2**28)


def test_too_much_of_something():
    data, _ = outcome(faults.too_many_headers(500), pause_after=5500)
    assert data.count(b"\r\nX-Filler-") == 500
    data, _ = outcome(faults.huge_header_line(100_000), pause_after=100_000)
    assert b"\r\nX-Filler: " + b"x" * 100_000 + b"\r\n" in data
    assert faults.deep_json(3).content == b"[[[]]]"
    with pytest.raises(RecursionError):
        json.loads(faults.deep_json().content)


def test_nonsense():
    data, how = outcome(faults.garbage(100))
    assert (len(data), how) == (100, "end")
    assert outcome(faults.garbage(100)) == (data, "end")
    assert outcome(faults.garbage(100, seed=1)) != (data, "end")
    data, how = outcome(faults.bad_chunk())
    assert b"\r\nzz\r\n" in data
    with serve([faults.html(503)]) as server:
        page = requests.get(server.url, timeout=30)
    assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert page.text.startswith("<!DOCTYPE html>")


def test_truncated_gzip():
    reply = faults.truncated_gzip(Reply(text="text " * 100))
    assert reply.header("Content-Length") == str(len(reply.content))
    with pytest.raises(EOFError):
        gzip.decompress(reply.content)


def test_redirects():
    with serve([faults.redirect_to("http://elsewhere.example/a", 307)]) as server:
        answer = requests.get(server.url, timeout=30, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (307, "http://elsewhere.example/a")
    with serve([faults.redirect_loop()]) as server, requests.Session() as session:
        with pytest.raises(requests.TooManyRedirects):
            session.get(server.url + "/here?x=1", timeout=30)
        assert {request.target for request in server.requests} == {"/here?x=1"}
        assert len(server.requests) == session.max_redirects + 1
        assert server.connections == 1


def test_every_fault_is_covered_here():
    """A new one has to be named in this file."""
    text = Path(__file__).read_text(encoding="utf-8")
    public = [name for name, value in vars(faults).items() if callable(value) and name[0].islower()]
    made_here = [name for name in public if getattr(faults, name).__module__ == faults.__name__]
    assert len(made_here) >= 24
    assert [name for name in made_here if f"faults.{name}(" not in text] == []


def test_a_fault_of_ones_own():
    sulk = Fault(lambda connection: connection.send(b"No.\r\n"))
    assert outcome(sulk) == (b"No.\r\n", "end")
