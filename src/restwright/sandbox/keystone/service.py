"""A Keystone on a port; belongs to an event loop."""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session
from tornado.web import RequestHandler

from rest_tools.server import RestServer
from rest_tools.server.metrics import Metrics, MetricsHandler
from rest_tools.server.redaction import request_line
from restwright.sandbox.keystone.application import Application
from restwright.sandbox.keystone.database import Database
from restwright.sandbox.keystone.eras import ERAS
from restwright.sandbox.keystone.handler import KeystoneHandler, UnknownHandler
from restwright.sandbox.keystone.sample.filling import fill
from restwright.sandbox.keystone.settings import Settings
from restwright.sandbox.keystone.tables.session import Token, User

__all__ = ["Service"]

_log = logging.getLogger("restwright.sandbox.keystone")

_MOST_BYTES = 32 * 2**20


class Service:
    """A Keystone and its server.

    Args:
        settings: How it behaves.

    Attributes:
        application: What is served.

    Raises:
        ValueError: The database cannot be used, see `Database`.
        ImportError: The driver of the database is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        era = ERAS[settings.era]
        database = Database(settings.database, era.base, era.name)
        self.application = Application(era, settings, database)
        database.run_now(lambda session: fill(session, settings))
        self._server = _server(self.application)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def token(self, username: str) -> str:
        """A user's key for `Authorization: Token`.

        Raises:
            LookupError: There is none.
        """

        def find(session: Session) -> str | None:
            return session.scalar(select(Token.key).join(Token.user).where(User.username == username))

        key = self.application.database.run_now(find) if self._settings.era == "session" else None
        if key is None:
            raise LookupError(f"{username!r} has no key")
        return key

    def reset(self) -> None:
        """Be as at first."""
        self.application.reset(lambda session: fill(session, self._settings))

    async def start(self, address: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: The address is not ours, or the port is in use.
        """
        self._server.startup(address, port)

    async def stop(self) -> None:
        """Listen no longer, answer what was asked, and close the database."""
        await self._server.stop(drain=2)
        self.application.close()


def _server(application: Application) -> RestServer:
    setup = {"service": application, "server_header": "restwright-sandbox"}
    server = RestServer(
        log_function=_log_request,
        max_body_size=_MOST_BYTES,
        default_handler_class=UnknownHandler,
        default_handler_args=setup,
    )
    for endpoint in application.routes.endpoints:
        server.add_route(f"{endpoint.pattern}$", KeystoneHandler, {**setup, "endpoint": endpoint})
    if application.era.name == "jwt":
        server.metrics = Metrics()
        server.add_route("/metrics/", MetricsHandler, {"metrics": server.metrics})
    return server


def _log_request(handler: RequestHandler) -> None:
    _log.info("%d %s", handler.get_status(), request_line(handler.request))
