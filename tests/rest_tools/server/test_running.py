"""One process that serves by `run`."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import threading
import time

import pytest
import requests
from benchmarks.load import Load

from rest_tools.server import RestServer

SIMPLE = """
server_of().run("127.0.0.1", 0, drain=5)
print("returned")
"""


def get(url, path="/who"):
    return requests.get(url + path, timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_fails_no_request(program, number):
    with program(SIMPLE) as one, Load(one.port, "/who/0.002", kept=8, fresh=4, leave=True) as load:
        one.until(lambda: len(load.seconds) > 300)
        one.process.send_signal(number)
        load.join()
        assert one.ends() == 0
        assert "returned" in one.log
    assert load.failures == []
    assert set(load.statuses) == {200}
    assert load.refused == 12


PATIENT = "from rest_tools.server import draining\ndraining._QUIET = 20.0\n"  # with a client that is late, too


def test_idle_connections_end_well_too(program):
    with program(PATIENT + SIMPLE) as one, requests.Session() as idle, requests.Session() as last:
        for session in (idle, last):
            assert session.get(f"{one.url}/who", timeout=30).status_code == 200
        with socket.create_connection(("127.0.0.1", one.port), 5) as begun:
            begun.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n")
            time.sleep(0.1)
            one.process.terminate()
            one.until(lambda: not one.is_listening)
            answer = last.get(f"{one.url}/who", timeout=30)  # it was used a moment ago
            assert answer.headers["Connection"] == "close"
            time.sleep(0.3)
            begun.sendall(b"\r\n")
            assert b"Connection: close" in begun.recv(1000)
        assert one.ends() == 0


def test_a_client_of_http_1_0_that_keeps_its_connection_is_told_to_leave(program):
    ask = b"GET /who/0.05 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    with program(PATIENT + SIMPLE) as one, socket.create_connection(("127.0.0.1", one.port), 30) as client:
        client.sendall(ask)
        assert b"Connection: Keep-Alive" in client.recv(1000)
        one.process.terminate()
        one.until(lambda: not one.is_listening)
        client.sendall(ask)
        assert b"Connection: close" in client.recv(1000)
        assert one.ends() == 0


def test_a_second_signal_stops_at_once(program):
    source = """
    @contextlib.asynccontextmanager
    async def lifespan(server):
        yield
        print("closed")

    server_of().run("127.0.0.1", 0, drain=60, notice=60, lifespan=lifespan)
    print("returned")
    """
    with program(source) as one, socket.create_connection(("127.0.0.1", one.port), 5) as client:
        client.sendall(b"GET /who/60 HTTP/1.1\r\nHost: x\r\n\r\n")
        one.until(lambda: "asked" in one.log)
        one.process.terminate()
        one.until(lambda: get(one.url, "/health/ready").status_code == 503)
        assert one.process.poll() is None
        begun = time.monotonic()
        one.process.terminate()
        assert one.ends() == 0
        assert time.monotonic() - begun < 30
        assert client.recv(1000) == b""
        assert one.log.index("closed\n") < one.log.index("returned\n")


def test_the_handlers_of_signals_are_as_before(program):
    source = """
    def mine(*_):
        print("mine")
    signal.signal(signal.SIGTERM, mine)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which `nohup` has changed
    for number in (1, 2):
        server_of().run("127.0.0.1", 0, processes=number)
    assert signal.getsignal(signal.SIGTERM) is mine
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    assert signal.set_wakeup_fd(-1) == -1
    os.kill(os.getpid(), signal.SIGTERM)
    """
    with program(source) as one:
        get(one.url)
        one.process.terminate()
        _, port = one.until(lambda: len(ports := re.findall(r" port (\d+)\n", one.log)) == 2 and ports)
        get(f"http://127.0.0.1:{port}")  # whoever answers was forked by one who handles signals
        one.process.terminate()
        assert one.ends() == 0, one.log
        assert one.log.endswith("mine\n")


def test_notice_lets_a_load_balancer_see_it(program):
    with program('server_of().run("127.0.0.1", 0, notice=60)') as one:
        assert get(one.url, "/health/ready").status_code == 200
        one.process.terminate()
        one.until(lambda: get(one.url, "/health/ready").status_code == 503)
        assert get(one.url).status_code == 200
        one.process.terminate()
        assert one.ends() == 0


# ------------------------------------------------------------------------------------------------ lifespan


def test_a_lifespan_is_entered_before_and_left_after_all_requests(program):
    source = """
    class Answer(RestHandler):
        def initialize(self, store, **kwargs):
            super().initialize(**kwargs)
            self.store = store

        async def get(self):
            print("asked", flush=True)
            await asyncio.sleep(0.3)
            self.write({"store": self.store["state"]})

    @contextlib.asynccontextmanager
    async def lifespan(server):
        store = {"state": "open"}
        server.add_route("/store", Answer, {"store": store})
        await asyncio.sleep(0.1)
        try:
            yield
        finally:
            store["state"] = "closed"
            print("closed")

    server_of().run("127.0.0.1", 0, lifespan=lifespan)
    """
    answers = []
    with program(source) as one:
        assert get(one.url, "/store").json() == {"store": "open"}
        client = threading.Thread(target=lambda: answers.append(get(one.url, "/store").json()))
        client.start()
        one.until(lambda: one.log.count("asked") == 2)
        one.process.terminate()
        client.join()
        assert one.ends() == 0
        assert one.log.endswith("closed\n")
    assert answers == [{"store": "open"}]


def test_a_lifespan_that_fails_ends_it_with_its_exception(program):
    source = """
    @contextlib.asynccontextmanager
    async def lifespan(server):
        raise OSError("no database")
        yield

    server_of().run("127.0.0.1", 0, lifespan=lifespan)
    """
    with program(source) as one:
        assert one.ends() == 1
        assert "OSError: no database" in one.log


def test_a_signal_ends_a_lifespan_that_hangs_at_its_beginning(program):
    source = """
    @contextlib.asynccontextmanager
    async def lifespan(server):
        print("begins", flush=True)
        await asyncio.sleep(60)
        yield

    server_of().run("127.0.0.1", 0, lifespan=lifespan)
    print("returned")
    """
    with program(source) as one:
        one.until(lambda: "begins" in one.log)
        one.process.terminate()
        assert one.ends() == 0
        assert one.log.endswith("returned\n")


# ------------------------------------------------------------------------------------------------ mistakes


def test_within_an_event_loop_or_another_thread_it_says_what_to_do():
    failures = []

    def elsewhere():
        try:
            RestServer().run("127.0.0.1", 0)
        except RuntimeError as error:
            failures.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

    async def main():
        elsewhere()

    asyncio.run(main())
    assert failures == [
        "run() handles signals, so it is for the main thread; elsewhere, use startup()",
        "run() has an event loop of its own; within one, use startup()",
    ]


def test_wrong_numbers_are_named():
    with pytest.raises(ValueError, match="processes must be 0 or more, got -1"):
        RestServer().run("127.0.0.1", 0, processes=-1)
    for name in ("idle_timeout", "header_timeout", "body_timeout", "send_timeout"):
        with pytest.raises(ValueError, match=f"{name} must be more than 0 seconds, got 0"):
            RestServer(**{name: 0})
    with pytest.raises(ValueError, match="max_connections must be 1 or more, got 0"):
        RestServer(max_connections=0)


def test_a_port_in_use_is_an_error_and_nothing_is_left_changed():
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        RestServer().run("127.0.0.1", taken.getsockname()[1])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_socket_that_listens_already_can_be_served_from(loop):
    server = RestServer()
    server.add_standard_routes()

    async def start(listener):
        server.accept_from(listener)

    listener = socket.create_server(("127.0.0.1", 0))
    loop.do(start(listener))
    assert get(f"http://127.0.0.1:{server.port}", "/health/live").status_code == 200
    loop.do(server.stop())
    assert listener.fileno() == -1
