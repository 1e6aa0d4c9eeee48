"""The server: routes in, a listening socket out."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any

from tornado.web import RequestHandler

from rest_tools.server.application import RestApplication
from rest_tools.server.draining import DrainingServer
from rest_tools.server.redaction import request_line
from rest_tools.server.routes import route_rule

__all__ = ["RestServer", "tornado_logger"]

_log = logging.getLogger()  # the contract's


def tornado_logger(handler: RequestHandler) -> None:
    """Log the end of a request as `STATUS METHOD uri (ip) N.NNms` to the root logger: as error, warning or info."""
    status = handler.get_status()
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    if _log.isEnabledFor(level):
        request = handler.request
        _log.log(level, "%d %s %.2fms", status, request_line(request), 1000 * request.request_time())


class RestServer:
    """Serves the routes that were added to it; the event loop is the caller's.

    Args:
        log_function: Called with the handler of each finished request; `tornado_logger` unless given.
        cookie_secret: Key of signed cookies, in hexadecimal.  With one, requests that change something need an
            XSRF token, unless they come with a bearer token.
        max_body_size: Largest body of a request, in bytes; larger ones are answered with 413.
        xheaders: Believe `X-Forwarded-For`, `X-Real-Ip` and `X-Forwarded-Proto`.  Right behind a proxy that sets
            them; without one, any client can claim to be anybody, in your logs too.
        trusted_downstream: Addresses of more proxies, which `X-Forwarded-For` may end with.
        **kwargs: Settings of the Tornado application.

    Attributes:
        routes: What was added, as tuples.
        http_server: The last server that was started.
        max_body_size: As given.
        app_args: The settings of the application.
    """

    def __init__(
        self,
        log_function: Callable[[RequestHandler], None] | None = None,
        cookie_secret: str | None = None,
        max_body_size: int | None = None,
        *,
        xheaders: bool = True,
        trusted_downstream: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.routes: list[tuple[Any, ...]] = []
        self.http_server: DrainingServer | None = None
        self.max_body_size = max_body_size
        self.app_args: dict[str, Any] = {**kwargs, "log_function": log_function or tornado_logger}
        if cookie_secret is not None:
            self.app_args["cookie_secret"] = bytes.fromhex(cookie_secret)
            self.app_args["xsrf_cookies"] = True
        self._xheaders = xheaders
        self._trusted_downstream = list(trusted_downstream)
        self._started: list[DrainingServer] = []
        self._port: int | None = None

    def add_route(self, *args: Any) -> None:
        """Add a Tornado URL spec: `pattern, handler class[, keyword arguments of its initialize[, name]]`.

        Raises:
            TypeError: No handler class, or it does not take such arguments.
            ValueError: The pattern is not a regular expression.
        """
        route_rule(*args)
        self.routes.append(args)

    @property
    def port(self) -> int:
        """The port of the last `startup`, which tells what became of port 0.

        Raises:
            RuntimeError: There was none.
        """
        if self._port is None:
            raise RuntimeError("the server was not started")
        return self._port

    def startup(self, address: str = "localhost", port: int = 8080) -> None:
        """Listen and accept, as soon as the event loop runs; a second call stops the server of the first one.

        Args:
            address: Name or IPv4 address to listen on, or an IPv6 address.
            port: To listen on; 0 for a free one, see `port`.

        Raises:
            OSError: The address is not ours, or the port is in use.
        """
        rules = [route_rule(*route) for route in self.routes]
        headers = [rule.target_kwargs["server_header"] for rule in rules if "server_header" in rule.target_kwargs]
        application = RestApplication(
            rules, server_header=(headers or [""])[0], max_body_size=self.max_body_size, **self.app_args
        )
        server = DrainingServer(
            application,
            xheaders=self._xheaders,
            trusted_downstream=self._trusted_downstream,
            max_body_size=self.max_body_size,
        )
        for started in self._started:
            started.retire()
        listener = _listener(address, port)
        server.add_socket(listener)
        self.http_server = server
        self._started.append(server)
        self._port = listener.getsockname()[1]
        _log.warning("listening on %s port %d", address, self._port)

    async def stop(self, *, drain: float = 10.0) -> None:
        """Stop listening, answer what was asked, and close all connections.  Again does no harm.

        Args:
            drain: Seconds to wait for answers; connections that still wait for theirs then are closed.
        """
        started, self._started = self._started, []
        await asyncio.gather(*(server.drain(drain) for server in started))


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.getaddrinfo(address or None, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    listener = socket.create_server(found[0][4], family=family, backlog=1024)
    listener.setblocking(False)
    return listener
