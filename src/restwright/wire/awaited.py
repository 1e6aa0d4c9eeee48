"""The awaited engine: aiohttp, one pool of connections for each event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import ssl
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import certifi
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from restwright import errors
from restwright.message import Response
from restwright.wire.alert import Protocol
from restwright.wire.call import (
    Buffer,
    Call,
    Pace,
    check_deadline,
    is_small,
    pieces,
    raise_own,
    raise_translated,
)
from restwright.wire.content import Content
from restwright.wire.head import refused
from restwright.wire.one_piece import NO_TIMEOUT, NO_TIMER, Answer, Seat, ask, begin
from restwright.wire.tls import broken_answer, connect_timeout, is_about_certificate, tls_error
from restwright.wire.watch import Watch, Watchman

CONNECTIONS: Final = 100
"""Connections that one loop opens at most; further calls wait for their turn."""
_SINK_STEP: Final = 1 << 20
_PAUSE: Final = 0.05  # seconds
# What aiohttp would add where we send none.
_OWN_FIELDS: Final = frozenset({"User-Agent", "Accept", "Accept-Encoding", "Content-Type"})
_FIELDS: Final = _OWN_FIELDS - {"Content-Type"}


@functools.lru_cache(512)
def _url(url: str) -> URL:
    return URL(url, encoded=True)


class LoopPool:
    """The connections that belong to one event loop."""

    def __init__(self) -> None:
        self._connector = aiohttp.TCPConnector(limit=0)
        self._turn = asyncio.Semaphore(CONNECTIONS)
        self._watchman = Watchman()
        self._seats: dict[tuple[str, str, ssl.SSLContext | bool], Seat] = {}
        self._loop = asyncio.get_running_loop()
        # Asked for one each time that a connection is open, before the handshake of TLS.  It must not hold the pool.
        vars(self._connector)["_factory"] = functools.partial(_new_protocol, self._loop, self._watchman)
        self._last_call = self._loop.time()
        # asyncio.run closes open asynchronous generators before it closes the loop; so does their collection.
        self._keeper = _until_shutdown(self._connector)
        self._is_kept = False
        # A loop that is closed plainly does neither.
        self._end = weakref.finalize(self, _end, self._loop, self._connector)

    @property
    def is_closed(self) -> bool:
        """Can it be used no more?"""
        return self._connector.closed

    async def close(self) -> None:
        """Close all connections."""
        await self._keeper.aclose()
        await self._connector.close()

    def abandon(self) -> None:
        """Let go of connections whose loop has been closed."""
        self._end()

    def leave_to_parent(self) -> None:
        """After a fork: nothing of it may be closed here, which would reach into the parent's event loop."""
        self._end.detach()

    async def perform(self, call: Call, tls: ssl.SSLContext | bool, proxy: str | None) -> Response:
        """Send the call and take in its answer.

        Raises:
            RestwrightError: TransportError and UnusableAnswer, each of the `requests` kind too.
        """
        check_deadline(call)
        if not self._is_kept:
            self._is_kept = True
            await anext(self._keeper)
        pace = Pace(call)
        watch = Watch(call.read_timeout, pace.until_deadline())
        self._watchman.add(watch)
        answer: Answer | aiohttp.ClientResponse | None = None
        has_turn = False
        try:
            has_turn = await self._turn.acquire()  # the deadline counts while waiting for it, too
            now = self._loop.time()
            if now - self._last_call > _PAUSE:  # let a loop that stood still see which connections were closed
                await asyncio.sleep(0)  # it looks,
                await asyncio.sleep(0)  # and takes note
            self._last_call = now
            watch.allow(call.connect_timeout)
            answer = await self._answer(call, watch, tls, proxy)
            if call.buffer is not None and answer.status < 300:
                response = _response(answer, b"")
                response.stream = _Stream(call, answer, pace, self._turn)
                has_turn = False  # it is the stream's now
                return response
            return _response(answer, await _take(call, answer, pace, watch))
        except BaseException as error:
            if answer is not None:
                answer.close()
            if watch.is_time_out(error):
                late = TimeoutError()
                if watch.connected or pace.until_deadline() <= 0.001:
                    raise pace.timed_out() from late
                # By way of a proxy there are two to open, and TLS with the second one.
                in_handshake = call.url.startswith("https:") and len(watch.opened) > (proxy is not None)
                raise connect_timeout(call, in_handshake=in_handshake) from late
            if not isinstance(error, Exception) or isinstance(error, errors.RestwrightError):
                raise
            raise_own(call)
            if self._connector.closed:
                raise errors.NotConnected("the client was closed", request=call.prepared) from error
            if watch.opened and answer is None:
                pace.is_fresh = True
                watch.due = math.inf  # what happened counts, and takes no time to find out
                error = await watch.opened[-1].alert() or error
            raise_translated(error, _translated(error, call, pace))
        finally:
            if has_turn:
                self._turn.release()
            self._watchman.remove(watch)

    async def _answer(
        self, call: Call, watch: Watch, tls: ssl.SSLContext | bool, proxy: str | None
    ) -> Answer | aiohttp.ClientResponse:
        """Send the request, and read the header section of its answer.

        Not by aiohttp's ClientSession: cookies, redirects, repetitions and time-outs are the concern of others here.
        """
        if proxy is None and (call.body is None or is_small(call.body)):
            scheme, _, rest = call.url.partition("://")
            authority, _, target = rest.partition("/")
            key = (scheme, authority, tls)
            seat = self._seats.get(key)
            if seat is None:
                seat = self._seats[key] = Seat(f"{scheme}://{authority}/", tls, self._loop)
            return await ask(self._connector, seat, call, "/" + target.partition("#")[0], watch)
        headers = call.headers.plain()
        needed = _FIELDS if call.body is None else _OWN_FIELDS
        request = aiohttp.ClientRequest(
            call.method,
            _url(call.url),
            headers=CIMultiDict(headers),
            skip_auto_headers=None if needed <= headers.keys() else _OWN_FIELDS,
            data=call.body if call.body is None or is_small(call.body) else _Upload(call, watch),
            loop=self._loop,
            timer=NO_TIMER,
            ssl=tls,
            proxy=None if proxy is None else URL(proxy),
        )
        connection = await self._connector.connect(request, [], NO_TIMEOUT)
        try:
            begin(connection, call, watch)
            answer = await request.send(connection)
            try:
                await answer.start(connection)
            except BaseException:
                answer.close()
                raise
        except BaseException:
            connection.close()
            raise
        return answer


def _new_protocol(loop: asyncio.AbstractEventLoop, watchman: Watchman) -> Protocol:
    protocol = Protocol(loop)
    watchman.note_opened(protocol)
    return protocol


async def _until_shutdown(connector: aiohttp.BaseConnector) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await connector.close()


def _end(loop: asyncio.AbstractEventLoop, connector: aiohttp.BaseConnector) -> None:
    """Close the sockets of connections that nobody can use or close any more."""
    if connector.closed or loop.is_running():
        return
    idle: dict[Any, Any] = vars(connector)["_conns"]
    held = (protocol.transport for each in idle.values() for protocol, _ in each)
    lost: list[Any] = [transport for transport in held if transport is not None]  # None: the server has closed it
    idle.clear()
    list(connector.close().__await__())  # nothing to wait for
    for transport in lost:
        # Under TLS is another one, which has the socket.
        under = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
        with contextlib.suppress(RuntimeError):  # its loop is closed: the rest of what it would do then is done here
            transport.abort()
        if loop.is_closed() and hasattr(under, "_call_connection_lost"):
            with contextlib.suppress(RuntimeError):
                under._call_connection_lost(None)  # noqa: SLF001


async def _take(call: Call, answer: Answer | aiohttp.ClientResponse, pace: Pace, watch: Watch) -> bytes:
    stream = answer.content
    coding = answer.headers.get("Content-Encoding", "")
    to_sink = call.sink is not None and answer.status < 300
    if stream.is_eof() and not coding and not to_sink and stream.total_bytes <= call.max_bytes:
        return _all_of(stream)  # it came with the header section: nothing to wait for
    length = answer.content_length
    if length is not None and length > call.max_bytes and not to_sink and call.method != "HEAD":
        raise errors.TooLarge(f"{length} bytes are more than the limit of {call.max_bytes}", request=call.prepared)
    content = await asyncio.to_thread(Content, call, coding, to_sink=True) if to_sink else Content(call, coding)
    waiting: list[bytes] = []
    size = 0
    pace.start()
    while True:
        watch.allow(pace.seconds_left(content=True))
        chunk = await stream.readany()
        if not chunk:
            break
        pace.count(len(chunk))
        if not to_sink:
            content.feed(chunk)
            continue
        waiting.append(chunk)
        size += len(chunk)
        if size >= _SINK_STEP:  # a file's write may block: in a thread, and not for every few bytes
            watch.allow(None)
            await asyncio.to_thread(content.feed, b"".join(waiting))
            waiting, size = [], 0
    watch.allow(None)
    if waiting:
        await asyncio.to_thread(content.feed, b"".join(waiting))
    await answer.read()
    return content.finish()


def _all_of(stream: aiohttp.StreamReader) -> bytes:
    """The content of a stream that has come to its end."""
    buffer: Any = getattr(stream, "_buffer", None)
    if buffer is None or stream.exception() is not None:
        return stream.read_nowait()
    # `read_nowait` has the connection go on reading, which is a part of a call's CPU, and for nothing now.
    return b"".join(buffer)


def _response(answer: Answer | aiohttp.ClientResponse, content: bytes) -> Response:
    raw = answer.raw_headers
    response = Response(
        answer.status,
        content=content,
        headers=lambda: [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw],
        reason=answer.reason,
    )
    response.sets_cookies = "Set-Cookie" in answer.headers
    return response


class _Stream:
    """Content that is read while it comes in; it has its connection, and the turn that goes with it, to itself."""

    def __init__(
        self, call: Call, answer: Answer | aiohttp.ClientResponse, pace: Pace, turn: asyncio.Semaphore
    ) -> None:
        self._call, self._answer, self._pace = call, answer, pace
        self._buffer = call.buffer or Buffer()
        self._content = Content(call, answer.headers.get("Content-Encoding", ""), to_sink=True)
        self._loop = asyncio.get_running_loop()
        self._turn: asyncio.Semaphore | None = turn
        call.deadline = None  # it was for the beginning of the answer

    async def read(self) -> bytes:
        content = self._content
        while not (data := self._buffer.take()) and not content.is_complete:
            try:
                async with asyncio.timeout(self._call.read_timeout):  # each wait for the next bytes has its own
                    chunk = await self._answer.content.readany()
                if chunk:
                    content.feed(chunk)
                else:
                    content.finish()
                    self._give_turn()
            except BaseException as error:
                self.close()
                if not isinstance(error, Exception) or isinstance(error, errors.RestwrightError):
                    raise
                if isinstance(error, RuntimeError):  # aiohttp's, of a connection that is closed
                    raise errors.TransportError("the client was closed", request=self._call.prepared) from error
                raise_translated(error, _translated(error, self._call, self._pace))
        return data

    def close(self) -> None:
        if not self._content.is_complete:
            self._answer.close()
        self._give_turn()

    def _give_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            # It may be collected in any thread, and when the loop has ended.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(turn.release)


class _Upload:
    """Content that is sent piece by piece, each with its own time; from the beginning each time it is asked for."""

    def __init__(self, call: Call, watch: Watch) -> None:
        self._call, self._watch = call, watch

    async def __aiter__(self) -> AsyncIterator[bytes | memoryview]:
        watch, call = self._watch, self._call
        if isinstance(call.body, bytes):
            for piece in pieces(call.body):
                watch.allow(watch.patience)
                yield piece
        else:
            chunks = call.chunks()
            while True:
                watch.allow(None)  # reading it, in a thread, is not the server's time
                chunk = await asyncio.to_thread(next, chunks, None)
                watch.allow(watch.patience)
                if chunk is None:
                    break
                if chunk:
                    yield chunk
        watch.allow(watch.patience)


def _translated(error: Exception, call: Call, pace: Pace) -> Exception:
    """Our error for aiohttp's; each is also the one that `requests` would raise."""
    request = call.prepared
    text = errors.one_line(getattr(error, "message", "") or str(error)) or type(error).__name__
    match error:
        case TimeoutError():
            return pace.timed_out()
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return errors.ProxyError(text, request=request)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return tls_error(errors.one_line(str(error.__cause__ or error)), call, is_fresh=pace.is_fresh)
        case aiohttp.ClientOSError() if is_about_certificate(text):  # with TLS 1.3 the server tells after the handshake
            return tls_error(text, call, is_fresh=pace.is_fresh)
        case aiohttp.ClientConnectorError():
            return errors.NotConnected(text, request=request)
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return errors.BrokenAnswer(text, request=request)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return broken_answer(text, call, is_fresh=pace.is_fresh)
        case aiohttp.ClientError() | OSError():
            return errors.TransportError(text, request=request)
        case ValueError() if (translated := refused(call, error)) is not error:
            return translated
        case HttpProcessingError() | ValueError() | AssertionError():
            return broken_answer(text, call)
        case _:
            return error


def tls_of(verify: bool | str, cert: str | tuple[str, str] | None) -> ssl.SSLContext | bool:
    """The TLS settings of `requests`, as aiohttp wants them."""
    if verify is False and cert is None:
        return False
    authorities: Any = {"cafile": certifi.where()}
    if isinstance(verify, str):
        authorities = {"capath" if Path(verify).is_dir() else "cafile": verify}
    context = ssl.create_default_context(**authorities)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if isinstance(cert, str):
        context.load_cert_chain(cert)
    elif cert is not None:
        context.load_cert_chain(*cert)
    return context
