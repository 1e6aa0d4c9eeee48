"""A server on its port, which can play dead."""

from __future__ import annotations

import ipaddress
import logging
import ssl
from collections.abc import Iterable
from typing import Any, Final

from tornado.web import RequestHandler

from rest_tools.server import RestServer
from rest_tools.server.redaction import request_line

__all__ = ["Listener", "server_of"]

_MOST_BYTES: Final = 32 * 2**20


def server_of(
    service: str, routes: Iterable[tuple[Any, ...]], *, max_body_size: int = _MOST_BYTES, **settings: Any
) -> RestServer:
    """A server with these routes, whose requests are logged under the name of the service.

    Args:
        service: Name of the service.
        routes: As `RestServer.add_route` takes them.
        max_body_size: Bytes of a body at most.
        **settings: Others of `RestServer`.
    """
    log = logging.getLogger(f"restwright.sandbox.{service}")

    def log_request(handler: RequestHandler) -> None:
        log.info("%d %s", handler.get_status(), request_line(handler.request))

    server = RestServer(log_function=log_request, max_body_size=max_body_size, **settings)
    for route in routes:
        server.add_route(*route)
    return server


class Listener:
    """Has a server listen; belongs to an event loop.

    Args:
        server: With its routes.
        address: To listen on.
        port: To listen on; 0 for a free one, which it then keeps.
        tls: To speak TLS with; see `restwright.sandbox.certificates`.
    """

    def __init__(self, server: RestServer, address: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        server.ssl_options = tls
        self._server = server
        self._address = address
        self._port = port
        self._is_dead = False

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        try:
            is_ipv6 = ipaddress.ip_address(self._address).version == 6
        except ValueError:
            is_ipv6 = False
        scheme = "http" if self._server.ssl_options is None else "https"
        host = f"[{self._address}]" if is_ipv6 else self._address
        return f"{scheme}://{host}:{self._port}"

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: The address is not ours, or the port is in use.
        """
        self._server.startup(self._address, self._port)
        self._port = self._server.port

    async def stop(self) -> None:
        """Listen no longer, and close all connections."""
        await self._server.stop(drain=0)

    async def play_dead(self, *, is_dead: bool) -> None:
        """Refuse connections, or take them again."""
        if is_dead and not self._is_dead:
            self._is_dead = True
            await self.stop()
        elif self._is_dead and not is_dead:
            self.start()
            self._is_dead = False
