"""A listener for a browser on this machine, such as one that comes back from a login (RFC 8252, 7.3).

It is reached over loopback only, and shows nothing of what it is asked for: that may be secret.
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
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, TypeAlias

from restwright.closing import Closing

logger = logging.getLogger(__name__)

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


class LoopbackListener(Closing):
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
