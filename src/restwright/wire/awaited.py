"""The awaited engine: aiohttp, one pool of connections for each event loop."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

import aiohttp
from yarl import URL

from restwright import errors
from restwright.message import Body, Response
from restwright.wire.call import Call, Pace, check_deadline
from restwright.wire.content import Content

CONNECTIONS: Final = 100
"""Connections that one loop opens at most; further calls wait for their turn."""
_SINK_STEP: Final = 1 << 20
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)


class LoopPool:
    """The connections that belong to one event loop."""

    def __init__(self) -> None:
        self._connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=_NO_TIMEOUT,
            max_line_size=65536,
            max_field_size=65536,
        )
        self._turn = asyncio.Semaphore(CONNECTIONS)
        self._timeouts: dict[tuple[float | None, float | None], aiohttp.ClientTimeout] = {}
        self._keeper: AsyncGenerator[None, None] | None = None

    async def keep(self) -> None:
        """Have the connections closed when the loop shuts down, for callers that never close their client."""
        self._keeper = self._until_shutdown()
        await anext(self._keeper)

    async def _until_shutdown(self) -> AsyncGenerator[None, None]:
        # asyncio.run closes open asynchronous generators before it closes the loop.
        try:
            yield
        finally:
            await self._session.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._keeper is not None:
            await self._keeper.aclose()
        await self._session.close()

    def abandon(self) -> None:
        """Let go of connections whose loop has been closed without shutting down."""
        self._session.detach()
        list(self._connector.close().__await__())  # nothing to wait for: the loop is gone

    async def perform(self, call: Call, tls: ssl.SSLContext | bool, proxy: str | None) -> Response:
        """Send the call and take in its answer.

        Raises:
            RestwrightError: TransportError and UnusableAnswer, each of the `requests` kind too.
        """
        async with self._turn:
            check_deadline(call)
            pace = Pace(call)
            try:
                return await self._perform(call, pace, tls, proxy)
            except Exception as error:
                raise _translated(error, call, pace) from error

    async def _perform(self, call: Call, pace: Pace, tls: ssl.SSLContext | bool, proxy: str | None) -> Response:
        timer = asyncio.timeout(self._patience(call))
        async with timer:
            answer = await self._session.request(
                call.method,
                URL(call.url, encoded=True),
                headers=call.headers,
                data=call.body if call.body is None or isinstance(call.body, bytes) else _sent(call.body),
                allow_redirects=False,
                ssl=tls,
                proxy=proxy,
                timeout=self._timeout((call.connect_timeout, call.read_timeout)),
            )
            try:
                pace.start()
                content = await _take(call, answer, pace, timer)
            except BaseException:
                answer.close()
                raise
        raw = answer.raw_headers
        headers = [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in raw]
        return Response(answer.status, content=content, headers=headers, reason=answer.reason)

    def _patience(self, call: Call) -> float | None:
        """Seconds from now until the header section must have come."""
        left = None if call.deadline is None else call.deadline - time.monotonic()
        if call.read_timeout is None:
            return left
        # A large body is sent within the same span as its answer is awaited; give it time at the slowest pace.
        patience = call.read_timeout + (call.connect_timeout or 0.0)
        if call.body is not None:
            size = len(call.body) if isinstance(call.body, bytes) else call.body.length
            patience = float("inf") if size is None else patience + size / (64 * 1024.0)
        left = patience if left is None else min(left, patience)
        return None if left == float("inf") else left

    def _timeout(self, key: tuple[float | None, float | None]) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(key)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=key[0], sock_read=key[1])
            self._timeouts[key] = timeout
        return timeout


async def _take(call: Call, answer: aiohttp.ClientResponse, pace: Pace, timer: asyncio.Timeout) -> bytes:
    stream = answer.content
    coding = answer.headers.get("Content-Encoding", "")
    to_sink = call.sink is not None and answer.status < 300
    if stream.is_eof() and not coding and not to_sink and stream.total_bytes <= call.max_bytes:
        return await answer.read()  # it came with the header section: nothing to wait for
    length = answer.content_length
    if length is not None and length > call.max_bytes and not to_sink and call.method != "HEAD":
        raise errors.TooLarge(f"{length} bytes are more than the limit of {call.max_bytes}", request=call.prepared)
    content = Content(call, coding, to_sink=to_sink)
    loop = asyncio.get_running_loop()
    waiting: list[bytes] = []
    size = 0
    while True:
        left = pace.seconds_left(content=True)
        timer.reschedule(None if left is None else loop.time() + left)
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
            timer.reschedule(None)
            await asyncio.to_thread(content.feed, b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        timer.reschedule(None)
        await asyncio.to_thread(content.feed, b"".join(waiting))
    await answer.read()
    return content.finish()


async def _sent(body: Body) -> AsyncIterator[bytes]:
    """The chunks of a body, read in a thread."""
    chunks = body.chunks()
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


def _translated(error: Exception, call: Call, pace: Pace) -> Exception:
    """Our error for aiohttp's; each is also the one that `requests` would raise."""
    request = call.prepared
    text = errors.one_line(str(error)) or type(error).__name__
    match error:
        case errors.RestwrightError():
            return error
        case aiohttp.ConnectionTimeoutError():
            return errors.ConnectTimeout(f"no connection within {call.connect_timeout} s", request=request)
        case TimeoutError():
            return pace.timed_out()
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return errors.ProxyError(text, request=request)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError() | aiohttp.ClientSSLError():
            return errors.TlsError(text, request=request)
        case aiohttp.ClientConnectorError():
            return errors.NotConnected(text, request=request)
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError() | aiohttp.ServerDisconnectedError():
            return errors.BrokenAnswer(text, request=request)
        case aiohttp.ClientError() | OSError():
            return errors.TransportError(text, request=request)
        case aiohttp.http_exceptions.HttpProcessingError() | ValueError() | AssertionError():
            return errors.BrokenAnswer(text, request=request)
        case _:
            return error


def tls_of(verify: bool | str, cert: str | tuple[str, str] | None) -> ssl.SSLContext | bool:
    """The TLS settings of `requests`, as aiohttp wants them."""
    if verify is False and cert is None:
        return False
    import certifi  # noqa: PLC0415 - only a TLS connection needs it

    authorities: Any = {"cafile": certifi.where()}
    if isinstance(verify, str):
        from pathlib import Path  # noqa: PLC0415

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
