from __future__ import annotations

import contextlib
import doctest
import http.client
import importlib
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from tests.timing import PATIENCE, until

from restwright.testing.faults import hang_before
from restwright.testing.serve import Fault, Reply, serve


def exchange_raw(server, data):
    """Send bytes, read until the server closes."""
    with open_socket(server) as sock:
        sock.sendall(data)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def open_socket(server):
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def echo(request):
    return Reply(json={"method": request.method, "target": request.target, "body": request.body.decode()})


@pytest.mark.parametrize("module", ["connection", "serve"])
def test_the_examples_in_the_docstrings(module):
    outcome = doctest.testmod(importlib.import_module(f"restwright.testing.{module}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_a_request_as_it_was_sent():
    with serve(echo) as server:
        url = server.url + "/a%2Fb?x=1&x=%20&empty="
        answer = requests.post(url, json={"k": "é"}, headers={"X-Tag": "t"}, timeout=30)
    seen = server.requests[0]
    assert (seen.method, seen.target, seen.path) == ("POST", "/a%2Fb?x=1&x=%20&empty=", "/a%2Fb")
    assert seen.query == {"x": ["1", " "], "empty": [""]}
    assert seen.headers["x-tag"] == seen.headers["X-Tag"] == "t"
    assert seen.json() == {"k": "é"}
    assert answer.json()["target"] == seen.target
    assert repr(seen) == "<SeenRequest POST /a%2Fb?x=1&x=%20&empty= on connection 1>"


def test_repeated_fields_are_joined_and_kept():
    with serve(echo) as server:
        exchange_raw(server, b"GET / HTTP/1.0\r\nX-A: 1\r\nx-a:2 \r\n\r\n")
    assert server.requests[0].headers["X-A"] == "1, 2"
    assert server.requests[0].header_lines == (("X-A", "1"), ("x-a", "2"))


def test_a_chunked_body_with_trailers():
    head = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serve(echo) as server:
        exchange_raw(server, head + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n")
    assert server.requests[0].body == b"abcde"


def test_a_body_that_comes_in_pieces():
    with serve(echo) as server, open_socket(server) as sock:
        for byte in b"POST / HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc":
            sock.sendall(bytes([byte]))
        assert b'"body": "abc"' in b"".join(iter(lambda: sock.recv(65536), b""))


def test_expect_continue():
    with serve(echo) as server, open_socket(server) as sock:
        sock.sendall(b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"x")
        assert b"HTTP/1.1 200 OK" in sock.recv(1000)


def test_pipelined_requests_are_answered_in_order():
    with serve(echo) as server:
        answers = exchange_raw(server, b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.0\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(b'"/1"') < answers.index(b'"/2"')


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused(data):
    with serve(echo) as server:
        assert exchange_raw(server, data).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert server.requests == []


@pytest.mark.parametrize(
    ("reply", "content", "content_type"),
    [
        (Reply(json=[1]), b"[1]", "application/json"),
        (Reply(json=0), b"0", "application/json"),
        (Reply(text="é"), "é".encode(), "text/plain; charset=utf-8"),
        (Reply(text="<p>", headers={"content-type": "text/html"}), b"<p>", "text/html"),
        (Reply(content=b"\x00"), b"\x00", None),
        (Reply(299), b"", None),
    ],
)
def test_replies(reply, content, content_type):
    with serve([reply]) as server:
        answer = requests.get(server.url, timeout=30)
    assert answer.status_code == reply.status
    assert answer.content == content
    assert answer.headers.get("Content-Type") == content_type
    assert answer.headers["Content-Length"] == str(len(content))


def test_a_field_sent_twice():
    with serve([Reply(headers={"Set-Cookie": ["a=1", "b=2"]})]) as server:
        assert requests.get(server.url, timeout=30).cookies.get_dict() == {"a": "1", "b": "2"}


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_content(status):
    with serve([Reply(status, text="x")]) as server, requests.Session() as session:
        for _ in range(2):
            assert session.get(server.url, timeout=30).content == b""
        assert "Content-Length" not in session.get(server.url, timeout=30).headers
    assert server.connections == 1


def test_head_has_the_length_but_no_content():
    with serve([Reply(text="abc")]) as server, requests.Session() as session:
        answer = session.head(server.url, timeout=30)
        assert (answer.headers["Content-Length"], answer.content) == ("3", b"")
        assert session.get(server.url, timeout=30).text == "abc"
    assert server.connections == 1


def test_answers_one_after_the_other():
    with serve([Reply(503), Reply(429), Reply(200)]) as server:
        statuses = [requests.get(server.url, timeout=30).status_code for _ in range(4)]
    assert statuses == [503, 429, 200, 200]
    with pytest.raises(ValueError, match="at least one answer"):
        serve([])


def test_connections_are_kept_and_numbered():
    with serve(echo) as server, requests.Session() as session:
        for _ in range(3):
            session.get(server.url, timeout=30)
        requests.get(server.url, timeout=30)
        assert [request.connection for request in server.requests] == [1, 1, 1, 2]
        assert server.connections == 2
        assert server.wait_for_open_connections(1)
        session.close()
        assert server.wait_for_open_connections(0)
        assert server.open_connections == 0
        assert not server.wait_for_open_connections(1, timeout=0.01)


@pytest.mark.parametrize("who", ["client", "server", "client, by speaking HTTP/1.0"])
def test_either_side_may_close_the_connection(who):
    with serve([Reply(headers={"Connection": "close"} if who == "server" else {})]) as server:
        version = "1.0" if "1.0" in who else "1.1"
        connection = "close" if who == "client" else "keep-alive"
        answer = exchange_raw(server, f"GET / HTTP/{version}\r\nConnection: {connection}\r\n\r\n".encode())
        assert b"\r\nConnection: close\r\n" in answer


def test_many_connections_at_once():
    """Each is held until all have come."""
    barrier = threading.Barrier(20)

    def app(_):
        barrier.wait(PATIENCE)
        return Reply()

    with serve(app) as server:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda url: requests.get(url, timeout=30), [server.url] * 20))
        assert {answer.status_code for answer in answers} == {200}
        assert len(server.requests) == server.connections == 20


def test_what_the_app_raises_is_answered_and_raised():
    def app(_):
        raise KeyError("oops")

    with pytest.raises(KeyError, match="oops"), serve(app) as server:
        answer = requests.get(server.url, timeout=30)
    assert answer.status_code == 500
    assert "KeyError: 'oops'" in answer.text


def test_a_broken_fault_is_raised():
    def play(_):
        raise KeyError("oops")

    with pytest.raises(KeyError, match="oops"), serve([Fault(play)]) as server:
        assert exchange_raw(server, b"GET / HTTP/1.1\r\n\r\n") == b""


def test_a_failing_test_is_not_covered_by_the_app():
    def fail(server):
        exchange_raw(server, b"GET / HTTP/1.1\r\n\r\n")
        assert len(server.errors) == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), serve([Fault(lambda _: {}["x"])]) as server:
        fail(server)


def test_closing_is_prompt_and_leaves_nothing():
    threads = threading.active_count()
    server = serve([hang_before()])
    socks = [open_socket(server) for _ in range(10)]
    for sock in socks[:5]:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    for sock in socks[5:7]:
        sock.sendall(b"GET / HT")
    while len(server.requests) < 5:
        time.sleep(0.001)
    assert server.wait_for_open_connections(10)
    began = time.perf_counter()
    server.close()
    assert time.perf_counter() - began < 15
    until(lambda: threading.active_count() <= threads)
    assert server.open_connections == 0
    for sock in socks:
        assert sock.recv(1) == b""
        sock.close()
    with pytest.raises(ConnectionRefusedError):
        open_socket(server)
    server.close()  # again does no harm


def test_closing_does_not_wait_for_a_sleeping_app():
    awake = threading.Event()

    def app(_):
        assert awake.wait(PATIENCE)
        return Reply()

    with serve(app) as server, open_socket(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while not server.requests:
            time.sleep(0.001)
        began = time.perf_counter()
        server.close()
        assert time.perf_counter() - began < 15
        assert sock.recv(1) == b""
        awake.set()
        assert server.wait_for_open_connections(0)


def test_many_requests_do_not_pile_up_memory_or_threads():
    with serve([Reply()]) as server:
        before = threading.active_count()
        for _ in range(100):
            requests.get(server.url, timeout=30)
        assert server.wait_for_open_connections(0)
        assert threading.active_count() <= before + 1


def test_it_is_quick():
    """A stub that takes a millisecond would hide what the client takes; at its best, for others use the machine too."""
    with serve([Reply(json={})]) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
        best = 1.0
        for _ in range(500):
            began = time.perf_counter()
            connection.request("GET", "/")
            connection.getresponse().read()
            best = min(best, time.perf_counter() - began)
        connection.close()
    assert best < 0.002


def anonymous(protocol):
    """TLS without certificates: all that is wanted here is another kind of socket."""
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES256-SHA@SECLEVEL=0")
    return context


def test_tls():
    with serve([Reply(text="hello"), hang_before()], tls=anonymous(ssl.PROTOCOL_TLS_SERVER)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        host, context = server.url.removeprefix("https://"), anonymous(ssl.PROTOCOL_TLS_CLIENT)
        connection = http.client.HTTPSConnection(host, timeout=30, context=context)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hello"
        connection.request("GET", "/")
        while len(server.requests) < 2:
            time.sleep(0.001)
        began = time.perf_counter()
        server.close()
        assert time.perf_counter() - began < 15
        until(lambda: server.open_connections == 0)
        connection.close()


def test_a_client_that_speaks_no_tls():
    with serve([Reply()], tls=anonymous(ssl.PROTOCOL_TLS_SERVER)) as server:
        host, port = server.url.removeprefix("https://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(1000):
                    pass
        assert server.wait_for_open_connections(0)
        assert server.connections == 1
        assert server.requests == []
