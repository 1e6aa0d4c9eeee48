"""What goes over the wire: content that is streamed in and out, large and small."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import tracemalloc

import pytest
import requests
from tests.timing import PATIENCE, set_after_turns

from restwright import SyncClient, retry
from restwright.errors import BadEncoding, TooLarge
from restwright.testing import Reply, faults, serve
from restwright.testing.connection import Fault

MEGABYTE = 1 << 20


class File:
    """A sink that is a file, on a disk that takes its time."""

    def __init__(self, path, go_on=None):
        self.path, self.go_on = path, go_on
        self.starts = 0
        self.threads = set()
        self.largest = 0

    def start(self):
        self.starts += 1
        self.path.write_bytes(b"")

    def write(self, chunk):
        assert self.go_on is None or self.go_on.wait(PATIENCE / 3)
        self.threads.add(threading.current_thread())
        self.largest = max(self.largest, len(chunk))
        with self.path.open("ab") as file:
            file.write(chunk)


class Pieces:
    """A body in pieces."""

    def __init__(self, *pieces, length=None):
        self.pieces, self.length = pieces, length
        self.asked = 0

    def chunks(self):
        self.asked += 1
        yield from self.pieces


def large(size):
    """An answer of that size which the server does not hold either."""

    def play(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        piece = bytes(range(256)) * 256
        for _ in range(size // len(piece)):
            connection.send(piece)

    return Fault(play)


def test_a_download_goes_to_a_file_and_not_into_memory(connect, tmp_path):
    size = 64 * MEGABYTE
    file = File(tmp_path / "download")
    with serve([large(size)]) as server:
        caller = connect(server.url, max_bytes=MEGABYTE)
        tracemalloc.start()
        response = caller.get(sink=file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert file.path.stat().st_size == size
    assert response.content == b""
    with file.path.open("rb") as content:
        assert content.read(512) == bytes(range(256)) * 2
    assert peak < 12 * MEGABYTE


@pytest.mark.parametrize("mode", ["async"], indirect=True)
def test_a_slow_disk_does_not_hold_up_the_event_loop(connect, tmp_path):
    """Where it did, nobody would let the disk go on."""
    file = File(tmp_path / "download", go_on=threading.Event())

    async def main():
        turns = asyncio.create_task(set_after_turns(file.go_on, lambda: file.starts))
        await caller.client.ask("GET", "/x", sink=file)
        await turns

    with serve([large(4 * MEGABYTE)]) as server:
        caller = connect(server.url)
        caller.run(main())
    assert file.path.stat().st_size == 4 * MEGABYTE
    assert threading.main_thread() not in file.threads


def test_what_came_of_a_failed_attempt_does_not_stay_in_the_file(connect, tmp_path):
    file = File(tmp_path / "download")
    whole = Reply(content=b"0123456789")
    with serve([faults.half_body(whole), whole]) as server:
        connect(server.url, policy=retry(delay_first=0.01)).get(sink=file)
    assert file.path.read_bytes() == b"0123456789"
    assert file.starts == 2


def test_an_error_does_not_go_into_the_file(connect, tmp_path):
    file = File(tmp_path / "download")
    with serve([Reply(404, json={"message": "gone"})]) as server, pytest.raises(requests.HTTPError, match="gone"):
        connect(server.url).get(sink=file)
    assert file.starts == 0


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("what"), RuntimeError("no")])
def test_what_a_sink_raises_is_neither_blamed_on_the_network_nor_repeated(connect, error):
    class Full:
        def start(self):
            pass

        def write(self, chunk):
            raise error

    with serve([Reply(content=b"0123456789")]) as server:
        caller = connect(server.url, policy=retry(delay_first=0.01))
        with pytest.raises(type(error)) as raised:
            caller.get(sink=Full())
        assert raised.value is error
        assert error.__cause__ is None
        assert len(server.requests) == 1
        assert caller.get().content == b"0123456789"


def test_a_bomb_is_not_unpacked_into_a_file(connect, tmp_path):
    file = File(tmp_path / "download")
    with serve([faults.bomb()]) as server, pytest.raises(TooLarge):
        connect(server.url).get(sink=file)
    assert file.path.stat().st_size <= 16 * MEGABYTE


def test_content_of_an_encoding_that_was_not_asked_for_is_refused(connect):
    with serve([Reply(content=b"?", headers={"Content-Encoding": "br"})]) as server, pytest.raises(BadEncoding):
        connect(server.url).get()


@pytest.mark.parametrize("length", [10, None])
def test_a_streamed_upload_is_measured_or_in_chunks(connect, length):
    body = Pieces(b"01234", b"", b"56789", length=length)
    with serve([Reply()]) as server:
        connect(server.url).ask("PUT", content=body)
        (seen,) = server.requests
    assert seen.body == b"0123456789"
    assert seen.headers.get("Content-Length") == (None if length is None else "10")
    assert seen.headers.get("Transfer-Encoding") == ("chunked" if length is None else None)


@pytest.mark.parametrize("fault", [faults.html(503), faults.reset_before(), faults.close_idle(on_next_request=True)])
def test_a_streamed_upload_is_sent_whole_again(connect, fault):
    body = Pieces(b"01234", b"56789", length=10)
    with serve([fault, Reply()]) as server:
        caller = connect(server.url, policy=retry(delay_first=0.01))
        caller.ask("PUT", content=body)
        caller.ask("PUT", content=body)
    assert len(server.requests) >= 2
    assert {seen.body for seen in server.requests} == {b"0123456789"}


def test_an_upload_is_not_held_in_memory(connect):
    class Endless:
        length = 64 * MEGABYTE

        def chunks(self):
            for _ in range(64):
                yield bytes(MEGABYTE)

    def swallow(listener):
        with listener.accept()[0] as sock:
            sock.settimeout(PATIENCE)
            left = Endless.length
            while left > 0 and (data := sock.recv(MEGABYTE)):
                left -= len(data)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=swallow, args=(listener,))
        thread.start()
        caller = connect(f"http://127.0.0.1:{listener.getsockname()[1]}")
        tracemalloc.start()
        caller.ask("PUT", content=Endless())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        thread.join()
    assert peak < 12 * MEGABYTE


@pytest.mark.parametrize("size", [1, 1 << 16, (1 << 16) + 1, 5 * MEGABYTE])
def test_json_of_any_size_goes_out_and_comes_in(connect, size):
    value = {"text": "x" * size}
    with serve(lambda request: Reply(json=request.json())) as server:
        assert connect(server.url).ask("POST", json=value).json() == value
        assert server.requests[0].headers["Content-Length"] == str(len(server.requests[0].body))


def test_a_body_that_makes_a_call_of_its_own_does_not_loosen_the_bounds(connect, mode):
    """The blocking engine knows the call it serves by its thread."""
    with serve(lambda request: Reply() if request.path == "/inner" else faults.drip_body(0.05)) as server:
        caller = connect(server.url, timeout=0.3)

        class Asking:
            length = None

            def chunks(self):
                if mode == "sync":
                    caller.get("/inner")
                yield b"x"

        started = time.monotonic()
        with pytest.raises(requests.ReadTimeout):
            caller.ask("PUT", "/outer", content=Asking())
        assert time.monotonic() - started < 15


def test_answers_come_with_what_requests_users_expect(connect):
    with serve([Reply(201, json={"a": "ä"}, headers={"X-Two": ["1", "2"]})]) as server:
        response = connect(server.url).ask("POST", "/x?a=b", json=None)
    assert isinstance(response, requests.Response)
    assert (response.status_code, response.reason, response.ok) == (201, "Created", True)
    assert response.json() == {"a": "ä"}
    assert response.headers["x-two"] == "1, 2"
    assert response.url == response.request.url == server.url + "/x?a=b"
    assert response.request.method == "POST"
    assert response.request.body == b"null"
    assert response.elapsed.total_seconds() > 0
    assert response.history == []
    assert list(response.iter_content(4))
    assert response.raw.read() == response.content


@pytest.mark.parametrize("timeout", ["5", 0, -1, (1, 2, 3), (1, "2"), object()])
def test_a_time_out_that_is_none_is_refused(timeout):
    with pytest.raises(ValueError, match="timeout must be seconds"):
        SyncClient("http://h", timeout=timeout)
