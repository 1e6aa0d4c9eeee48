"""An HTTP server that can be stopped without failing a request.

A connection is idle while its next request has not come.  Draining closes one only when it has been idle for a
moment: a client that talks all the time has its next request on the way just then.  What is answered meanwhile
says `Connection: close`, so that clients go elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPMessageDelegate
from tornado.web import OutputTransform

from rest_tools.server.application import RestApplication

__all__ = ["DrainingServer"]

_QUIET = 0.2  # seconds after which an idle connection has most likely nothing on the way
_LOOK_EVERY = 0.02  # seconds, while draining

_log = logging.getLogger(__name__)


class _SayGoodbye(OutputTransform):
    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: ARG002  # Tornado's
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers["Connection"] = "close"
        return status_code, headers, chunk


class DrainingServer(HTTPServer):
    """Tornado's server, and which of its connections are at work."""

    _application: RestApplication
    _idle: dict[HTTP1ServerConnection, float]
    _busy: set[HTTP1ServerConnection]

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Take a `RestApplication`, and options of Tornado's server."""
        super().initialize(*args, **kwargs)
        self._application = args[0]
        self._idle = {}
        self._busy = set()
        self._application.request_came = self._request_came

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """A connection waits for a request: its first one, or the last was answered."""
        assert isinstance(server_conn, HTTP1ServerConnection)
        self._busy.discard(server_conn)
        self._idle[server_conn] = time.monotonic()
        return super().start_request(server_conn, request_conn)

    def _request_came(self, server_conn: object) -> None:
        assert isinstance(server_conn, HTTP1ServerConnection)
        self._idle.pop(server_conn, None)
        self._busy.add(server_conn)

    def on_close(self, server_conn: object) -> None:
        """A connection is gone."""
        assert isinstance(server_conn, HTTP1ServerConnection)
        self._idle.pop(server_conn, None)
        self._busy.discard(server_conn)
        super().on_close(server_conn)

    def retire(self) -> None:
        """Accept no more connections, and ask the clients of those that there are to leave."""
        self.stop()
        if _SayGoodbye not in self._application.transforms:
            self._application.add_transform(_SayGoodbye)
        self._close_idle()

    async def drain(self, within: float) -> None:
        """Answer what was asked, then close all connections; after `within` seconds, close them anyway."""
        self.retire()
        deadline = time.monotonic() + within
        while (self._idle or self._busy) and time.monotonic() < deadline:
            self._close_idle()
            await asyncio.sleep(_LOOK_EVERY)
        if self._busy:
            _log.warning("%d requests were cut off after %.1f s", len(self._busy), within)
        await self.close_all_connections()

    def _close_idle(self) -> None:
        now = time.monotonic()
        for connection, since in tuple(self._idle.items()):
            if now - since >= _QUIET:
                connection.stream.close()
