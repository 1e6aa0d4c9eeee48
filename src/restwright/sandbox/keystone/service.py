"""A Keystone on a port; belongs to an event loop."""

from __future__ import annotations

import asyncio
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from rest_tools.server import RestServer
from rest_tools.server.metrics import Metrics, MetricsHandler
from restwright.sandbox.control import Control
from restwright.sandbox.database import Database
from restwright.sandbox.faults import Fault, Faults, types_of
from restwright.sandbox.journal import Journal
from restwright.sandbox.keystone.application import Application
from restwright.sandbox.keystone.eras import ERAS
from restwright.sandbox.keystone.handler import KeystoneHandler, UnknownHandler
from restwright.sandbox.keystone.misbehaviour import Misbehaviour
from restwright.sandbox.keystone.sample.filling import fill
from restwright.sandbox.keystone.settings import Settings
from restwright.sandbox.keystone.tables.session import Token, User
from restwright.sandbox.listener import Listener, server_of
from restwright.sandbox.tls import Tls

__all__ = ["Service"]

_SETTLE = 5.0  # seconds for requests at work when it is to stop


class Service:
    """A Keystone and its server.

    Args:
        settings: How it behaves.
        address: To listen on.
        port: To listen on; 0 for a free one.
        control: Whether to listen for orders of other processes, on a port of its own.

    Attributes:
        settings: As given.
        application: What is served.
        endpoints: Names of its routes.
        journal: What it was asked.
        tls: How it speaks; orders come without it.

    Raises:
        ValueError: The database cannot be used, see `Database`.
        ImportError: The driver of the database is not installed.
    """

    def __init__(self, settings: Settings, *, address: str, port: int, control: bool) -> None:
        self.settings = settings
        self.tls = Tls(settings.tls, address, settings.tls_names, settings.certificates)
        era = ERAS[settings.era]
        database = Database(settings.database, era.base, "keystone", era.name)
        try:
            database.run_now(lambda session: fill(session, settings))
        except BaseException:
            database.close()
            raise
        self.application = Application(era, settings, database)
        self.endpoints = tuple(dict.fromkeys(one.route for one in self.application.routes.endpoints))
        self.journal = Journal()
        self._faults = Faults(self.endpoints, types_of(Misbehaviour))
        self._listener = Listener(self._server(), address, port, tls=self.tls.context())
        self._control = Control("keystone", self, address, is_wanted=control)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self._listener.url

    @property
    def control_url(self) -> str | None:
        """Where orders are taken; None if they are not."""
        return self._control.url

    def token(self, username: str) -> str:
        """A user's key for `Authorization: Token`.

        Raises:
            LookupError: There is none.
        """

        def find(session: Session) -> str | None:
            return session.scalar(select(Token.key).join(Token.user).where(User.username == username))

        key = self.application.database.run_now(find) if self.settings.era == "session" else None
        if key is None:
            raise LookupError(f"{username!r} has no key")
        return key

    def fault_for(self, endpoint: str) -> Fault | None:
        """What is to become of a request, None if it is to be answered."""
        return self._faults.fault_for(endpoint)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The address is not ours, or the port is in use.
        """
        self._listener.start()
        self._control.start()

    async def stop(self) -> None:
        """Listen no longer, answer what was asked, and close the database."""
        # Not by draining, which gives idle connections a second more.
        await self.application.settle(_SETTLE)
        await self._listener.stop()
        await self._control.stop()
        await asyncio.to_thread(self.application.close)

    async def behave(self, endpoint: str | None, times: int | None, **how: Unpack[Misbehaviour]) -> None:
        """See `restwright.sandbox.keystone.KeystoneService.behave`."""
        rest = self._faults.demand(endpoint, times, how)
        if "dead" in rest:
            await self._listener.play_dead(is_dead=rest["dead"])

    async def behave_well(self) -> None:
        """Misbehave no more."""
        self._faults = Faults(self.endpoints, types_of(Misbehaviour))
        await self._listener.play_dead(is_dead=False)

    async def reset(self) -> None:
        """Be as at first."""
        await self.behave_well()
        await self.application.reset(lambda session: fill(session, self.settings))
        self.journal = Journal()

    def _server(self) -> RestServer:
        application = self.application
        setup = {"service": application, "watcher": self, "server_header": "restwright-sandbox"}
        server = server_of(
            "keystone",
            ((f"{one.pattern}$", KeystoneHandler, {**setup, "endpoint": one}) for one in application.routes.endpoints),
            default_handler_class=UnknownHandler,
            default_handler_args=setup,
        )
        if self.settings.era == "jwt":
            server.metrics = Metrics()
            server.add_route("/metrics/", MetricsHandler, {"metrics": server.metrics})
        return server
