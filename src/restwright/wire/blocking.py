"""The blocking engine: urllib3, with connections that keep to the pace of the call they serve."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
from collections.abc import Generator, Iterator
from types import FunctionType
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry, Timeout

from restwright import errors
from restwright.message import Response
from restwright.wire.call import (
    PIECE,
    Buffer,
    Call,
    Pace,
    bad_header,
    check_deadline,
    pieces,
    raise_own,
    raise_translated,
    tls_error,
)
from restwright.wire.content import Content

_NEVER: Final = Retry(total=False, redirect=False)
_CHUNK: Final = 1 << 16
_LONGEST_LINE: Final = 65536
_MOST_FIELDS: Final = 100


class _Calling(threading.local):
    """Tells a connection, deep within urllib3, the pace of the call that its thread makes."""

    pace: Pace | None = None


_calling = _Calling()


class _PacedReader(io.RawIOBase):
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


def _parse_headers(fp: Any) -> http.client.HTTPMessage:
    """The header section, as `http.client.parse_headers` reads it, but not by way of the e-mail parser.

    That parser takes a fifth of a call's CPU, for forms (RFC 5322) that HTTP does not have (RFC 9112, 5).
    """
    message = http.client.HTTPMessage()
    items: list[tuple[str, str]] = []
    for _ in range(_MOST_FIELDS + 1):
        line: bytes = fp.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise http.client.LineTooLong("header line")
        if line in (b"\r\n", b"\n", b""):
            vars(message)["_headers"] = items
            return message
        text = line.decode("latin-1")
        name, colon, value = text.partition(":")
        if text[0] in " \t" and items:  # obsolete line folding (RFC 9112, 5.2)
            items[-1] = (items[-1][0], f"{items[-1][1]} {text.strip()}")
        elif colon:
            items.append((name.strip(), value.strip()))
        else:
            raise http.client.HTTPException(f"not a header field: {text[:80]!r}")
    raise http.client.HTTPException(f"more than {_MOST_FIELDS} header fields")


# The standard library's own reading of status line and framing, with the one function above in its view.
_begin: Final = FunctionType(
    http.client.HTTPResponse.begin.__code__, {**vars(http.client), "parse_headers": _parse_headers}
)


class _PacedAnswer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        pace = _calling.pace
        self._reader: _PacedReader | None = None
        if pace is not None and self.fp is not None:  # pyright: ignore[reportUnnecessaryComparison]
            pace.start()
            self._reader = _PacedReader(self.fp.detach(), sock, pace)
            self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        _begin(self)
        while 101 < self.status < 200:  # RFC 9110, 15.2; http.client skips none but 100
            vars(self)["headers"] = None  # `begin` reads only where there are none
            _begin(self)
        if self._reader is not None and _calling.pace is not None:
            self._reader.content = True
            _calling.pace.start()


class _Sending(http.client.HTTPConnection):
    """Sends much content in pieces: a socket's time-out is for all that is handed to it at once."""

    def send(self, data: Any) -> None:
        pace = _calling.pace
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
    response_class = _PacedAnswer


class _PacedTlsConnection(_Sending, HTTPSConnection):
    response_class = _PacedAnswer


class PacedPool(HTTPConnectionPool):
    """Of connections that keep to the pace of the call they serve."""

    ConnectionCls: Any = _PacedConnection


class PacedTlsPool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls: Any = _PacedTlsConnection


POOLS: Final[dict[str, type[HTTPConnectionPool]]] = {"http": PacedPool, "https": PacedTlsPool}


def perform(call: Call, pool: HTTPConnectionPool, target: str) -> Response:
    """Send the call over a connection of `pool` and take in its answer.

    Raises:
        RestwrightError: TransportError and UnusableAnswer, each of the `requests` kind too.
    """
    check_deadline(call)
    outer, pace = _calling.pace, Pace(call)  # a body or a sink may make a call of its own meanwhile
    _calling.pace = pace
    body: bytes | Iterator[bytes] | None
    if call.body is None or isinstance(call.body, bytes):
        body, chunked = call.body, False
    else:
        body, chunked = call.chunks(), call.body.length is None
    try:
        raw = pool.urlopen(
            call.method,
            target,
            body=body,
            headers=call.headers.plain(),
            retries=_NEVER,
            redirect=False,
            assert_same_host=False,
            timeout=_timeout(call, pace),
            preload_content=False,
            decode_content=False,
            chunked=chunked,
        )
        try:
            if call.buffer is not None and raw.status < 300:
                response = _response(raw, b"")
                response.stream = _Stream(call, raw, pace)
                return response
            content = _take(call, raw)
        except BaseException:
            raw.close()
            raise
    except errors.RestwrightError:
        raise
    except Exception as error:
        raise_own(call)
        raise_translated(error, _translated(error, call, pace))
    finally:
        _calling.pace = outer
    return _response(raw, content)


def _response(raw: BaseHTTPResponse, content: bytes) -> Response:
    response = Response(raw.status, content=content, headers=raw.headers.items, reason=raw.reason)
    response.sets_cookies = "Set-Cookie" in raw.headers
    return response


class _Stream:
    """Content that is read while it comes in."""

    def __init__(self, call: Call, raw: BaseHTTPResponse, pace: Pace) -> None:
        self._call, self._raw, self._pace = call, raw, pace
        self._buffer = call.buffer or Buffer()
        self._content = Content(call, raw.headers.get("Content-Encoding", ""), to_sink=True)
        call.deadline = None  # it was for the beginning of the answer

    def read(self) -> bytes:
        while not (data := self._buffer.take()) and not self._content.is_complete:
            self._pace.start()  # each wait for the next bytes has a read timeout of its own
            try:
                chunk = self._raw.read1(_CHUNK, decode_content=False)
                if chunk:
                    self._content.feed(chunk)
                else:
                    self._content.finish()
            except BaseException as error:
                self.close()
                if not isinstance(error, Exception) or isinstance(error, errors.RestwrightError):
                    raise
                raise_translated(error, _translated(error, self._call, self._pace))
        return data

    def close(self) -> None:
        if not self._content.is_complete:
            self._raw.close()


@contextlib.contextmanager
def paced(call: Call) -> Generator[None]:
    """What this thread sends and receives by way of `requests` meanwhile keeps to the bounds of `call`."""
    check_deadline(call)
    outer = _calling.pace
    _calling.pace = Pace(call)
    try:
        yield
    finally:
        _calling.pace = outer


def _take(call: Call, raw: BaseHTTPResponse) -> bytes:
    coding = raw.headers.get("Content-Encoding", "")
    length = raw.length_remaining
    to_sink = call.sink is not None and raw.status < 300
    if not coding and not to_sink and length is not None and length <= call.max_bytes:
        return raw.read(decode_content=False)
    if length is not None and length > call.max_bytes and not to_sink:
        raise errors.TooLarge(f"{length} bytes are more than the limit of {call.max_bytes}", request=call.prepared)
    content = Content(call, coding, to_sink=to_sink)
    while chunk := raw.read(_CHUNK, decode_content=False):
        content.feed(chunk)
    return content.finish()


_timeouts: dict[tuple[float | None, float | None], Timeout] = {}


def _timeout(call: Call, pace: Pace) -> Timeout:
    key = (call.connect_timeout, call.read_timeout)
    if call.deadline is not None:
        left = max(0.001, pace.until_deadline())
        if left < (key[0] or 1e9) or left < (key[1] or 1e9):
            return Timeout(connect=min(left, key[0] or left), read=min(left, key[1] or left))
    timeout = _timeouts.get(key)
    if timeout is None:
        timeout = _timeouts[key] = Timeout(connect=key[0], read=key[1])
    return timeout


def _translated(error: Exception, call: Call, pace: Pace) -> Exception:
    """Our error for urllib3's; each is also the one that `requests` would raise."""
    request = call.prepared
    match error:
        # First: urllib3 has it as a kind of ConnectTimeoutError.
        case urllib3.exceptions.NewConnectionError() | urllib3.exceptions.NameResolutionError():
            return errors.NotConnected(str(error).partition(": ")[2] or str(error), request=request)
        case urllib3.exceptions.ConnectTimeoutError():
            if pace.until_deadline() <= 0.001:
                return pace.timed_out()
            return errors.ConnectTimeout(f"no connection within {call.connect_timeout} s", request=request)
        case urllib3.exceptions.ReadTimeoutError() | TimeoutError():
            return pace.timed_out()
        case urllib3.exceptions.ProtocolError(args=(_, TimeoutError())):  # while sending
            return pace.timed_out()
        case urllib3.exceptions.ClosedPoolError():
            return errors.NotConnected("the client was closed", request=request)
        case urllib3.exceptions.ProxyError():
            return errors.ProxyError(errors.one_line(str(error)), request=request)
        case urllib3.exceptions.SSLError():
            return tls_error(errors.one_line(str(error)), call)
        case urllib3.exceptions.ProtocolError() | urllib3.exceptions.HTTPError() | http.client.HTTPException():
            return errors.BrokenAnswer(errors.one_line(_cause(error)), request=request)
        case OSError():
            return errors.TransportError(errors.one_line(_cause(error)), request=request)
        case ValueError():
            return bad_header(call, error)
        case _:
            return error


def _cause(error: Exception) -> str:
    """What is behind urllib3's wrapper, without its tuple brackets."""
    inner = error.args[-1] if error.args else error
    return f"{type(inner).__name__}: {inner}" if isinstance(inner, BaseException) else str(error)
