"""The awaited engine: aiohttp, one pool of connections for each event loop."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

import aiohttp
from aiohttp.tracing import Trace
from yarl import URL

from restwright import errors
from restwright.message import Body, Response
from restwright.wire.call import Call, Pace, check_deadline
from restwright.wire.content import Content
from restwright.wire.watch import Watch, Watchman, current

CONNECTIONS: Final = 100
"""Connections that one loop opens at most; further calls wait for their turn."""
SLOWEST_SENT: Final = 64 * 1024.0
"""Bytes of content a second that sending is given time for, beyond the read timeout."""
_SINK_STEP: Final = 1 << 20
_FOREVER: Final = float("inf")
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)


class LoopPool:
    """The connections that belong to one event loop."""

    def __init__(self) -> None:
        self._connector = _Connector(limit=0)
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
        self._watchman = Watchman()
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
            watch = Watch(_patience(call))
            self._watchman.add(watch)
            token = current.set(watch)
            try:
                async with watch.timer:
                    return await self._perform(call, pace, watch, tls, proxy)
            except Exception as error:
                raise _translated(error, call, pace, watch) from error
            finally:
                current.reset(token)
                self._watchman.remove(watch)

    async def _perform(
        self, call: Call, pace: Pace, watch: Watch, tls: ssl.SSLContext | bool, proxy: str | None
    ) -> Response:
        left = pace.until_deadline()
        watch.allow(min(left, call.connect_timeout or left) if left != _FOREVER else call.connect_timeout)
        answer = await self._session.request(
            call.method,
            URL(call.url, encoded=True),
            headers=call.headers,
            data=call.body if call.body is None or isinstance(call.body, bytes) else _sent(call.body),
            allow_redirects=False,
            ssl=tls,
            proxy=proxy,
        )
        try:
            content = await _take(call, answer, pace, watch)
        except BaseException:
            answer.close()
            raise
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.raw_headers]
        return Response(answer.status, content=content, headers=headers, reason=answer.reason)


class _Connector(aiohttp.TCPConnector):
    """Tells the call's watch when it has its connection: from then on the answer is waited for."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        watch = current.get()
        if watch is not None:
            watch.connected = True
            watch.allow(watch.patience)
        return connection


def _patience(call: Call) -> float | None:
    """Seconds that sending and the header section of the answer may take, once connected."""
    patience = call.read_timeout
    if patience is not None and call.body is not None:
        size = len(call.body) if isinstance(call.body, bytes) else call.body.length
        patience = None if size is None else patience + size / SLOWEST_SENT
    if call.deadline is None:
        return patience
    left = call.deadline - time.monotonic()
    return left if patience is None else min(left, patience)


async def _take(call: Call, answer: aiohttp.ClientResponse, pace: Pace, watch: Watch) -> bytes:
    stream = answer.content
    coding = answer.headers.get("Content-Encoding", "")
    to_sink = call.sink is not None and answer.status < 300
    if stream.is_eof() and not coding and not to_sink and stream.total_bytes <= call.max_bytes:
        return await answer.read()  # it came with the header section: nothing to wait for
    length = answer.content_length
    if length is not None and length > call.max_bytes and not to_sink and call.method != "HEAD":
        raise errors.TooLarge(f"{length} bytes are more than the limit of {call.max_bytes}", request=call.prepared)
    content = Content(call, coding, to_sink=to_sink)
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


async def _sent(body: Body) -> AsyncIterator[bytes]:
    """The chunks of a body, read in a thread."""
    chunks = body.chunks()
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


def _translated(error: Exception, call: Call, pace: Pace, watch: Watch) -> Exception:
    """Our error for aiohttp's; each is also the one that `requests` would raise."""
    request = call.prepared
    text = errors.one_line(str(error)) or type(error).__name__
    match error:
        case errors.RestwrightError():
            return error
        case TimeoutError() if not watch.connected and pace.until_deadline() > 0.001:
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
