"""Connections of urllib3, and answers of http.client, that keep to the pace of the call they serve."""

from __future__ import annotations

import http.client
import io
import socket
import threading
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from restwright.message import Headers
from restwright.wire.call import PIECE, Pace, pieces

_BUFFER: Final = 1 << 15
_LONGEST_LINE: Final = 65536
_MOST_FIELDS: Final = 100


class _Calling(threading.local):
    """Tells a connection, deep within urllib3, the pace of the call that its thread makes."""

    pace: Pace | None = None


calling: Final = _Calling()


class _Reader(io.RawIOBase):
    """What http.client reads from: each receive gets only the time that is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, pace: Pace) -> None:
        super().__init__()
        self._raw, self._sock, self._pace = raw, sock, pace
        self.content = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._pace.seconds_left(content=self.content)
        if left is not None:
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        size: int | None = self._raw.readinto(buffer)
        if size:
            self._pace.count(size)
        return size

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class PacedAnswer(http.client.HTTPResponse):
    """An answer, whose status line and header section are read here; its content is read by http.client.

    Attributes:
        fields: Its header fields.
    """

    fields: Headers

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        pace = calling.pace
        self._reader: _Reader | None = None
        if pace is not None and self.fp is not None:  # pyright: ignore[reportUnnecessaryComparison]
            pace.start()
            self._reader = _Reader(self.fp.detach(), sock, pace)
            self.fp = io.BufferedReader(self._reader, _BUFFER)

    def begin(self) -> None:
        """Read up to the content, for urllib3, which wants the header fields as those of an e-mail."""
        items = self.start()
        message = http.client.HTTPMessage()
        vars(message)["_headers"] = items
        self.headers = self.msg = message

    def start(self) -> list[tuple[str, str]]:
        """Read up to the content; the header fields, one by one.

        Not by way of the e-mail parser, as http.client does: that takes a fifth of a call's CPU, for forms (RFC 5322)
        that HTTP does not have (RFC 9112, 5).

        Raises:
            http.client.HTTPException: It is no answer.
        """
        version, status, reason = self._read_status()
        while 100 <= status < 200 and status != 101:  # RFC 9110, 15.2; http.client skips none but 100
            _fields(self.fp)
            version, status, reason = self._read_status()
        if not version.startswith(("HTTP/1.", "HTTP/0.9")):
            raise http.client.UnknownProtocol(version)
        items = _fields(self.fp)
        self.fields = fields = Headers(items)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        # Framing: RFC 9112, 6.3.
        self.chunked = fields.get("Transfer-Encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None
        if status in (101, 204, 304) or self._method == "HEAD":
            self.length = 0
        elif not self.chunked:
            self.length = _length(fields)
        vars(self)["headers"] = fields  # where the next line looks
        self.will_close = self._check_close() or (self.length is None and not self.chunked)
        if self._reader is not None and calling.pace is not None:
            self._reader.content = True
            calling.pace.start()
        return items

    def read(self, amt: int | None = None) -> bytes:
        """The next bytes, or all of them.

        Raises:
            http.client.IncompleteRead: Fewer come than were announced.
        """
        data = super().read(amt)
        return data or self._ended()

    def read1(self, n: int = -1) -> bytes:
        """What is there of the next bytes."""
        data = super().read1(n)
        return data or self._ended()

    def _ended(self) -> bytes:
        if self.length:
            raise http.client.IncompleteRead(b"", self.length)
        return b""


def _fields(fp: Any) -> list[tuple[str, str]]:
    """The header fields that come next."""
    items: list[tuple[str, str]] = []
    for _ in range(_MOST_FIELDS + 1):
        line: bytes = fp.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise http.client.LineTooLong("header line")
        if not line:
            raise http.client.HTTPException("the header section breaks off")
        text = line.decode("latin-1").rstrip("\r\n")
        if not text:
            return items
        name, colon, value = text.partition(":")
        if text[0] in " \t" and items:  # obsolete line folding (RFC 9112, 5.2)
            items[-1] = (items[-1][0], f"{items[-1][1]} {text.strip()}")
        elif colon:
            items.append((name.strip(), value.strip()))
        else:
            raise http.client.HTTPException(f"not a header field: {text[:80]!r}")
    raise http.client.HTTPException(f"more than {_MOST_FIELDS} header fields")


def _length(fields: Headers) -> int | None:
    """How many bytes of content there are, if it is said."""
    said = {part.strip() for part in fields.get("Content-Length", "").split(",")}
    if len(said) > 1:  # one of them may be right, but which?
        raise http.client.HTTPException(f"several lengths: {', '.join(sorted(said))[:80]}")
    (length,) = said
    return int(length) if length.isascii() and length.isdigit() else None


class _Sending(http.client.HTTPConnection):
    """Sends much content in pieces: a socket's time-out is for all that is handed to it at once."""

    def send(self, data: Any) -> None:
        pace = calling.pace
        if pace is None or self.sock is None or (len(data) <= PIECE and not pace.streams):
            super().send(data)
            return
        for piece in pieces(data):
            left = pace.seconds_left(content=False)
            if left is not None:
                if left <= 0:
                    raise TimeoutError("timed out")
                self.sock.settimeout(left)
            super().send(piece)
            pace.start()


class _PacedConnection(_Sending, HTTPConnection):
    response_class = PacedAnswer


class _PacedTlsConnection(_Sending, HTTPSConnection):
    response_class = PacedAnswer


class PacedPool(HTTPConnectionPool):
    """Of connections that keep to the pace of the call they serve."""

    ConnectionCls: Any = _PacedConnection


class PacedTlsPool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls: Any = _PacedTlsConnection


POOLS: Final[dict[str, type[HTTPConnectionPool]]] = {"http": PacedPool, "https": PacedTlsPool}
