"""Connections of urllib3, and answers of http.client, that keep to the pace of the call they serve."""

from __future__ import annotations

import http.client
import io
import re
import socket
import threading
from collections.abc import Mapping
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from restwright.message import Headers
from restwright.wire.call import PIECE, Pace, pieces

_BUFFER: Final = 1 << 15
_LONGEST_LINE: Final = 65536
_MOST_FIELDS: Final = 100
_MOST_DIGITS: Final = 18
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t]+([^\r\n]*))?[ \t]*\r?\n")


class _Calling(threading.local):
    """Tells a connection, deep within urllib3, the pace of the call that its thread makes."""

    pace: Pace | None = None


calling: Final = _Calling()


def give_time(sock: socket.socket, pace: Pace, *, content: bool = False) -> None:
    """Let the next step on the socket take as long as is left for it.

    Raises:
        TimeoutError: Nothing is left.
    """
    left = pace.seconds_left(content=content)
    if left is not None and left <= 0:
        raise TimeoutError("timed out")
    sock.settimeout(left)


class _Reader(io.RawIOBase):
    """What http.client reads from: each receive gets only the time that is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, pace: Pace) -> None:
        super().__init__()
        self._raw, self._sock, self._pace = raw, sock, pace
        self.content = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        give_time(self._sock, self._pace, content=self.content)
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

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: Any = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        pace = calling.pace
        self._has_content = method != "HEAD"
        self._reader: _Reader | None = None
        if pace is not None and self.fp is not None:  # pyright: ignore[reportUnnecessaryComparison]
            pace.start()
            self._reader = _Reader(self.fp.detach(), sock, pace)
            self.fp = io.BufferedReader(self._reader, _BUFFER)

    def begin(self) -> None:
        """Read up to the content, for urllib3, which wants the header fields as those of an e-mail."""
        message = http.client.HTTPMessage()
        vars(message)["_headers"] = self.start()
        self.headers = self.msg = message

    def start(self) -> list[tuple[str, str]]:
        """Read up to the content; the header fields, one by one.

        Not by way of the e-mail parser, as http.client does: that takes a fifth of a call's CPU, for forms (RFC 5322)
        that HTTP does not have (RFC 9112, 5).

        Raises:
            http.client.HTTPException: It is no answer.
        """
        version, status, self.reason = _status(self.fp)
        while 100 <= status < 200 and status != 101:  # RFC 9110, 15.2
            _fields(self.fp)
            version, status, self.reason = _status(self.fp)
        items = _fields(self.fp)
        self.fields = fields = Headers(items)
        self.version, self.code, self.status = version, status, status
        # RFC 9112, 6.3: what the content ends with.
        self.chunked = False
        self.chunk_left = None
        self.length = None
        if status in (101, 204, 304) or not self._has_content:  # whatever the fields say: a 304's are those of a 200
            self.length = 0
        elif fields.get("Transfer-Encoding", "").lower() == "chunked":
            self.chunked = True
        else:
            self.length = _length(fields)
        # RFC 9112, 9.3: is the connection of use after it?
        said = fields.get("Connection", "").lower()
        self.will_close = "close" in said if version > 10 else "keep-alive" not in said
        if self.length is None and not self.chunked:
            self.will_close = True
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


def _status(fp: io.BufferedIOBase) -> tuple[int, int, str]:
    """Version, as 10 or 11, status and reason (RFC 9112, 4)."""
    line = fp.readline(_LONGEST_LINE)
    if not line:
        raise http.client.RemoteDisconnected("no answer: the server has closed the connection")
    match = _STATUS_LINE.match(line)
    if match is None:
        raise http.client.BadStatusLine(repr(line[:80]))
    minor, status, reason = match.groups(b"")
    return 10 if minor == b"0" else 11, int(status), reason.decode("latin-1").strip()


def _fields(fp: io.BufferedIOBase) -> list[tuple[str, str]]:
    """The header fields that come next (RFC 9112, 5)."""
    readline = fp.readline
    items: list[tuple[str, str]] = []
    for _ in range(_MOST_FIELDS + 1):
        line = readline(_LONGEST_LINE)
        name, colon, value = line.decode("latin-1").partition(":")
        if len(line) == _LONGEST_LINE:
            raise http.client.LineTooLong("header line")
        if name[:1] in (" ", "\t") and items:  # obsolete line folding (5.2)
            items[-1] = (items[-1][0], f"{items[-1][1]} {(name + colon + value).strip()}")
        elif colon:
            items.append((name.strip(), value.strip()))
        elif line in (b"\r\n", b"\n"):
            return items
        else:
            raise http.client.HTTPException(f"not a header field: {line[:80]!r}" if line else "the answer breaks off")
    raise http.client.HTTPException(f"more than {_MOST_FIELDS} header fields")


def _length(fields: Headers) -> int | None:
    """How many bytes of content there are; None if it is not said."""
    given = fields.get("Content-Length")
    if given is None:
        return None
    said = {part.strip() for part in given.split(",")}
    length = said.pop()
    if said or not length.isascii() or not length.isdigit() or len(length) > _MOST_DIGITS:
        raise http.client.HTTPException(f"no length: {given[:80]!r}")
    return int(length)


class _Sending(http.client.HTTPConnection):
    """Sends much content in pieces: a socket's time-out is for all that is handed to it at once."""

    def send(self, data: Any) -> None:
        pace = calling.pace
        if pace is None or self.sock is None or (len(data) <= PIECE and not pace.streams):
            super().send(data)
            return
        for piece in pieces(data):
            give_time(self.sock, pace)
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


def paced_pools(classes: Mapping[str, Any]) -> dict[str, Any]:
    """The same as these pools, by scheme, which have connections of another kind: by way of a SOCKS proxy."""
    paced = {"response_class": PacedAnswer}
    return {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": type("Paced", (_Sending, pool.ConnectionCls), paced)})
        for scheme, pool in classes.items()
    }


POOLS: Final[dict[str, type[HTTPConnectionPool]]] = {"http": PacedPool, "https": PacedTlsPool}
