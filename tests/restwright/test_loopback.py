from __future__ import annotations

import socket

import pytest
import requests

from restwright.loopback import LoopbackHandler, LoopbackListener


class Hello(LoopbackHandler):
    def do_GET(self):
        self.send_page(200, "Hello <you>", "A & B")


def test_a_page_is_for_people_and_kept_by_nobody():
    with LoopbackListener(Hello) as listener:
        answer = requests.get(f"http://127.0.0.1:{listener.port}/secret", timeout=30)
    assert "<h1>Hello &lt;you&gt;</h1><p>A &amp; B</p>" in answer.text
    assert 'history.replaceState(null, "", "/")' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(("host", "reached"), [("127.0.0.1", [True, False]), ("[::1]", [False, True])])
def test_it_listens_where_it_is_told_to(host, reached):
    with LoopbackListener(Hello, host) as listener:
        assert [is_open(address, listener.port) for address in ("127.0.0.1", "::1")] == reached


def test_localhost_is_both_addresses():
    with LoopbackListener(Hello, "localhost") as listener:
        assert is_open("127.0.0.1", listener.port)
        assert is_open("::1", listener.port)


def is_open(address, port):
    try:
        socket.create_connection((address, port), timeout=30).close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_is_gone_once_it_is_closed():
    with LoopbackListener(Hello) as listener:
        assert is_open("127.0.0.1", listener.port)
    assert not is_open("127.0.0.1", listener.port)


def test_a_port_that_is_taken_is_an_error():
    with LoopbackListener(Hello) as first, pytest.raises(OSError, match="in use"):
        LoopbackListener(Hello, "localhost", first.port)
    with LoopbackListener(Hello, "[::1]") as first, pytest.raises(OSError, match="in use"):
        LoopbackListener(Hello, "localhost", first.port)


def test_nothing_is_logged(caplog, capfd):
    caplog.set_level("DEBUG")
    with LoopbackListener(Hello) as listener:
        requests.get(f"http://127.0.0.1:{listener.port}/canary?canary", timeout=30)
        with socket.create_connection(("127.0.0.1", listener.port)) as connection:
            connection.sendall(b"canary\r\n\r\n")
            connection.recv(1000)
    assert "canary" not in "".join(
        record.getMessage() for record in caplog.records if record.name != "urllib3.connectionpool"
    )
    assert capfd.readouterr() == ("", "")
