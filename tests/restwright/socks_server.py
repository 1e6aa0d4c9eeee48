"""A SOCKS5 proxy (RFC 1928) with users and passwords (RFC 1929), of real sockets, for tests."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import BinaryIO

ALL_HOSTS = "127.0.0.1"  # whatever name it is asked for, it connects to there


class SocksServer:
    """Attributes: `asked`, the targets as `host:port`; `users`, who used it; `reply`, what it says to requests."""

    def __init__(self, listener: socket.socket, password: str | None) -> None:
        self.authority = f"127.0.0.1:{listener.getsockname()[1]}"
        self.asked: list[str] = []
        self.users: list[str] = []
        self.reply = 0
        self._listener, self._password = listener, password

    def accept(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as came, contextlib.suppress(OSError, EOFError):
            methods = came.read(came.read(2)[1])
            wanted = 0 if self._password is None else 2
            client.sendall(bytes((5, wanted if wanted in methods else 0xFF)))
            if wanted and not self._lets_in(client, came):
                return
            kind = came.read(4)[3]
            host = socket.inet_ntoa(came.read(4)) if kind == 1 else came.read(came.read(1)[0]).decode()
            port = int.from_bytes(came.read(2), "big")
            self.asked.append(f"{host}:{port}")
            client.sendall(bytes((5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0)))
            if self.reply == 0:
                with socket.create_connection((ALL_HOSTS, port)) as server:
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 17)
                    back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
                    back.start()
                    _pass_on(client, server)
                    back.join()

    def _lets_in(self, client: socket.socket, came: BinaryIO) -> bool:
        read = came.read
        read(1)
        user, password = (read(read(1)[0]).decode() for _ in range(2))
        self.users.append(user)
        client.sendall(bytes((1, password != self._password)))
        return password == self._password


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def socks_server(password: str | None = None) -> Iterator[SocksServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)  # it holds little back
        server = SocksServer(listener, password)
        thread = threading.Thread(target=server.accept)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
