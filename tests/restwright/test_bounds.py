"""Whatever a server does: a clear error of the `requests` kind, in time and little memory, then all is well again."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import tracemalloc

import pytest
import requests
from tests.timing import PATIENCE

from restwright import deadline, redirect, retry, stack
from restwright.errors import BrokenAnswer, ConnectTimeout, DeadlineExceeded, NotConnected, ReadTimeout, TooLarge
from restwright.testing import Reply, faults, serve
from restwright.testing.connection import Fault

MOST = 4 << 20

FAULTS = {
    "late": (faults.late(60), requests.ReadTimeout),
    "hang before": (faults.hang_before(), requests.ReadTimeout),
    "hang within headers": (faults.hang_within_headers(), requests.ReadTimeout),
    "hang within body": (faults.hang_within_body(), requests.ReadTimeout),
    "drip headers": (faults.drip_headers(0.05), requests.ReadTimeout),
    "drip body": (faults.drip_body(0.05), requests.ReadTimeout),
    "endless 103": (faults.endless_informational(interval=0.01), requests.ReadTimeout),
    "endless 100": (faults.endless_informational(100, interval=0.01), requests.ReadTimeout),
    "endless 103 at once": (faults.endless_informational(), requests.ConnectionError),
    "reset before": (faults.reset_before(), requests.ConnectionError),
    "reset within body": (faults.reset_within_body(), requests.exceptions.ChunkedEncodingError),
    "close before": (Fault(lambda connection: None), requests.ConnectionError),
    "half body": (faults.half_body(), requests.exceptions.ChunkedEncodingError),
    "half body in chunks": (faults.half_body(chunked=True), requests.exceptions.ChunkedEncodingError),
    "bad chunk": (faults.bad_chunk(), requests.exceptions.ChunkedEncodingError),
    "endless headers": (faults.endless_headers(), requests.ConnectionError),
    "endless header line": (faults.endless_header_line(), requests.ConnectionError),
    "too many headers": (faults.too_many_headers(), requests.ConnectionError),
    "huge header line": (faults.huge_header_line(), requests.ConnectionError),
    "garbage": (faults.garbage(), requests.ConnectionError),
    "endless body": (faults.endless_body(), requests.exceptions.ContentDecodingError),
    "announced too large": (
        Fault(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")),
        requests.exceptions.ContentDecodingError,
    ),
    "bomb": (faults.bomb(), requests.exceptions.ContentDecodingError),
    "truncated gzip": (faults.truncated_gzip(), requests.exceptions.ContentDecodingError),
    "unknown encoding": (
        Reply(content=b"?" * 200_000, headers={"Content-Encoding": "br\x01ok"}),
        requests.exceptions.RequestException,
    ),
    "html": (faults.html(), requests.HTTPError),
    "redirect loop": (faults.redirect_loop(), requests.TooManyRedirects),
    "redirect to a file": (faults.redirect_to("file:///etc/passwd"), requests.exceptions.RequestException),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_a_clear_error_in_time_and_in_little_memory(connect, name):
    fault, kind = FAULTS[name]
    answers = [fault] * (11 if "redirect loop" in name else 1) + [Reply(json="well again")]
    with serve(answers) as server:
        timeout = (PATIENCE, 0.3) if kind is requests.ReadTimeout or "endless" in name else PATIENCE
        url = server.url.replace("//", "//user:secret@")
        caller = connect(url, max_bytes=MOST, policy=redirect(), timeout=timeout)
        tracemalloc.start()
        started = time.monotonic()
        with pytest.raises(kind) as raised:
            caller.get("/x?y=1")
        seconds = time.monotonic() - started
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert seconds < 15
        # The client's own share: the server runs in this process too.
        assert peak < 2.5 * MOST + (8 << 20) * (name == "bomb") + (12 << 20)
        message = str(raised.value)
        assert message.isprintable()
        assert len(message) < 500
        if "file" not in name:
            assert message.startswith(f"GET {server.url}/x")
            assert raised.value.request.method == "GET"
        assert "secret" not in repr(raised.value) + message + repr(raised.value.__cause__)
        assert raised.value.__cause__ is not raised.value
        if kind not in (requests.HTTPError, requests.TooManyRedirects) and not name.startswith(
            ("truncated", "redirect")
        ):
            assert server.wait_for_open_connections(0)
        assert caller.get(options={"timeout": PATIENCE}).json() == "well again"


@pytest.mark.parametrize("fault", [faults.html(200), faults.deep_json()], ids=["html", "deep"])
def test_an_answer_that_is_not_json_is_kept_for_the_caller_to_see(connect, fault):
    with serve([fault]) as server:
        response = connect(server.url).get()
        with pytest.raises(requests.exceptions.JSONDecodeError):
            response.json()
        assert response.content == fault.content


def piece_by_piece(connection):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(10):  # longer than the client waits for one of them
        connection.wait(0.4)
        connection.send(b" " * 500)


SLOW_BUT_LEGAL = {
    "headers in time": faults.late(0.2),
    "interim answers": Fault(
        lambda connection: connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\n") or faults.DEFAULT_REPLY
    ),
    "many pieces, each in time": Fault(piece_by_piece),
    "folded header": Fault(
        lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 2\r\n\r\n{}")
    ),
    "until close": Fault(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\n\r\n[1, 2]")),
}


@pytest.mark.parametrize("name", SLOW_BUT_LEGAL)
def test_what_is_slow_or_odd_but_legal_passes(connect, name):
    with serve([SLOW_BUT_LEGAL[name]]) as server:
        timeout = 3.5 if "pieces" in name else PATIENCE
        assert connect(server.url, timeout=timeout).get().status_code == 200


def test_a_stale_connection_is_replaced_for_what_may_be_repeated(connect):
    with serve([faults.close_idle(on_next_request=True), Reply(json="new")]) as server:
        caller = connect(server.url, policy=retry(3, delay_first=0.01))
        caller.get()
        assert caller.get().json() == "new"


def test_a_post_on_a_stale_connection_is_not_sent_twice(connect):
    with serve([faults.close_idle(on_next_request=True), Reply(json="new")]) as server:
        caller = connect(server.url, policy=retry(3, delay_first=0.01))
        caller.get()
        with pytest.raises(requests.ConnectionError):
            caller.ask("POST", json={})
        assert [request.method for request in server.requests] == ["GET", "POST"]


def test_a_post_goes_through_where_the_server_had_closed_before(connect):
    """Also if the event loop stood still when that happened, as between two cells of a notebook."""

    def close_later(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.wait(0.1)

    with serve([Fault(close_later), Reply(json="new")]) as server:
        caller = connect(server.url)
        caller.get()
        assert server.wait_for_open_connections(0)
        assert caller.ask("POST", json={}).json() == "new"


LONG = {
    "retries": (retry(100, network_attempts=100, delay_first=0.05), faults.reset_before()),
    "waits": (retry(1000, wait=0.05), Reply(503)),
    "hangs": (retry(100), faults.hang_before()),
    "drips": (retry(100), faults.drip_body(0.05, Reply(content=b" " * 1000))),
    "redirects": (redirect(most=10_000), faults.late(0.02, faults.redirect_to("/x"))),
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("by", ["policy", "request"])
def test_one_deadline_spans_everything(connect, name, by):
    layer, fault = LONG[name]
    with serve([fault]) as server:
        policy = stack(deadline(0.5), layer) if by == "policy" else layer
        caller = connect(server.url, policy=policy)
        started = time.monotonic()
        with pytest.raises(requests.RequestException):
            caller.get("/x", deadline=time.monotonic() + 0.5 if by == "request" else None)
        assert 0.05 < time.monotonic() - started < 15  # it may give up before: the next wait is chance


def test_a_retry_after_of_a_day_is_not_waited_for(connect):
    with serve([Reply(503, headers={"Retry-After": "86400"})]) as server:
        started = time.monotonic()
        with pytest.raises(requests.HTTPError) as raised:
            connect(server.url, policy=stack(deadline(60), retry())).get()
        assert time.monotonic() - started < 30
        assert "deadline" in str(raised.value.__notes__)


def test_a_passed_deadline_sends_nothing(connect):
    with serve([Reply()]) as server:
        with pytest.raises(DeadlineExceeded):
            connect(server.url).get(deadline=time.monotonic() - 1)
        assert server.requests == []


def test_without_a_timeout_it_waits(connect):
    with serve([faults.late(0.8)]) as server:
        assert connect(server.url, timeout=(None, None)).get().status_code == 200


@contextlib.contextmanager
def full_listener():
    """A port whose queue of connections is full: the next attempt gets no answer."""
    with socket.socket() as listener, contextlib.ExitStack() as stack_:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack_.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_connection_that_does_not_open_ends_in_a_connect_timeout(connect):
    with full_listener() as url:
        started = time.monotonic()
        with pytest.raises(ConnectTimeout) as raised:
            connect(url, timeout=(0.3, 60)).ask("POST", json={})
        assert 0.05 < time.monotonic() - started < 15  # it may give up before: the next wait is chance
        assert isinstance(raised.value, requests.ConnectTimeout)


def test_the_deadline_counts_while_connecting(connect):
    with full_listener() as url:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            connect(url, timeout=60).get(deadline=time.monotonic() + 0.3)
        assert time.monotonic() - started < 30


def test_a_refused_connection_was_surely_not_used(connect):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NotConnected):
        connect(url).ask("POST", json={})


def test_a_limit_for_one_request_is_kept_exactly(connect):
    with serve([Reply(content=b"12345")]) as server:
        caller = connect(server.url)
        assert caller.get(max_bytes=5).content == b"12345"
        with pytest.raises(TooLarge):
            caller.get(max_bytes=4)


def test_a_server_that_does_not_read_is_not_written_to_for_ever(connect):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        caller = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        started = time.monotonic()
        with pytest.raises(requests.Timeout):
            caller.ask("PUT", content=bytes(32 << 20))
        assert time.monotonic() - started < 15


def test_a_server_that_reads_slowly_is_given_its_time(connect):
    """A time-out is for each piece: one for all of an upload would end every large one."""
    size = 24 << 20

    def read_slowly(listener):
        with listener.accept()[0] as sock:
            sock.settimeout(PATIENCE)
            left = size
            while left > 0 and (data := sock.recv(1 << 19)):
                left -= len(data)
                time.sleep(0.02)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=read_slowly, args=(listener,))
        thread.start()
        started = time.monotonic()
        response = connect(f"http://127.0.0.1:{listener.getsockname()[1]}").ask("PUT", content=bytes(size))
        assert response.status_code == 200
        assert time.monotonic() - started > 0.5
        thread.join()


def test_the_deadline_ends_a_slow_upload(connect):
    class Slow:
        length = None

        def chunks(self):
            for _ in range(1000):
                time.sleep(0.05)
                yield b"x" * 100

    with serve([Reply()]) as server:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            connect(server.url).ask("PUT", content=Slow(), deadline=time.monotonic() + 0.4)
        assert time.monotonic() - started < 30


def test_after_a_streamed_upload_the_answer_has_its_time_out_too(connect):
    class Unmeasured:
        length = None

        def chunks(self):
            yield b"x"

    with serve([faults.hang_before()]) as server, pytest.raises(ReadTimeout):
        connect(server.url, timeout=0.3).ask("PUT", content=Unmeasured())


@pytest.mark.parametrize("field", [{"X-Split": "a\r\nX-Evil: 1"}, {"X-Nul\r\nX-Evil": "1"}])
def test_a_header_field_that_would_split_is_refused_and_not_repeated(connect, field):
    with serve([Reply()]) as server:
        with pytest.raises(requests.exceptions.InvalidHeader):
            connect(server.url, policy=retry()).get(headers=field)
        assert server.requests == []


def test_broken_answers_can_be_told_from_those_that_never_came(connect):
    with serve([faults.reset_before()]) as server, pytest.raises(BrokenAnswer):
        connect(server.url).get()
