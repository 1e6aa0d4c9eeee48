from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time

import pytest
import requests
import tornado.web
from tests.timing import PATIENCE

from rest_tools.server import RestHandler, RestHandlerSetup, RestServer, draining
from rest_tools.server.server import tornado_logger
from rest_tools.server.session import Session, SessionMixin
from rest_tools.utils.auth import Auth

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."
SETUP = RestHandlerSetup({"auth": {"secret": SECRET}})


class Fruits(RestHandler):
    def get(self):
        self.write({"ip": self.request.remote_ip, "protocol": self.request.protocol})

    def post(self):
        self.write({"size": len(self.request.body)})

    put = post


class Slow(RestHandler):
    begun = threading.Event()

    async def get(self, seconds):
        self.begun.set()
        await asyncio.sleep(float(seconds))
        self.write({"done": True})


def server_of(*routes, **settings):
    server = RestServer(**settings)
    for route in routes or [("/fruits", Fruits, SETUP)]:
        server.add_route(*route)
    return server


async def start(server):
    server.startup("127.0.0.1", 0)
    return server.port


def ask(url, method="GET", **options):
    return requests.request(method, url, timeout=10, **options)


# ------------------------------------------------------------------------------------------------ routes


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
def test_an_unknown_route_is_answered_in_json(serving, method):
    with serving(server_of(cookie_secret="00" * 32)) as url:
        answer = ask(f"{url}/nowhere", method)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert method == "HEAD" or answer.json() == {"code": 404, "error": "Not Found"}


def test_a_default_handler_of_ones_own_stays(serving):
    class Mine(tornado.web.RequestHandler):
        def prepare(self):
            self.finish("mine")

    with serving(server_of(default_handler_class=Mine)) as url:
        assert ask(f"{url}/nowhere").text == "mine"


class WithSession(SessionMixin, RestHandler):
    pass


class Strict(RestHandler):
    def initialize(self, basket, **kwargs):
        super().initialize(**kwargs)
        self.basket = basket

    def get(self):
        self.write({"basket": self.basket})


class Closed(RestHandler):
    def initialize(self, basket):
        super().initialize()


class Bare(tornado.web.RequestHandler):
    pass


@pytest.mark.parametrize(
    ("route", "kind", "text"),
    [
        (("/x", object), TypeError, "not a subclass"),
        (("/x", "Fruits"), TypeError, "not a subclass"),
        (("/x(", Fruits), ValueError, "/x("),
        (("/(a)(?P<b>x)", Fruits), ValueError, "named"),
        (("/x", Fruits, {"colour": 1}), TypeError, "'colour'"),
        (("/x", Fruits, {**SETUP, "session": 1}), TypeError, "'session'"),
        (("/x", WithSession, SETUP), TypeError, "session"),
        (("/x", WithSession, {"session": Session(), "colour": 1}), TypeError, "'colour'"),
        (("/x", Strict, SETUP), TypeError, "basket"),
        (("/x", Closed, {"basket": 1, "auth": None}), TypeError, "auth"),
        (("/x", Bare, {"colour": 1}), TypeError, "'colour'"),
        (("/x",), TypeError, "handler"),
        ((), TypeError, "pattern"),
    ],
)
def test_a_wrong_route_fails_when_it_is_added(route, kind, text):
    server = RestServer()
    with pytest.raises(kind) as raised:
        server.add_route(*route)
    assert text in str(raised.value)
    assert server.routes == []


def test_right_routes_of_all_kinds(serving):
    server = server_of(
        ("/a", Strict, {"basket": 7, **SETUP}),
        ("/b", WithSession, {"session": Session(), **SETUP}),
        ("/c", Closed, {"basket": 7}),
        ("/d", Bare, {}),
        ("/e", Fruits, None),
        ("/f/(.*)", Slow, SETUP, "slow"),
    )
    assert server.routes[3] == ("/d", Bare, {})
    with serving(server) as url:
        assert ask(f"{url}/a").json() == {"basket": 7}
        assert ask(f"{url}/c").status_code == 405
        assert ask(f"{url}/f/0").json() == {"done": True}
        assert ask(f"{url}/a/").status_code == 404


# ------------------------------------------------------------------------------------------------ bodies


def test_a_body_beyond_the_limit_is_refused(serving):
    with serving(server_of(max_body_size=1000)) as url, requests.Session() as session:
        for size, status in [(1000, 200), (1001, 413), (1_000_000, 413), (1, 200)]:
            answer = session.post(f"{url}/fruits", data=b"x" * size, timeout=10)
            assert answer.status_code == status
        refused = session.post(f"{url}/fruits", data=b"x" * 5000, timeout=10)
        assert refused.json()["code"] == 413
        assert refused.headers["Server"] == "REST"
        assert ask(f"{url}/fruits").status_code == 200


def raw(url, data, patience=5):
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), patience) as sock:
        sock.sendall(data)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
            if answer.endswith(b"}"):
                break
        return answer


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 2000\r\nExpect: 100-continue\r\n\r\n",
        b"Content-Length: 99999999999\r\n\r\n",
        b"Content-Length: 9999999\r\n\r\nxxxx",
    ],
)
def test_a_body_that_is_not_worth_reading_is_refused_at_once(serving, lines):
    with serving(server_of(max_body_size=1000)) as url:
        answer = raw(url, b"POST /fruits HTTP/1.1\r\nHost: x\r\n" + lines)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", [b"-1", b"0x10", b"1, 2", b"9" * 30, b"\xb2"])
def test_a_length_that_is_none_is_a_bad_request(serving, length):
    with serving(server_of(max_body_size=1000)) as url:
        answer = raw(url, b"POST /fruits HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 4")
        assert ask(f"{url}/fruits").status_code == 200


def test_a_body_in_chunks_is_limited_too(serving):
    with serving(server_of(max_body_size=1000)) as url, requests.Session() as session:
        for sizes, status in [([999, 1], 200), ([1001], 413), ([600, 600, 600], 413), ([65536] * 10, 413), ([1], 200)]:
            answer = session.post(f"{url}/fruits", data=(b"x" * size for size in sizes), timeout=10)
            assert answer.status_code == status
            assert answer.json() == ({"size": sum(sizes)} if status == 200 else {"code": 413, "error": answer.reason})
            assert answer.headers["Server"] == "REST"


def test_a_body_in_chunks_is_not_read_without_end(serving):
    head = b"POST /fruits HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(server_of(max_body_size=1000)) as url:
        answer = raw(url, head + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 129)  # and more to come
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.endswith(b'"Request Entity Too Large"}')


def test_who_takes_a_body_in_pieces_is_limited_by_tornado(serving):
    @tornado.web.stream_request_body
    class Pieces(RestHandler):
        def prepare(self):
            self.size = 0

        def data_received(self, chunk):
            self.size += len(chunk)

        def post(self):
            self.write({"size": self.size})

    head = b"POST /pieces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(server_of(("/pieces", Pieces), max_body_size=1000)) as url:
        assert b'{"size": 3}' in raw(url, head + b"3\r\nabc\r\n0\r\n\r\n")
        answer = raw(url, head + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.endswith(b'{"code": 400, "error": "Bad Request"}')


def test_without_a_limit_of_ones_own_it_is_100_mebibytes(serving):
    head = b"POST /fruits HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    with serving(server_of()) as url:
        assert raw(url, head % (100 * 2**20 + 1)).startswith(b"HTTP/1.1 413 ")
        assert requests.post(f"{url}/fruits", data=b"x" * 3_000_000, timeout=10).json() == {"size": 3_000_000}


# ------------------------------------------------------------------------------------------------ proxies


FORWARDED = {"X-Forwarded-For": "198.51.100.7, 192.0.2.1", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({}, {"ip": "192.0.2.1", "protocol": "https"}),
        ({"trusted_downstream": ["192.0.2.1"]}, {"ip": "198.51.100.7", "protocol": "https"}),
        ({"xheaders": False}, {"ip": "127.0.0.1", "protocol": "http"}),
    ],
)
def test_who_is_believed_about_clients(serving, settings, seen):
    with serving(server_of(**settings)) as url:
        assert ask(f"{url}/fruits", headers=FORWARDED).json() == seen


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ({"x-real-ip": "198.51.100.9"}, {"ip": "198.51.100.9", "protocol": "http"}),
        ({"X-Scheme": "https"}, {"ip": "127.0.0.1", "protocol": "https"}),
        ({"X-Forwarded-For": "somebody", "X-Forwarded-Proto": "gopher"}, {"ip": "127.0.0.1", "protocol": "http"}),
    ],
)
def test_what_a_proxy_says_holds_for_one_request(serving, headers, seen):
    with serving(server_of()) as url, requests.Session() as session:
        assert session.get(f"{url}/fruits", headers=headers, timeout=10).json() == seen
        assert session.get(f"{url}/fruits", timeout=10).json() == {"ip": "127.0.0.1", "protocol": "http"}


# ------------------------------------------------------------------------------------------------ xsrf


def test_a_cookie_secret_asks_for_an_xsrf_token_but_not_with_a_bearer_token(serving):
    server = server_of(cookie_secret="0123456789abcdef" * 4)
    assert server.app_args["cookie_secret"] == bytes.fromhex("0123456789abcdef" * 4)
    token = Auth(SECRET).create_token("joe")
    with serving(server) as url:
        for body in ({"data": b"no json"}, {"json": {}}, {"data": {"form": 1}}):
            refused = ask(f"{url}/fruits", "POST", **body)
            assert refused.json() == {"code": 403, "error": "Forbidden"}
            assert ask(f"{url}/fruits", "PUT", **body, headers={"Authorization": f"Bearer {token}"}).status_code == 200
            assert ask(f"{url}/fruits", "PUT", **body, headers={"Authorization": "Basic am9l"}).status_code == 403
            headers = {"X-XSRFToken": "0123456789abcdef", "Cookie": "_xsrf=0123456789abcdef"}
            assert ask(f"{url}/fruits", "POST", **body, headers=headers).status_code == 200
        assert ask(f"{url}/fruits").status_code == 200


@pytest.mark.parametrize(
    ("secret", "error", "text"),
    [
        ("not hex", ValueError, "cookie_secret must be hexadecimal, got 7 characters"),
        ("", ValueError, "cookie_secret is empty"),
        (b"aa", TypeError, "cookie_secret must be hexadecimal text, got bytes"),
    ],
)
def test_a_cookie_secret_that_is_not_hexadecimal_is_a_mistake(secret, error, text):
    with pytest.raises(error, match=text):
        RestServer(cookie_secret=secret)


# ------------------------------------------------------------------------------------------------ log


def test_a_log_function_of_ones_own(serving):
    seen = []
    with serving(server_of(log_function=lambda handler: seen.append(handler.get_status()))) as url:
        ask(f"{url}/fruits")
        ask(f"{url}/nowhere")
    assert seen == [200, 404]
    assert RestServer().app_args == {"log_function": tornado_logger}
    assert RestServer(debug=False, login_url="/login").app_args["login_url"] == "/login"


def test_plain_tornado_handlers_are_logged_without_secrets_too(serving, caplog):
    class Plain(tornado.web.RequestHandler):
        def get(self):
            self.write("x")

    caplog.set_level(logging.INFO)
    with serving(server_of(("/x", Plain))) as url:
        ask(f"{url}/x?code=s3cr3t")
    assert "200 GET /x?code=*** (127.0.0.1)" in caplog.text


# ------------------------------------------------------------------------------------------------ start and stop


def test_the_address_is_logged_and_the_port_known(loop, caplog):
    server = server_of()
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.port
    port = loop.do(start(server))
    assert server.port == port > 0
    assert server.http_server is not None
    assert f"listening on 127.0.0.1 port {port}" in [one.getMessage() for one in caplog.records if one.levelno == 30]
    loop.do(server.stop())


def test_ipv6_by_its_address(loop):
    server = server_of()

    async def startup():
        server.startup("::1", 0)

    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        with pytest.raises(OSError, match=r"assign|support"):
            loop.do(startup())
        return
    loop.do(startup())
    assert ask(f"http://[::1]:{server.port}/fruits").json()["ip"] == "::1"
    loop.do(server.stop())


def test_a_port_in_use_is_an_error(loop):
    with socket.create_server(("127.0.0.1", 0)) as taken:

        async def startup():
            server_of().startup("127.0.0.1", taken.getsockname()[1])

        with pytest.raises(OSError, match="in use"):
            loop.do(startup())


def test_a_second_startup_stops_the_first_and_may_take_its_port(loop):
    server = server_of()
    port = loop.do(start(server))
    with requests.Session() as session:
        assert session.get(f"http://127.0.0.1:{port}/fruits", timeout=30).status_code == 200
        server.add_route("/more", Fruits)

        async def again():
            server.startup("127.0.0.1", port)

        loop.do(again())
        old = session.get(f"http://127.0.0.1:{port}/more", timeout=30)  # the connection was open
        assert (old.status_code, old.headers["Connection"]) == (404, "close")
        assert ask(f"http://127.0.0.1:{port}/more").status_code == 200
        other = loop.do(start(server))
        assert other != port
        with pytest.raises(requests.ConnectionError):
            ask(f"http://127.0.0.1:{port}/fruits")
        assert ask(f"http://127.0.0.1:{other}/fruits").status_code == 200
    loop.do(server.stop())
    with pytest.raises(requests.ConnectionError):
        ask(f"http://127.0.0.1:{other}/fruits")


def test_tornados_server_can_be_stopped_as_tornado_says(loop):
    server = server_of()
    port = loop.do(start(server))
    with requests.Session() as session:
        session.get(f"http://127.0.0.1:{port}/fruits", timeout=30)

        async def stop():
            server.http_server.stop()

        loop.do(stop())
        assert session.get(f"http://127.0.0.1:{port}/fruits", timeout=30).status_code == 200
        with pytest.raises(requests.ConnectionError):
            ask(f"http://127.0.0.1:{port}/fruits")
    loop.do(server.stop())


def test_stop_may_come_early_twice_and_together(loop):
    server = server_of()
    loop.do(server.stop())
    loop.do(start(server))

    async def together():
        await asyncio.gather(server.stop(), server.stop())

    loop.do(together())
    loop.do(server.stop())
    loop.do(start(server))
    assert ask(f"http://127.0.0.1:{server.port}/fruits").status_code == 200
    loop.do(server.stop())


def test_stop_waits_for_answers_and_no_longer_than_told(loop, caplog):
    server = server_of((r"/slow/(.*)", Slow, SETUP))
    port = loop.do(start(server))
    answers = []

    def get(seconds):
        try:
            answers.append((seconds, ask(f"http://127.0.0.1:{port}/slow/{seconds}").json()))
        except requests.ConnectionError:
            answers.append((seconds, "cut off"))

    threads = [threading.Thread(target=get, args=(seconds,)) for seconds in (0.4, 30)]
    for thread in threads:
        Slow.begun.clear()
        thread.start()
        assert Slow.begun.wait(PATIENCE)
    begun = time.monotonic()
    loop.do(server.stop(drain=4.0))
    assert 3.9 < time.monotonic() - begun < 25
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [(0.4, {"done": True}), (30, "cut off")]
    assert "1 requests were cut off after 4.0 s" in caplog.text
    tasks = loop.do(_cancel_others())
    assert tasks == 1  # the cut off handler itself sleeps on; nobody tells it


async def _cancel_others():
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return len(others)


def test_stop_closes_idle_connections_soon(loop):
    server = server_of()
    port = loop.do(start(server))
    with requests.Session() as session, socket.create_connection(("127.0.0.1", port)) as silent:
        session.get(f"http://127.0.0.1:{port}/fruits", timeout=30)
        begun = time.monotonic()
        loop.do(server.stop(drain=35))
        assert time.monotonic() - begun < 20
        silent.settimeout(PATIENCE)
        assert silent.recv(1) == b""


def test_stopping_under_load_fails_no_request_on_an_open_connection(loop, monkeypatch):
    monkeypatch.setattr(draining, "_QUIET", PATIENCE)  # with a client that is late, too
    server = server_of((r"/slow/(.*)", Slow, SETUP))
    port = loop.do(start(server))
    failures, farewells, done = [], [], threading.Event()

    def talk():
        with requests.Session() as session:
            while not done.is_set():
                try:
                    answer = session.get(f"http://127.0.0.1:{port}/slow/0.002", timeout=30)
                except requests.RequestException as error:
                    failures.append(error)
                    return
                assert answer.json() == {"done": True}
                if answer.headers.get("Connection") == "close":
                    farewells.append(1)
                    return

    threads = [threading.Thread(target=talk) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    loop.do(server.stop(drain=35))
    for thread in threads:
        thread.join(PATIENCE)
    done.set()
    assert failures == []
    assert len(farewells) == 6
