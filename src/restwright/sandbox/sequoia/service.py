"""The services on their ports; they belong to an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Unpack
from urllib.parse import urlsplit

from sqlalchemy import exists, select
from sqlalchemy.orm import Session
from tornado.web import RequestHandler

from rest_tools.server import RestServer
from restwright.sandbox.address import is_unspecified
from restwright.sandbox.control import Control
from restwright.sandbox.faults import Fault
from restwright.sandbox.identity.shortcuts import issue
from restwright.sandbox.identity.store import Store
from restwright.sandbox.identity.tokens import live_access_token
from restwright.sandbox.journal import Journal
from restwright.sandbox.listener import Listener, server_of
from restwright.sandbox.sequoia import handlers
from restwright.sandbox.sequoia.catalogue import Catalogue, Collected
from restwright.sandbox.sequoia.inclusion import Bounds
from restwright.sandbox.sequoia.kinds import ResourceService
from restwright.sandbox.sequoia.logins import LOGIN_HANDLERS, provider_of
from restwright.sandbox.sequoia.misbehaviour import Behaviour, Misbehaviour
from restwright.sandbox.sequoia.sample import SAMPLE
from restwright.sandbox.sequoia.settings import Settings
from restwright.sandbox.sequoia.tables import Resource
from restwright.sandbox.tls import Tls

__all__ = ["Service"]

Route = tuple[str, type[RequestHandler], dict[str, Any]]


class Service:
    """All services, each with a server of its own, so that they are of different origins as in real life.

    Args:
        settings: How they behave.
        address: To listen on.
        port: For the registry, and the next ones for the others; 0 for free ones.
        control: Whether to listen for orders of other processes, on a port of its own.

    Attributes:
        settings: As given.
        catalogue: All resources.
        provider: Of tokens.
        endpoints: That faults can be at.
        journal: What they were asked.
        tls: How they speak; orders come without it.

    Raises:
        ValueError: There are not enough ports, or the database cannot be used, see `Database`.
        ImportError: The driver of the database is not installed.
    """

    def __init__(self, settings: Settings, *, address: str, port: int, control: bool) -> None:
        last = 65535 - len(settings.services) - 1
        if not 0 <= port <= last:
            raise ValueError(f"port must be 0 to {last}, for the next ones are needed too, got {port}")
        self.settings = settings
        self.tls = Tls(settings.tls, address, settings.tls_names, settings.certificates)
        self.catalogue = Catalogue(settings.database, Bounds(settings.linked_per_page, settings.linked_pages))
        self._collected = {
            one.reader.name: one
            for one in (
                self.catalogue.collected(service, kind) for service in settings.services for kind in service.kinds
            )
        }
        try:
            self.catalogue.database.run_now(self._fill)
        except BaseException:
            self.catalogue.database.close()
            raise
        self.provider = provider_of(settings.clients, settings.token_lifetime)
        self.journal = Journal()
        routes: dict[str, list[Route]] = {"registry": self._registry_routes(), "identity": self._login_routes()}
        routes |= {service.name: self._resource_routes(service) for service in settings.services}
        self.endpoints = tuple(dict.fromkeys(setup["endpoint"] for each in routes.values() for *_, setup in each))
        self._behaviour = self._new_behaviour()
        self._listeners = {
            name: Listener(self._server(each), address, port and port + place, tls=self.tls.context())
            for place, (name, each) in enumerate(routes.items())
        }
        self._control = Control("sequoia", self, address, is_wanted=control)

    @property
    def url(self) -> str:
        """Where the registry listens, without a slash at the end."""
        return self._listeners["registry"].url

    @property
    def control_url(self) -> str | None:
        """Where orders are taken; None if they are not."""
        return self._control.url

    @property
    def locations(self) -> dict[str, str]:
        """Where the services are, by their names in the registry."""
        return {name: listener.url for name, listener in self._listeners.items() if name != "registry"}

    def collected(self, service: str, kind: str) -> Collected:
        """The resources of a kind.

        Raises:
            ValueError: There are none of that name.
        """
        name = f"{service}/{kind}"
        if name not in self._collected:
            raise ValueError(f"there are no {name}, but {', '.join(self._collected)}")
        return self._collected[name]

    def token(self, client: str) -> str:
        """A token for a client.

        Raises:
            ValueError: There is no such client.
        """
        token: str = issue(self.provider, None, client, "")["access_token"]
        return token

    def revoke_tokens(self) -> None:
        """Accept none of the tokens that there are."""
        self.provider.store = Store()

    @property
    def asks_for_certificates(self) -> bool:
        """Whether clients may show one."""
        return self.tls.asks_for_certificates

    def is_good(self, token: str | None, *, shows_certificate: bool) -> bool:
        """Whether those with this token, or with a certificate, may ask."""
        if shows_certificate or not self.settings.needs_token:
            return True
        return token is not None and live_access_token(self.provider, token) is not None

    def registered(self, tenant: str, host: str) -> list[dict[str, str]] | None:
        """The services of a tenant, for those who came by this host; None if there is no such tenant."""
        if tenant != self.settings.tenant:
            return None
        about: Mapping[str, tuple[str, str]] = {
            "identity": ("Identity", "Who may ask."),
            **{service.name: (service.title, service.description) for service in self.settings.services},
        }
        return [
            {
                "name": name,
                "owner": "root",
                "location": _reachable(url, host),
                "title": about[name][0],
                "description": about[name][1],
            }
            for name, url in self.locations.items()
        ]

    def fault_for(self, endpoint: str) -> Fault | None:
        """What is to become of a request, None if it is to be answered."""
        return self._behaviour.fault_for(endpoint)

    def takes_empty(self, endpoint: str) -> bool:
        """Whether this page is to be empty."""
        return self._behaviour.takes_empty(endpoint)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The address is not ours, or a port is in use.
        """
        for listener in self._listeners.values():
            listener.start()
        self._control.start()

    async def stop(self) -> None:
        """Listen no longer, and close the database."""
        for listener in self._listeners.values():
            await listener.stop()
        await self._control.stop()
        await asyncio.to_thread(self.catalogue.database.close)

    async def behave(self, endpoint: str | None, times: int | None, **how: Unpack[Misbehaviour]) -> None:
        """See `restwright.sandbox.sequoia.SequoiaService.behave`."""
        self._behaviour.behave(endpoint, times, **how)
        await self._live_or_die()

    async def behave_well(self) -> None:
        """Misbehave no more."""
        self._behaviour = self._new_behaviour()
        await self._live_or_die()

    async def reset(self) -> None:
        """Be as at first."""
        await self.behave_well()
        self.provider.reset()
        await self.catalogue.database.clear(self._fill)
        self.journal = Journal()

    async def _live_or_die(self) -> None:
        for name, listener in self._listeners.items():
            await listener.play_dead(is_dead=name in self._behaviour.dead)

    def _new_behaviour(self) -> Behaviour:
        self.catalogue.visibility.show_all()
        names = ["registry", "identity", *(service.name for service in self.settings.services)]
        return Behaviour(self.endpoints, tuple(self._collected), names, self.catalogue.visibility)

    def _fill(self, session: Session) -> None:
        if self.settings.sample and not session.scalar(select(exists(select(Resource.id)))):
            for name, documents in SAMPLE.items():
                if name in self._collected:
                    self._collected[name].fill(session, documents, self.settings.tenant)

    def _registry_routes(self) -> list[Route]:
        return [("/services/([^/]+)/?", handlers.RegistryHandler, {"guard": self, "endpoint": "registry"})]

    def _login_routes(self) -> list[Route]:
        setup = {"watcher": self, "provider": self.provider}
        return [
            (f"/{name}/?", handler, {**setup, "endpoint": f"identity/{name}"})
            for name, handler in LOGIN_HANDLERS.items()
        ]

    def _resource_routes(self, service: ResourceService) -> list[Route]:
        def setup(name: str, **more: Any) -> dict[str, Any]:
            return {"guard": self, "endpoint": f"{service.name}/{name}", **more}

        routes: list[Route] = [
            ("/descriptor/raw/?", handlers.DescriptorHandler, setup("descriptor", service=service)),
            ("/business(?:/.*)?", handlers.BusinessHandler, setup("business")),
        ]
        for kind in service.kinds:
            its = setup(kind.name, collected=self._collected[f"{service.name}/{kind.name}"])
            routes.append((f"/data/{kind.name}/?", handlers.CollectionHandler, its))
            routes.append((f"/data/{kind.name}/([^/]+)/?", handlers.ResourceHandler, its))
        return routes

    def _server(self, routes: Iterable[Route]) -> RestServer:
        unknown = {"guard": self, "endpoint": "", "server_header": _NAME}
        return server_of(
            "sequoia",
            ((f"{path}$", handler, {**setup, "server_header": _NAME}) for path, handler, setup in routes),
            default_handler_class=handlers.UnknownHandler,
            default_handler_args=unknown,
        )


_NAME = "restwright-sandbox"


def _reachable(url: str, host: str) -> str:
    """The URL, by another host if its own stands for all addresses."""
    parts = urlsplit(url)
    if not is_unspecified(parts.hostname or ""):
        return url
    name = f"[{host.strip('[]')}]" if ":" in host else host
    return f"{parts.scheme}://{name}:{parts.port}"
