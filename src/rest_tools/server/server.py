"""The server: routes in, a listening socket out."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tornado.web import RequestHandler

from rest_tools.server.access_log import json_logger
from rest_tools.server.application import RestApplication
from rest_tools.server.connections import Patience
from rest_tools.server.correlation import ReturnCorrelationId
from rest_tools.server.draining import DrainingServer
from rest_tools.server.health import CheckFunction, LiveHandler, Readiness, ReadyHandler
from rest_tools.server.metrics import Metrics, MetricsHandler
from rest_tools.server.openapi import DocsHandler, OpenApiHandler, openapi_document
from rest_tools.server.orders import refuse_to_block
from rest_tools.server.redaction import Printable, request_line
from rest_tools.server.routes import route_rule
from rest_tools.server.running import Lifespan, Run, cores

__all__ = ["RestServer", "tornado_logger"]

_log = logging.getLogger()  # the contract's
_PRINTABLE = Printable()


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
        json_log: Log each request as a JSON object (see `json_logger`), and send its `X-Correlation-ID` back.
        idle_timeout: Seconds until a connection without a request is closed.  More than that of the proxy in front.
        header_timeout: Seconds for the header of a request.
        body_timeout: Seconds for its body; and again, if 1000 bytes a second came.
        send_timeout: Seconds for a client to take its answer; and again, if it took 1000 bytes a second.
        max_connections: Open connections at once; then the one whose request is awaited longest gives way.
        ssl_options: Speak TLS, with the certificate of this context; if it requires one of clients too, that is mutual
            TLS.
        **kwargs: Settings of the Tornado application.

    Attributes:
        routes: What was added, as tuples.
        http_server: The last server that was started.
        max_body_size: As given.
        ssl_options: As given; a change is for the next start.
        app_args: The settings of the application.
        metrics: What is measured, after `add_standard_routes`; its `registry` takes metrics of one's own.

    Raises:
        ValueError: The cookie secret is empty or not hexadecimal, there is `json_log` beside a `log_function`, or a
            time-out or a limit is not positive.
    """

    def __init__(
        self,
        log_function: Callable[[RequestHandler], None] | None = None,
        cookie_secret: str | None = None,
        max_body_size: int | None = None,
        *,
        xheaders: bool = True,
        trusted_downstream: Sequence[str] = (),
        json_log: bool = False,
        idle_timeout: float = 75.0,
        header_timeout: float = 20.0,
        body_timeout: float = 30.0,
        send_timeout: float = 30.0,
        max_connections: int = 1000,
        ssl_options: ssl.SSLContext | None = None,
        **kwargs: Any,
    ) -> None:
        if json_log and log_function is not None:
            raise ValueError("json_log is a log_function of its own, give one of them")
        if max_connections < 1:
            raise ValueError(f"max_connections must be 1 or more, got {max_connections!r}")
        self.routes: list[tuple[Any, ...]] = []
        self.http_server: DrainingServer | None = None
        self.max_body_size = max_body_size
        self.ssl_options = ssl_options
        log_function = log_function or (json_logger if json_log else tornado_logger)
        self.app_args: dict[str, Any] = {**kwargs, "log_function": log_function}
        if cookie_secret is not None:
            self.app_args["cookie_secret"] = _key(cookie_secret)
            self.app_args["xsrf_cookies"] = True
        self.metrics: Metrics | None = None
        self._json_log = json_log
        self._max_connections = max_connections
        self._patience = Patience(
            idle_timeout=idle_timeout,
            header_timeout=header_timeout,
            body_timeout=body_timeout,
            send_timeout=send_timeout,
        )
        self._draining = False
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

    def add_standard_routes(
        self,
        *,
        health: bool = True,
        metrics: bool = True,
        openapi: bool = True,
        docs: bool = True,
        checks: Mapping[str, CheckFunction] | None = None,
        check_timeout: float = 2.0,
        title: str = "API",
        version: str = "0",
        description: str = "",
    ) -> None:
        """Add what those who run a service expect; all of it is open to anybody who reaches the port.

        Args:
            health: `/health/live`, which answers 200, and `/health/ready`, which answers 503 if a check fails, or
                when the server is about to stop.
            metrics: `/metrics` for Prometheus, by the patterns of routes.
            openapi: `/openapi.json`, which documents the routes, see `rest_tools.server.openapi.document`.
            docs: `/docs`, a page to read that document and to try it; only with `openapi`.
            checks: What the service needs to be ready, by name: functions, async or not, that fail by an
                exception or by False.
            check_timeout: Seconds for each check.
            title: Of the service, for its documentation.
            version: Of the service.
            description: What it does, in Markdown.
        """
        if health:
            readiness = Readiness(checks or {}, timeout=check_timeout, is_draining=lambda: self._draining)
            self.add_route("/health/live", LiveHandler)
            self.add_route("/health/ready", ReadyHandler, {"readiness": readiness})
        if metrics:
            self.metrics = Metrics()
            self.add_route("/metrics", MetricsHandler, {"metrics": self.metrics})
        if openapi:

            @functools.lru_cache(1)
            def document(_count: int) -> dict[str, Any]:
                return openapi_document(self.routes, title=title, version=version, description=description)

            self.add_route("/openapi.json", OpenApiHandler, {"document": lambda: document(len(self.routes))})
            if docs:
                self.add_route("/docs(?:/(.*))?", DocsHandler)

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
            TypeError: `ssl_options` is no context for servers.
        """
        self._start(lambda: self._listen(address, port))

    def accept_from(self, listener: socket.socket) -> None:
        """The same, with a socket that listens already, and that is the server's from now on."""
        self._start(lambda: listener)

    def _start(self, listen: Callable[[], socket.socket]) -> None:
        server = self._new_server()
        logging.getLogger("tornado.general").addFilter(_PRINTABLE)
        for started in self._started:
            started.retire()  # the port may be theirs
        listener = listen()
        listener.setblocking(False)
        server.serve(listener)
        self.http_server = server
        self._draining = False
        self._started.append(server)
        self._port = listener.getsockname()[1]

    def _new_server(self) -> DrainingServer:
        rules = [route_rule(*route) for route in self.routes]
        headers = [rule.target_kwargs["server_header"] for rule in rules if "server_header" in rule.target_kwargs]
        settings = dict(self.app_args)
        if self.metrics is not None:
            settings["log_function"] = _both(self.metrics.finished, settings["log_function"])
        application = RestApplication(
            rules,
            server_header=(headers or [""])[0],
            max_body_size=self.max_body_size,
            xheaders=self._xheaders,
            **settings,
        )
        if self.metrics is not None:
            application.add_transform(self.metrics.transform())
        if self._json_log:
            application.add_transform(ReturnCorrelationId)
        return DrainingServer(
            application,
            trusted_downstream=self._trusted_downstream,
            max_body_size=application.max_body_size,
            ssl_options=_checked_tls(self.ssl_options),
            patience=self._patience,
            max_connections=self._max_connections,
        )

    async def stop(self, *, drain: float = 10.0, notice: float = 0.0) -> None:
        """Stop listening, answer what was asked, and close all connections.  Again does no harm.

        Args:
            drain: Seconds to wait for answers; connections that still wait for theirs then are closed.
            notice: Seconds before that in which all goes on but `/health/ready`, which answers 503: time for a
                load balancer to see it.
        """
        self._draining = True
        if notice > 0:
            await asyncio.sleep(notice)
        await self.make_way(drain=drain)

    async def make_way(self, *, drain: float = 10.0) -> None:
        """Stop as a worker does whose place is taken by another one: `/health/ready` stays as it is."""
        started = list(self._started)
        await asyncio.gather(*(server.drain(drain) for server in started))
        self._started = [server for server in self._started if server not in started]

    def run(
        self,
        address: str = "localhost",
        port: int = 8080,
        *,
        processes: int | None = 1,
        drain: float = 10.0,
        notice: float = 0.0,
        lifespan: Lifespan | None = None,
    ) -> None:
        """Serve until SIGTERM or SIGINT, then `stop`; a second signal stops at once.  There must be no event loop yet.

        With several processes, this one forks workers, and replaces those that die.  SIGHUP replaces all of them, one
        after another, and fails no request.

        Args:
            address: As for `startup`.
            port: As for `startup`.
            processes: How many workers to fork; 1 is none, but to serve in this process, 0 or None is one for each
                processor.
            drain: As for `stop`.
            notice: As for `stop`.
            lifespan: Called with this server, it gives an async context manager.  Each process that serves enters it
                before it accepts, the place to open connections and to add routes, and leaves it after the last answer.

        Raises:
            OSError: The address is not ours, or the port is in use.
            RuntimeError: Called outside of the main thread, or within an event loop; or workers kept dying.
            ValueError: `processes` is negative.
        """
        if processes is not None and processes < 0:
            raise ValueError(f"processes must be 0 or more, got {processes!r}")
        refuse_to_block()
        with self._listen(address, port) as listener:
            run = Run(self, listener, drain, notice, lifespan)
            if processes == 1:
                run.here()
            else:
                run.in_workers(processes or cores())

    def _listen(self, address: str, port: int) -> socket.socket:
        listener = _listener(address, port)
        self._port = listener.getsockname()[1]
        _log.warning("listening on %s port %d", address, self._port)
        return listener


def _both(
    first: Callable[[RequestHandler], None], second: Callable[[RequestHandler], None]
) -> Callable[[RequestHandler], None]:
    def both(handler: RequestHandler) -> None:
        first(handler)
        second(handler)

    return both


def _key(cookie_secret: object) -> bytes:
    """The key that cookies are signed with; nothing that came is shown: it is a secret, if a wrong one."""
    if not isinstance(cookie_secret, str):
        raise TypeError(f"cookie_secret must be hexadecimal text, got {type(cookie_secret).__name__}")
    try:
        key = bytes.fromhex(cookie_secret)
    except ValueError:
        raise ValueError(f"cookie_secret must be hexadecimal, got {len(cookie_secret)} characters") from None
    if not key:
        raise ValueError("cookie_secret is empty: anybody could sign cookies")
    return key


def _checked_tls(context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    if context is not None and (not isinstance(context, ssl.SSLContext) or context.protocol == ssl.PROTOCOL_TLS_CLIENT):  # pyright: ignore[reportUnnecessaryIsInstance]  # Tornado takes a dictionary
        raise TypeError(f"ssl_options must be an ssl.SSLContext for servers (PROTOCOL_TLS_SERVER), got {context!r}")
    return context


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.getaddrinfo(address or None, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    return socket.create_server(found[0][4], family=family, backlog=1024)
