"""A request that goes out in one piece, and the header section of its answer, on the running event loop.

By aiohttp's connections and its parser, but not by its `ClientRequest` and `ClientResponse`: what these do besides
is the concern of others here, or done once for an origin, and takes a third of a call's CPU.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Final

import aiohttp
from aiohttp.helpers import TimerNoop
from yarl import URL

from restwright.wire.call import Call
from restwright.wire.head import head
from restwright.wire.watch import Watch

NO_TIMER: Final = TimerNoop()
NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
_LONGEST_LINE: Final = 65536


class Seat:
    """An origin as aiohttp's connector wants to have it told."""

    def __init__(self, origin: str, tls: ssl.SSLContext | bool, loop: asyncio.AbstractEventLoop) -> None:
        self.request = aiohttp.ClientRequest("GET", URL(origin, encoded=True), loop=loop, timer=NO_TIMER, ssl=tls)
        self.host = self.request.headers["Host"]


class Answer:
    """An answer whose header section has come; its connection is given back when all of its content has, too."""

    __slots__ = ("_connection", "content", "headers", "raw_headers", "reason", "status")

    def __init__(self, connection: Any, message: Any, content: aiohttp.StreamReader) -> None:
        self._connection = connection
        self.status: int = message.code
        self.reason: str = message.reason
        self.headers = message.headers
        self.raw_headers: tuple[tuple[bytes, bytes], ...] = message.raw_headers
        self.content = content
        content.on_eof(connection.release)

    @property
    def content_length(self) -> int | None:
        """What the answer says of its size, in bytes."""
        length = self.headers.get("Content-Length")
        return None if length is None else int(length)

    def close(self) -> None:
        """Close the connection, unless it has been given back."""
        self._connection.close()

    async def read(self) -> bytes:
        """Nothing more, once the content was taken."""
        return b""


async def ask(connector: aiohttp.BaseConnector, seat: Seat, call: Call, target: str, watch: Watch) -> Answer:
    """Send the request to the origin of `seat`, and wait for the header section of the answer.

    Raises:
        ValueError: The method or a header field holds what it cannot.
    """
    data = head(call, target, seat.host).encode()
    if isinstance(call.body, bytes):
        data += call.body
    connection = await connector.connect(seat.request, [], NO_TIMEOUT)
    try:
        protocol: Any = begin(connection, call, watch)
        protocol.transport.write(data)
        while True:
            message, content = await protocol.read()
            if not 100 <= message.code < 200 or message.code == 101:  # RFC 9110, 15.2
                return Answer(connection, message, content)
    except BaseException:
        connection.close()
        raise


def begin(connection: Any, call: Call, watch: Watch) -> Any:
    """Have the connection expect the answer to `call`."""
    watch.connected = True
    watch.allow(watch.patience)
    protocol = connection.protocol
    if protocol is None or not protocol.is_connected():
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(
        timer=NO_TIMER,
        skip_payload=call.method == "HEAD",
        read_until_eof=True,
        auto_decompress=False,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
    )
    return protocol
