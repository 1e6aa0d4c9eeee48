"""An HTTP server that bears with its clients, and that can be stopped without failing a request.

It has so many connections at most.  When all are taken, one that waits for a request gives way, or else for the rest of
one, whichever has waited longest: that is an idle client, or one that attacks by sending next to nothing.  If all are
at work, new clients wait in the queue of the socket.

Draining closes a connection only when it has been idle for a moment: a client that talks all the time has its next
request on the way just then.  What is answered meanwhile says `Connection: close`, so that clients go elsewhere.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import time
from collections.abc import Awaitable
from typing import Any

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import OutputTransform

from rest_tools.server.application import RestApplication, origin_form
from rest_tools.server.connections import ClientStream, Patience, Phase, TlsClientStream

__all__ = ["DrainingServer"]

_QUIET = 1.0  # seconds after which an idle connection has most likely nothing on the way
_QUIET_IN_NEED = 0.2  # and when there are too many
_DRAIN_STEP = 0.02  # seconds
_LOOK_EVERY = 0.5  # seconds, for clients that take too long
_AT_ONCE = 32  # clients accepted before the others get their turn
_WAITING = 4096  # as many clients may wait in the queue of a socket
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_COMPLAIN_EVERY = 60.0  # seconds

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
    """Tornado's server, and what its connections are about."""

    ssl_options: ssl.SSLContext | None
    _application: RestApplication
    _patience: Patience
    _max_connections: int
    _waiting: dict[ClientStream, float]
    _busy: dict[ClientStream, float]
    _listener: socket.socket | None
    _is_accepting: bool
    _is_retired: bool
    _complained: float
    _look: PeriodicCallback

    def initialize(  # type: ignore[override]  # by keyword alone
        self, *args: Any, patience: Patience, max_connections: int, **kwargs: Any
    ) -> None:
        """Take a `RestApplication`, what to bear, and options of Tornado's server."""
        super().initialize(*args, **kwargs)
        self.conn_params.header_timeout = None  # one look at all connections is less than a timer for each request
        self._application = args[0]
        self._patience = patience
        self._max_connections = max_connections
        self._waiting = {}  # for a request, and since when: the oldest comes first
        self._busy = {}  # with a request, and since when
        self._listener = None
        self._is_accepting = False
        self._is_retired = False
        self._complained = float("-inf")
        self._look = PeriodicCallback(self._close_overdue, 1000 * _LOOK_EVERY)

    # -------------------------------------------------------------------------------------------- clients come

    def serve(self, listener: socket.socket) -> None:
        """Accept clients, as soon as the event loop runs; the socket, which must not block, is ours from now on."""
        self._listener = listener
        self._accept_again()
        self._look.start()

    def _accept_again(self) -> None:
        if self._listener is not None and not self._is_accepting and not self._is_retired:
            self._is_accepting = True
            IOLoop.current().add_handler(self._listener, lambda listener, _: self._accept(listener), IOLoop.READ)

    def _accept_no_more(self) -> None:
        if self._listener is not None and self._is_accepting:
            self._is_accepting = False
            IOLoop.current().remove_handler(self._listener)

    def _accept(self, listener: socket.socket, at_most: int = _AT_ONCE) -> None:
        for _ in range(at_most):
            if len(self._waiting) + len(self._busy) >= self._max_connections and not self._make_room():
                return self._pause(f"{self._max_connections} connections are in use")
            try:
                client, address = listener.accept()
            except BlockingIOError:
                return None
            except OSError as error:
                if error.errno in _EXHAUSTED and not self._make_room():
                    return self._pause(str(error))
                continue  # that client is gone already
            try:
                stream = ClientStream(client) if self.ssl_options is None else TlsClientStream(client, self.ssl_options)
            except OSError:
                client.close()
                continue
            self._waiting[stream] = time.monotonic()  # it is only in the next turn of the loop that it waits indeed
            self.handle_stream(stream, address)  # pyright: ignore[reportUnknownMemberType]  # a tuple
        return None

    def _pause(self, reason: str) -> None:
        if self._is_retired:
            return
        self._accept_no_more()
        asyncio.get_running_loop().call_later(_QUIET_IN_NEED, self._accept_again)
        if time.monotonic() - self._complained > _COMPLAIN_EVERY:
            self._complained = time.monotonic()
            _log.warning("new clients have to wait: %s", reason)

    def _make_room(self) -> bool:
        late = time.monotonic() - _QUIET_IN_NEED
        for stream, since in (*self._waiting.items(), *self._busy.items()):
            if since < late and stream.phase is not Phase.ANSWER:
                self._forget(stream)
                stream.give_up()
                return True
        return False

    # -------------------------------------------------------------------------------------------- requests come

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """A connection waits for a request: its first one, or the last was answered."""
        stream = _stream(server_conn)
        stream.enter(Phase.REQUEST)
        self._busy.pop(stream, None)
        self._waiting[stream] = time.monotonic()
        return _Progress(super().start_request(server_conn, request_conn), self, stream)

    def request_came(self, stream: ClientStream, start_line: Any, headers: HTTPHeaders) -> None:
        """The header of a request is there."""
        stream.enter(Phase.BODY)
        self._waiting.pop(stream, None)
        self._busy[stream] = time.monotonic()
        if self._is_retired and start_line.version == "HTTP/1.0":
            headers.pop("Connection", None)  # else Tornado would promise to keep it alive

    def on_close(self, server_conn: object) -> None:
        """A connection is gone."""
        stream = _stream(server_conn)
        self._forget(stream)
        if not stream.closed():
            stream.hand_over()
        super().on_close(server_conn)
        self._accept_again()

    def _forget(self, stream: ClientStream) -> None:
        self._waiting.pop(stream, None)
        self._busy.pop(stream, None)

    def _close_overdue(self) -> None:
        now = time.monotonic()
        for stream in (*self._waiting, *self._busy):
            if stream.is_overdue(self._patience, now):
                _log.info("closed a connection that waited for the %s", stream.phase.value)
                stream.give_up()

    # -------------------------------------------------------------------------------------------- clients go

    def stop(self) -> None:
        """Accept no more connections."""
        self._is_retired = True
        if self._listener is not None:
            self._accept_no_more()
            # Who waits in the queue of the socket was told that the connection stands.  Close at once after the last.
            self._accept(self._listener, _WAITING)
            self._listener.close()
            self._listener = None

    def retire(self) -> None:
        """Accept no more connections, and ask the clients of those that there are to leave."""
        self.stop()
        if _SayGoodbye not in self._application.transforms:
            self._application.add_transform(_SayGoodbye)
        self._close_quiet()

    async def drain(self, within: float) -> None:
        """Answer what was asked, then close all connections; after `within` seconds, close them anyway."""
        self.retire()
        deadline = time.monotonic() + within
        while (self._waiting or self._busy) and time.monotonic() < deadline:
            self._close_quiet()
            await asyncio.sleep(_DRAIN_STEP)
        if self._busy:
            _log.warning("%d requests were cut off after %.1f s", len(self._busy), within)
        self._look.stop()
        await self.close_all_connections()

    def _close_quiet(self) -> None:
        now = time.monotonic()
        for stream, since in tuple(self._waiting.items()):
            if now - since >= _QUIET and stream.is_quiet():
                stream.close()


class _Progress(HTTPMessageDelegate):
    """Tells the server how far a request is."""

    def __init__(self, delegate: HTTPMessageDelegate, server: DrainingServer, stream: ClientStream) -> None:
        self._delegate = delegate
        self._server = server
        self._stream = stream

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._server.request_came(self._stream, start_line, headers)
        return self._delegate.headers_received(origin_form(start_line, headers), headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._stream.enter(Phase.ANSWER)
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()


def _stream(server_conn: object) -> ClientStream:
    assert isinstance(server_conn, HTTP1ServerConnection)
    assert isinstance(server_conn.stream, ClientStream)
    return server_conn.stream
