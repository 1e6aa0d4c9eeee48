"""The server's end of a connection, and the faults that are played on it."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from requests.structures import CaseInsensitiveDict

from restwright.testing.exchange import Reply, SeenRequest


class Connection:
    """One connection of the server, as a `Fault` sees it.

    Attributes:
        number: Its number, from 1.
        request: The request that is being answered.
    """

    request: SeenRequest

    def __init__(self, sock: socket.socket, number: int, seen: list[SeenRequest]) -> None:
        self.number = number
        self._sock = sock
        self._seen = seen
        self._received = bytearray()
        self._keep_alive = True

    def send(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            OSError: The client has gone, or the server closes.
        """
        self._sock.sendall(data)

    def wait(self, seconds: float | None) -> None:
        """Wait that long; `None` means until the connection ends. What the client sends meanwhile is kept.

        Raises:
            OSError: The client has gone, or the server closes.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while (left := None if deadline is None else deadline - time.monotonic()) is None or left > 0:
                self._sock.settimeout(left)
                self._receive()
        except TimeoutError:
            pass
        finally:
            self._sock.settimeout(None)

    def reset(self) -> NoReturn:
        """End the connection with a reset (RST) in the place of an orderly end; unsent data is thrown away.

        Raises:
            ConnectionAbortedError: Always; it ends the fault.
        """
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError("reset by the server")

    def read_request(self) -> SeenRequest:
        """Wait for the next request and read all of it; the server counts it as received.

        Raises:
            ValueError: What came is not HTTP.
            OSError: The client has gone, or the server closes.
        """
        start, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, version = start.split(" ")
        parted = [line.partition(":") for line in lines]
        header_lines = tuple((name, value.strip(" \t")) for name, _, value in parted)
        headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
        for name, value in header_lines:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if headers.get("Expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("Transfer-Encoding", "").lower():
            body = self._chunks()
        else:
            body = self._exactly(int(headers.get("Content-Length", "0")))
        self._keep_alive = version == "HTTP/1.1" and headers.get("Connection", "").lower() != "close"
        self.request = SeenRequest(method, target, headers, header_lines, body, self.number)
        self._seen.append(self.request)
        return self.request

    def reply(self, reply: Reply) -> bool:
        """Send a whole answer; whether the connection may be used for another request."""
        head = reply.head()
        keep_alive = self._keep_alive and (reply.header("Connection") or "").lower() != "close"
        if not self._keep_alive and reply.header("Connection") is None:
            head = head[:-2] + b"Connection: close\r\n\r\n"
        self.send(head if self.request.method == "HEAD" else head + reply.content)
        return keep_alive

    def shut_down(self) -> None:
        """Wake the connection's thread, wherever it waits; safe to call from another one."""
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which takes the TLS state away from under the other thread.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _receive(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionAbortedError("the client has gone, or the server closes")
        self._received += data

    def _until(self, mark: bytes) -> bytes:
        start = 0
        while (end := self._received.find(mark, start)) < 0:
            start = max(0, len(self._received) - len(mark) + 1)
            self._receive()
        data = bytes(self._received[:end])
        del self._received[: end + len(mark)]
        return data

    def _exactly(self, count: int) -> bytes:
        if count < 0:
            raise ValueError(f"negative length: {count}")
        while len(self._received) < count:
            self._receive()
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def _chunks(self) -> bytes:
        chunks: list[bytes] = []
        while size := int(self._until(b"\r\n").partition(b";")[0], 16):
            chunks.append(self._exactly(size))
            self._until(b"\r\n")
        while self._until(b"\r\n"):  # trailer fields
            pass
        return b"".join(chunks)


@dataclass(frozen=True, slots=True)
class Fault:
    r"""A misbehaviour in the place of a reply; `restwright.testing.faults` has the usual ones.

    Attributes:
        play: Called with the connection once a request was read. It returns the answer to send after all, or
            `None` to have the connection closed. An `OSError` in it ends the connection silently.

    >>> sulk = Fault(lambda connection: connection.send(b"No.\r\n"))
    """

    play: Callable[[Connection], Answer | None]


Answer: TypeAlias = Reply | Fault
