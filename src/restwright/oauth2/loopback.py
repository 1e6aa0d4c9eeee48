"""Listens on this machine for the browser that comes back from a login (RFC 8252, 7.3).

The listener lives for one login, is reached over loopback only, and never shows what it was sent: that is a secret.
"""

from __future__ import annotations

import errno
import html
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

from restwright.errors import LoginError

logger = logging.getLogger(__name__)

_SHOWN_WITHIN: Final = 90.0
"""Seconds for which a browser waits to be told how the login ended."""
# What came is in the address bar: take it out of there and of the history.
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<script>history.replaceState(null, "", "/")</script><h1>{title}</h1><p>{text}</p></html>"""

Handler: TypeAlias = Callable[..., BaseHTTPRequestHandler]


class LoopbackHandler(BaseHTTPRequestHandler):
    """Answers a browser with pages, and logs nothing."""

    timeout = 10  # seconds; browsers open connections ahead and then say nothing

    def send_page(self, status: int, title: str, text: str) -> None:
        """A page that a person understands."""
        page = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        """Nothing: the request line holds the secret."""


class LoopbackListener:
    """Listens on a port of the loopback addresses, from its making to `close`.

    Args:
        handler: Makes the handler of each connection, in a thread of its own.
        host: `127.0.0.1` or `[::1]`; `localhost` for both, as a browser may take it for either.
        port: 0 for a free one.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, handler: Handler, host: str = "127.0.0.1", port: int = 0) -> None:
        self._servers = _bind(handler, host, port)
        self.port: int = self._servers[0].server_address[1]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Listen no more; answers that have begun go on."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet on the terminal: a browser may hang up at any time."""
        del request
        logger.debug("connection from %s broke: %r", client_address, sys.exc_info()[1])


class _Server6(_Server):
    address_family = socket.AF_INET6


def _bind(handler: Handler, host: str, port: int) -> list[_Server]:
    if host == "[::1]":
        return [_Server6(("::1", port), handler)]
    while True:
        server = _Server(("127.0.0.1", port), handler)
        if host != "localhost":
            return [server]
        try:
            return [server, _Server6(("::1", server.server_address[1]), handler)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [server]  # no IPv6 here
            server.server_close()  # another program would get the answer: take another port
            if port:
                raise


class RedirectReceiver:
    """Waits for the redirect that ends a login in a browser, and tells the person in front of it how that went.

    Args:
        redirect_uri: An http URL of this machine, as it is registered with the provider; where it has no port, a free
            one is taken, which providers must allow for (RFC 8252, 7.3).

    Raises:
        LoginError: It is another kind of URL, or its port is taken.
    """

    def __init__(self, redirect_uri: str = "http://127.0.0.1/callback") -> None:
        host, port, self._path = _parts(redirect_uri)
        self.query: Future[str] = Future()
        """The query of the redirect, once it has come; the first one counts."""
        self._ending: Future[str | None] = Future()
        self._claimed = threading.Lock()
        try:
            self._listener = LoopbackListener(partial(_RedirectHandler, self), host, port)
        except OSError as error:
            raise LoginError(f"cannot listen at {redirect_uri} for the browser: {error.strerror}") from error
        self.redirect_uri = f"http://{host}:{self._listener.port}{self._path}"

    def conclude(self, failure: str | None) -> None:
        """Tell the browser how the login ended, None for well; and listen no more.  Does not block."""
        if not self._ending.done():
            self._ending.set_result(failure)
            threading.Thread(target=self._listener.close, daemon=True).start()

    def take(self, target: str, handler: LoopbackHandler) -> None:
        """A browser asks for `target`."""
        parts = urlsplit(target)
        if parts.path != self._path:
            handler.send_error(404)
            return
        if self._claimed.acquire(blocking=False):
            self.query.set_result(parts.query)
        try:
            failure = self._ending.result(_SHOWN_WITHIN)
        except TimeoutError:
            failure = "It is not known how it ended: look at the program that began it."
        if failure is None:
            handler.send_page(200, "Login successful", "You may close this page.")
        else:
            handler.send_page(400, "Login failed", failure)


class _RedirectHandler(LoopbackHandler):
    def __init__(self, receiver: RedirectReceiver, *args: Any, **kwargs: Any) -> None:
        self._receiver = receiver  # before the base class: its constructor handles the request
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        """The redirect, or something else that a browser looks for, such as an icon."""
        self._receiver.take(self.path, self)


def _parts(redirect_uri: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError as error:
        raise LoginError(f"redirect_uri {redirect_uri!r}: {error}") from None
    if parts.scheme != "http" or host not in ("127.0.0.1", "::1", "localhost") or parts.query or parts.fragment:
        raise LoginError(
            f"redirect_uri must be like http://127.0.0.1/callback, a plain URL of this machine, got {redirect_uri!r}"
        )
    return f"[{host}]" if ":" in host else host, port, parts.path or "/"
