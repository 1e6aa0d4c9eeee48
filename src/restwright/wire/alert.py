"""Connections of aiohttp that end with the alert of the server (RFC 8446, 6.2), whatever it is that fails first."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, Final

from aiohttp.client_proto import ResponseHandler

_RECORD: Final = 1 << 14
_ROUNDS: Final = 4


class Protocol(ResponseHandler):
    """One connection."""

    _end: BaseException | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open, and the handshake of TLS has ended."""
        super().connection_made(transport)
        _heed_alert(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has ended; with an alert, it may be."""
        self._end = exc
        super().connection_lost(exc)

    async def alert(self) -> ssl.SSLError | None:
        """The alert by which it has ended, or just ends.

        Others may have been told already that it closes, by aiohttp, when they wanted to send.
        """
        for _ in range(_ROUNDS):  # of the loop, until asyncio has handed on what TLS failed by
            if isinstance(self._end, ssl.SSLError):
                return self._end
            await asyncio.sleep(0)
        return None


def _heed_alert(transport: Any) -> None:
    """Have a connection of asyncio that is reset end with the alert that waits to be received, if there is one."""
    protocol: Any = getattr(transport, "_ssl_protocol", None)
    if not hasattr(protocol, "__dict__"):  # no TLS, or of another make
        return
    connection_lost: Callable[[BaseException | None], None] = protocol.connection_lost

    def lost(error: BaseException | None) -> None:
        del protocol.connection_lost  # else they held each other
        connection_lost(_waiting_alert(transport, protocol) or error if isinstance(error, ConnectionError) else error)

    protocol.connection_lost = lost


def _waiting_alert(transport: Any, protocol: Any) -> ssl.SSLError | None:
    try:
        with contextlib.suppress(OSError), transport.get_extra_info("socket").dup() as sock:
            protocol._incoming.write(sock.recv(_RECORD))  # noqa: SLF001  # nothing else takes what is received
        while transport.get_extra_info("ssl_object").read(_RECORD):
            pass
    except ssl.SSLError as error:
        return error if "ALERT" in (error.reason or "") else None
    return None
