"""The blocking engine: urllib3's pools and connections, over which requests go as they are."""

from __future__ import annotations

import contextlib
import http.client
import math
import ssl
from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final

import urllib3
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util.ssl_match_hostname import CertificateError

from restwright import errors
from restwright.message import DEFAULT_PORTS, Response
from restwright.wire.call import (
    Buffer,
    Call,
    Pace,
    check_deadline,
    is_small,
    raise_own,
    raise_translated,
)
from restwright.wire.content import Content
from restwright.wire.head import head, refused
from restwright.wire.paced import PacedAnswer, calling, give_time
from restwright.wire.tls import broken_answer, connect_timeout, tls_error

_CHUNK: Final = 1 << 16


def perform(call: Call, pool: HTTPConnectionPool, target: str) -> Response:
    """Send the call over a connection of `pool` and take in its answer.

    Raises:
        RestwrightError: TransportError and UnusableAnswer, each of the `requests` kind too.
    """
    check_deadline(call)
    outer, pace = calling.pace, Pace(call)  # a body or a sink may make a call of its own meanwhile
    calling.pace = pace
    try:
        exchange = _Exchange(pool, call, target, pace)
        try:
            answer = exchange.answer
            if call.buffer is not None and answer.status < 300:
                response = _response(answer, b"")
                response.stream = _Stream(call, exchange, pace)
                return response
            content = _take(call, answer)
        except BaseException:
            exchange.abandon()
            raise
        exchange.end()
    except errors.RestwrightError:
        raise
    except Exception as error:
        raise_own(call)
        raise_translated(error, _translated(error, call, pace))
    finally:
        calling.pace = outer
    return _response(answer, content)


class _Exchange:
    """A call on a connection of a pool, up to the header section of its answer.

    Not by the pool's `urlopen`: redirects, repetitions and cookies are the concern of others here, and what it takes
    to allow for them is half of a call's CPU.
    """

    __slots__ = ("_connection", "_pool", "answer")

    def __init__(self, pool: Any, call: Call, target: str, pace: Pace) -> None:
        self._pool = pool
        connection = self._connection = pool._get_conn()  # noqa: SLF001  # there is no other way to have one
        try:
            if target.startswith("/"):
                data = head(call, target, _host(pool))
            else:  # to a proxy, which asks the server for us
                data = head(call, target, target.partition("://")[2].partition("/")[0], pool.proxy_headers)
            _connect(pool, connection, call, pace, tunnel=pool.proxy is not None and target.startswith("/"))
            give_time(connection.sock, pace)
            is_sent = _send(connection, call, data.encode("latin-1"))
            self.answer = PacedAnswer(connection.sock, method=call.method)
            try:
                self.answer.start()
            except BaseException:
                self.answer.close()
                raise
        except BaseException:
            connection.close()
            self._give_back(None)
            raise
        if not is_sent:
            self.answer.will_close = True

    def end(self) -> None:
        """The content has come: the connection is free for others."""
        if self.answer.will_close:
            self._connection.close()
        self.answer.close()
        self._give_back(self._connection)

    def abandon(self) -> None:
        """Close the connection, unless it is another's by now."""
        if self._pool is not None:
            self._connection.close()
            self.answer.close()
            self._give_back(None)

    def _give_back(self, connection: Any) -> None:
        pool: Any = self._pool
        self._pool = None
        pool._put_conn(connection)  # noqa: SLF001


def _connect(pool: Any, connection: Any, call: Call, pace: Pace, *, tunnel: bool) -> None:
    """Open the connection if it is not open, by way of the proxy if there is one."""
    try:
        if connection.is_closed:
            pace.is_fresh = True
            connection.timeout = min(call.connect_timeout or math.inf, max(0.001, pace.until_deadline()))
            if connection.timeout == math.inf:
                connection.timeout = None
            if tunnel:
                calling.pace = Pace(replace(call, read_timeout=call.connect_timeout))
                pool._prepare_proxy(connection)  # noqa: SLF001
            else:
                connection.connect()
        pool._validate_conn(connection)  # noqa: SLF001  # warns where the certificate is not looked at
    except TimeoutError as error:  # of a handshake, or of a proxy
        raise urllib3.exceptions.ConnectTimeoutError(connection, str(error)) from error
    except (ssl.SSLError, CertificateError) as error:
        if connection.proxy is not None and not connection.has_connected_to_proxy:
            raise urllib3.exceptions.ProxyError(f"cannot connect to proxy by TLS: {error}", error) from error
        raise urllib3.exceptions.SSLError(error) from error
    except (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
        if hasattr(connection, "_socks_options") and isinstance(error, urllib3.exceptions.NewConnectionError):
            said = str(error).rpartition("connection: ")[2]
            raise urllib3.exceptions.ProxyError(f"no connection by way of the proxy: {said}", error) from error
        if connection.proxy is None:
            raise
        raise urllib3.exceptions.ProxyError(f"cannot connect to proxy: {error}", error) from error
    finally:
        calling.pace = pace


def _send(connection: Any, call: Call, data: bytes) -> bool:
    """Send the request; False if the server does not take all of it, but may have said why."""
    body = call.body
    if isinstance(body, bytes) and is_small(body):
        data += body
        body = None
    try:
        connection.send(data)
        if isinstance(body, bytes):
            connection.send(body)
        elif body is not None:
            for chunk in call.chunks():
                if chunk:  # an empty one would end the content
                    connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if call.is_chunked else chunk)
            if call.is_chunked:
                connection.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):  # over TLS it is the last one
        if call.own_error is not None:
            raise
        return False
    return True


def _host(pool: Any) -> str:
    """What the `Host` field says (RFC 9112, 3.2)."""
    host: str = f"[{pool.host}]" if ":" in pool.host else pool.host
    return host if pool.port in (None, DEFAULT_PORTS.get(pool.scheme)) else f"{host}:{pool.port}"


def _response(answer: PacedAnswer, content: bytes) -> Response:
    response = Response(answer.status, content=content, headers=answer.fields, reason=answer.reason)
    response.sets_cookies = "Set-Cookie" in answer.fields
    return response


class _Stream:
    """Content that is read while it comes in."""

    def __init__(self, call: Call, exchange: _Exchange, pace: Pace) -> None:
        self._call, self._exchange, self._pace = call, exchange, pace
        self._buffer = call.buffer or Buffer()
        self._content = Content(call, exchange.answer.fields.get("Content-Encoding", ""), to_sink=True)
        call.deadline = None  # it was for the beginning of the answer

    def read(self) -> bytes:
        while not (data := self._buffer.take()) and not self._content.is_complete:
            self._pace.start()  # each wait for the next bytes has a read timeout of its own
            try:
                chunk = self._exchange.answer.read1(_CHUNK)
                if chunk:
                    self._content.feed(chunk)
                else:
                    self._content.finish()
                    self._exchange.end()
            except BaseException as error:
                self.close()
                if not isinstance(error, Exception) or isinstance(error, errors.RestwrightError):
                    raise
                raise_translated(error, _translated(error, self._call, self._pace))
        return data

    def close(self) -> None:
        if not self._content.is_complete:
            self._exchange.abandon()


@contextlib.contextmanager
def paced(call: Call) -> Generator[None]:
    """What this thread sends and receives by way of `requests` meanwhile keeps to the bounds of `call`."""
    check_deadline(call)
    outer = calling.pace
    calling.pace = Pace(call)
    try:
        yield
    finally:
        calling.pace = outer


def _take(call: Call, answer: PacedAnswer) -> bytes:
    coding = answer.fields.get("Content-Encoding", "")
    length = answer.length
    to_sink = call.sink is not None and answer.status < 300
    if not coding and not to_sink and length is not None and length <= call.max_bytes:
        return answer.read()
    if length is not None and length > call.max_bytes and not to_sink:
        raise errors.TooLarge(f"{length} bytes are more than the limit of {call.max_bytes}", request=call.prepared)
    content = Content(call, coding, to_sink=to_sink)
    while chunk := answer.read(_CHUNK):
        content.feed(chunk)
    return content.finish()


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
            return connect_timeout(call, in_handshake="handshake operation" in str(error))
        case TimeoutError():
            return pace.timed_out()
        case urllib3.exceptions.ClosedPoolError():
            return errors.NotConnected("the client was closed", request=request)
        case urllib3.exceptions.ProxyError():
            return errors.ProxyError(errors.one_line(str(error.args[0])), request=request)
        case urllib3.exceptions.SSLError() | ssl.SSLError():
            return tls_error(errors.one_line(str(error)), call, is_fresh=pace.is_fresh)
        case urllib3.exceptions.HTTPError() | http.client.HTTPException() | OSError():
            text = errors.one_line(f"{type(error).__name__}: {error}")
            return broken_answer(text, call, is_fresh=pace.is_fresh)
        case ValueError():
            return refused(call, error)
        case _:
            return error
