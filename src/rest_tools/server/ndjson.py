"""Answers that are streams of JSON values, one a line (NDJSON).

Two tasks share the work.  One takes items from the producer and makes rows of them, up to a full chunk.  The other, the
handler's own, sends the chunk: it has its turn when the first one waits, be it for the producer or for room.  So the
row of a slow producer leaves at once, those of a fast one leave together, and a slow client slows the producer down.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Mapping
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import Finish

from rest_tools.server.handler import RestHandler
from rest_tools.server.redaction import redact, request_line
from rest_tools.utils.json_util import objToJSON
from restwright import json_codec

__all__ = ["write_ndjson"]

_log = logging.getLogger(__name__)


async def write_ndjson(
    handler: RestHandler,
    items: Iterable[Any] | AsyncIterable[Any],
    *,
    chunk_size: int = 64 * 1024,
    chunk_time: float = 0.01,
    send_timeout: float = 60.0,
) -> None:
    """Answer with these items, a line of JSON each, as `application/x-ndjson`.

    An exception of the producer, or an item that has no JSON form, is an ordinary error as long as nothing has been
    sent.  After that the answer breaks off: the client sees that it is not complete.  When the client goes away, the
    producer is closed, and `Finish` ends the method.

    Args:
        handler: Whose answer it is; status and header fields that it has set before count.
        items: What JSON has, and what `json_util` marks: dates, times, sets, bytes.  One that is not async is
            iterated in the thread of the event loop, so it must not wait for anything.
        chunk_size: Bytes of rows that are collected before they are sent; twice as many are in memory at most,
            beside one row.
        chunk_time: Seconds for which rows are collected at most.
        send_timeout: Seconds that the client may take for a chunk; one that takes longer is cut off.

    Raises:
        TypeError: `items` is nothing to iterate, or is one JSON value.
        ValueError: `chunk_size` or `send_timeout` is not more than 0.
        tornado.web.Finish: There is nobody left to send to.
    """
    kind = type(items).__name__
    if isinstance(items, str | bytes | Mapping) or not hasattr(items, "__iter__") | hasattr(items, "__aiter__"):
        raise TypeError(f"items must be an iterable of JSON values, got a {kind}")
    if not (chunk_size > 0 and send_timeout > 0):
        raise ValueError(f"chunk_size and send_timeout must be more than 0, got {chunk_size!r} and {send_timeout!r}")
    connection = handler.request.connection
    assert isinstance(connection, HTTP1Connection)
    stream = connection.stream
    assert stream is not None
    handler.set_header("Content-Type", "application/x-ndjson")
    if handler.request.method == "HEAD":
        await handler.flush()  # before Tornado says how long it is
        return
    rows = _Rows(chunk_size, chunk_time)
    producer = asyncio.create_task(rows.fill(items))
    producer.add_done_callback(rows.end)

    def client_gone() -> None:
        producer.cancel()
        handler.on_connection_close()

    connection.set_close_callback(client_gone)
    try:
        await _send(handler, stream, rows, send_timeout)
        if not stream.closed():
            producer.result()
    except BaseException as error:
        if handler._headers_written:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            stream.close()  # Tornado would end the chunked content in good order
            line, what = request_line(handler.request), redact(f"{type(error).__name__}: {error}")
            _log.warning("broken off after %d rows: %s: %s", rows.count, line, what)
        raise
    finally:
        connection.set_close_callback(handler.on_connection_close)
        producer.cancel()
        await asyncio.wait({producer})
    if stream.closed():
        _log.debug("nobody takes more than %d rows: %s", rows.count, request_line(handler.request))
        if not producer.cancelled():
            producer.result()  # raises what went wrong when it was closed
        raise Finish
    handler.write(rows.take())


async def _send(handler: RestHandler, stream: IOStream, rows: _Rows, seconds: float) -> None:
    """Send full chunks as long as somebody takes them; what is left at the end leaves with the end of the answer."""
    while await rows.are_due():
        handler.write(rows.take())
        try:
            async with asyncio.timeout(seconds):
                await handler.flush()
        except StreamClosedError:
            return
        except TimeoutError:
            line = request_line(handler.request)
            _log.warning("cut off, for the client took more than %.1f s for a chunk: %s", seconds, line)
            stream.close()
            return


class _Rows:
    """What was produced and is not sent yet: never more than a chunk and a row."""

    def __init__(self, chunk_size: int, chunk_time: float) -> None:
        self.count = 0
        self._rows: list[bytes] = []
        self._size = 0
        self._chunk_size = chunk_size
        self._chunk_time = chunk_time
        self._clock = asyncio.get_running_loop().time
        self._due = self._clock() + chunk_time
        self._has_ended = False
        self._are_some = asyncio.Event()
        self._are_enough = asyncio.Event()
        self._is_room = asyncio.Event()

    async def fill(self, items: Iterable[Any] | AsyncIterable[Any]) -> None:
        """Take from the producer what there is room for, and close it in the end."""
        iterator = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        try:
            if isinstance(iterator, AsyncIterable):
                async for item in iterator:
                    if self._add(item):
                        await self._is_room.wait()
            else:
                for item in iterator:
                    if self._add(item):
                        await self._is_room.wait()
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()
            elif isinstance(iterator, Generator):
                iterator.close()

    def _add(self, item: Any) -> bool:
        """Whether the chunk has to be sent before there is another row."""
        row = json_codec.encode(item, objToJSON) + b"\n"
        self.count += 1
        self._rows.append(row)
        self._size += len(row)
        self._are_some.set()
        if self._size < self._chunk_size and self._clock() < self._due:
            return False
        self._is_room.clear()
        self._are_enough.set()
        return True

    def end(self, _: object = None) -> None:
        """There will be no more."""
        self._has_ended = True
        self._are_some.set()
        self._are_enough.set()

    async def are_due(self) -> bool:
        """True when there is something to send now; False when the producer has ended."""
        await self._are_some.wait()
        if not self._are_enough.is_set() and self._clock() < self._due:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._due):
                    await self._are_enough.wait()
        return not self._has_ended

    def take(self) -> bytes:
        """The rows so far, which makes room for more."""
        chunk = b"".join(self._rows)
        self._rows.clear()
        self._size = 0
        self._due = self._clock() + self._chunk_time
        if not self._has_ended:
            self._are_some.clear()
            self._are_enough.clear()
        self._is_room.set()
        return chunk
