"""A client's connection: how far its request is, and whether it takes too long.

A connection waits for a request, has some of a header, has some of a body, or waits for its answer.  Whatever a client
has to do has a time limit.  For what may be large, a body that it sends or an answer that it reads, the time begins
anew as long as enough of it moves: a slow line is no fault, one that only pretends to move is.
"""

from __future__ import annotations

import enum
import json
import socket
import ssl
import time
from dataclasses import dataclass, fields
from typing import Any

from tornado.iostream import IOStream, SSLIOStream, UnsatisfiableReadError

from rest_tools.server.refusal import error_body, standard_phrase

__all__ = ["ClientStream", "Patience", "Phase", "TlsClientStream"]

_LEAST_PACE = 1000  # bytes a second
_READ_AHEAD = 2**20  # bytes that a client can send while it waits for an answer
_READ_HEADER = 4096  # bytes; Tornado makes a new buffer for each read, and zeroes it, so for a header a small one
_READ_BODY = 65536  # bytes, as Tornado has it
_TORNADO_READS_AHEAD = 100 * 2**20  # bytes
_TORNADO_REFUSES = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long clients are waited for, in seconds; `inf` is for ever.

    Attributes:
        idle_timeout: For the next request on an open connection.
        header_timeout: For a whole header, from its first byte; and for the first byte of a new connection.
        body_timeout: For a body; and again, if 1000 bytes a second came.
        send_timeout: For a client to take what it is sent; and again, if it took 1000 bytes a second.

    Raises:
        ValueError: One of them is not positive.
    """

    idle_timeout: float = 75.0
    header_timeout: float = 20.0
    body_timeout: float = 30.0
    send_timeout: float = 30.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} must be more than 0 seconds, got {getattr(self, field.name)!r}")


class Phase(enum.Enum):
    """What a connection waits for."""

    REQUEST = "next request"
    HEADER = "rest of a header"
    BODY = "rest of a body"
    ANSWER = "answer"


class ClientStream(IOStream):
    """The stream of a connection, and what came of late.

    Attributes:
        phase: What it waits for.
    """

    def __init__(self, client: socket.socket) -> None:
        super().__init__(client, max_buffer_size=_READ_AHEAD)
        self._received = 0
        self._sent = 0
        self._requests = 0
        self._stuck: tuple[float, int] | None = None  # since when it is written to, and what was sent by then
        super().set_nodelay(value=True)
        self.enter(Phase.REQUEST)

    def enter(self, phase: Phase) -> None:
        """Wait for something else from now on."""
        self.phase = phase
        self._since = time.monotonic()
        self.read_chunk_size = _READ_BODY if phase is Phase.BODY else _READ_HEADER
        self._received_before, self._sent_before = self._received, self._sent
        self._requests += phase is Phase.BODY

    def set_nodelay(self, value: bool) -> None:
        """It is so from the beginning; Tornado would turn it on and off for each answer."""

    @property
    def is_fresh(self) -> bool:
        """Whether there never was a request on this connection."""
        return not self._requests

    def is_quiet(self) -> bool:
        """Whether nothing of the next request is here, not even in the socket."""
        if self.socket is None:
            return True
        try:
            # Past TLS, which has no such flag: what is on the way is enough to know.
            return self.phase is Phase.REQUEST and not socket.socket.recv(self.socket, 1, socket.MSG_PEEK)
        except OSError:  # there is nothing, or nobody any more
            return True

    def is_overdue(self, patience: Patience, now: float) -> bool:
        """Whether its client was waited for long enough; to be asked now and then."""
        elapsed = now - self._since
        if self._is_stuck(patience, now):
            return True
        if self.phase is Phase.REQUEST:
            return elapsed > (patience.header_timeout if self.is_fresh else patience.idle_timeout)
        if self.phase is Phase.HEADER:
            return elapsed > patience.header_timeout
        if self.phase is Phase.BODY and elapsed > patience.body_timeout:
            came = self._received - self._received_before
            self._since, self._received_before = now, self._received
            return came < _LEAST_PACE * elapsed
        return False

    def _is_stuck(self, patience: Patience, now: float) -> bool:
        if not self.writing():
            self._stuck = None
            return False
        since, sent = self._stuck or (now, self._sent)
        is_time = now - since > patience.send_timeout
        self._stuck = (now, self._sent) if is_time else (since, sent)
        return is_time and self._sent - sent < _LEAST_PACE * (now - since)

    def hand_over(self) -> None:
        """It is no HTTP any more, but a handler's, as that of a WebSocket: what is in a message, may be long."""
        self.max_buffer_size = _TORNADO_READS_AHEAD
        self.read_chunk_size = _READ_BODY

    def give_up(self) -> None:
        """Close it; a client that began a request, and was not answered yet, is told with 408."""
        if self.phase in {Phase.HEADER, Phase.BODY}:
            self._refuse(408)
        self.close()

    def close(self, exc_info: Any = False) -> None:
        """Close it, with an answer to what is too long to be read."""
        if isinstance(exc_info, UnsatisfiableReadError):  # a header section, else the line of a chunk
            self._refuse(400 if self.phase is Phase.BODY else 431)
        super().close(exc_info)

    def _refuse(self, status: int) -> None:
        if not self.closed() and self._sent == self._sent_before:
            super().write(_answer(status))

    def write(self, data: bytes | memoryview) -> Any:
        """Send it; in the shape of our errors where Tornado has only a status line."""
        return super().write(_answer(400) if data == _TORNADO_REFUSES else data)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read, and note that something came."""
        count = super().read_from_fd(buf)
        if count:
            self._received += count
            if self.phase is Phase.REQUEST:
                self.enter(Phase.HEADER)
        return count

    def write_to_fd(self, data: memoryview) -> int:
        """Write, and note how much went."""
        count = super().write_to_fd(data)
        self._sent += count
        return count


class TlsClientStream(ClientStream, SSLIOStream):
    """The same with TLS; the handshake is part of the time for the first header.

    Args:
        client: Of the connection.
        tls: With our certificate.
    """

    def __init__(self, client: socket.socket, tls: ssl.SSLContext) -> None:
        super().__init__(tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False))


def _answer(status: int) -> bytes:
    """An answer to what is no request."""
    phrase = standard_phrase(status)
    content = json.dumps(error_body(status, phrase, {}))
    return (
        f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: application/json; charset=UTF-8\r\n"
        f"Content-Length: {len(content)}\r\n\r\n{content}"
    ).encode()
