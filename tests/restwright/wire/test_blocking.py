"""Connections of the blocking engine: when they are of use to others, and when not."""

from __future__ import annotations

import socket
import threading

import pytest
import requests

from restwright import Operations, Request, SyncClient, operation
from restwright.lines import stream_of
from restwright.plan import exchange
from restwright.testing import Reply, faults, serve
from restwright.testing.connection import Fault


class Asking(Operations):
    @operation
    def ask(self, method, **fields):
        return (yield Request(method, "/x", **fields))


class Client(SyncClient, Asking):
    pass


@pytest.fixture
def connect():
    clients = []

    def connect(url, **settings):
        clients.append(Client(url, Asking(), policy=exchange, timeout=30, **settings))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


class Upload:
    """So many chunks, the length of which is said or not."""

    def __init__(self, *, chunks=3, length=None):
        self.length, self._chunks = length, chunks

    def chunks(self):
        for _ in range(self._chunks):
            yield b"x" * 70_000
            yield b""


@pytest.mark.parametrize("length", [None, 210_000])
def test_content_that_is_streamed_leaves_the_connection_to_others(connect, length):
    with serve([Reply(text="one"), Reply(text="two")]) as server:
        client = connect(server.url)
        assert client.ask("PUT", content=Upload(length=length)).text == "one"
        assert client.ask("GET").text == "two"
        assert server.requests[0].body == b"x" * 210_000
        assert server.connections == 1


@pytest.mark.parametrize("content", [b"x" * (32 << 20), Upload(chunks=500)], ids=["held", "streamed"])
def test_an_answer_that_comes_before_all_was_sent_is_read(connect, content):
    def refuse():
        with listener.accept()[0] as sock:
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse)
        thread.start()
        client = connect(f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert client.ask("PUT", content=content).status_code == 413
        thread.join()


def test_content_that_breaks_a_pipe_of_its_own_is_not_the_server_at_fault(connect):
    class Broken(Upload):
        def chunks(self):
            yield b"x"
            raise BrokenPipeError("mine")

    with serve([Reply(), Reply()]) as server:
        client = connect(server.url)
        with pytest.raises(BrokenPipeError, match="mine"):
            client.ask("PUT", content=Broken())
        assert client.ask("GET").status_code == 200


def test_a_stream_that_is_read_to_its_end_leaves_the_connection_to_others(connect):
    with serve([Reply(text="one"), Reply(text="two")]) as server:
        client = connect(server.url)
        stream = stream_of(client.ask("GET", streamed=True))
        assert b"".join(iter(stream.read, b"")) == b"one"
        stream.close()
        assert client.ask("GET").text == "two"
        assert server.connections == 1


def test_one_that_is_left_before_does_not(connect):
    with serve(
        [Fault(lambda connection: connection.send(b"HTTP/1.1 200 \r\nContent-Length: 9\r\n\r\n1")), Reply()]
    ) as server:
        client = connect(server.url)
        stream = stream_of(client.ask("GET", streamed=True))
        stream.close()
        stream.close()
        assert client.ask("GET").status_code == 200
        assert server.connections == 2


def test_calls_at_the_same_time_have_connections_of_their_own(connect):
    with serve([Reply(text="one"), Reply(text="two"), Reply(text="three")]) as server:
        client = connect(server.url)
        stream = stream_of(client.ask("GET", streamed=True))
        assert client.ask("GET").text == "two"
        assert b"".join(iter(stream.read, b"")) == b"one"
        assert server.connections == 2
        assert client.ask("GET").text == "three"
        assert server.connections == 2


def test_a_connection_that_failed_does_not_take_the_place_of_others(connect, caplog):
    with serve([*[faults.reset_before()] * 70, *[Reply()] * 2]) as server:
        client = connect(server.url)
        for _ in range(70):
            with pytest.raises(requests.ConnectionError):
                client.ask("GET")
        client.ask("GET")
        client.ask("GET")
        assert server.connections == 71
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
