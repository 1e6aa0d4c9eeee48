"""The registry: which services there are, and where.

What it names is trusted, for it is the caller who says where the registry is: the client's credentials go to the
locations in it.  Links in the answers of services are not trusted in this way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias, cast

from restwright.drivers import run
from restwright.message import Request
from restwright.plan import Operation
from restwright.single_flight import SingleFlight
from sequoia.error import RequestError, UnknownService
from sequoia.http import AsyncHttpExecutor, Call, Executor, HttpExecutor
from sequoia.retrying import Repeat

_MEMBERS: Final = ("name", "owner", "location", "title")


class RegisteredService:
    """A service: its name, its owner, where it is, and what it is called."""

    def __init__(self, service_data: Mapping[str, Any]) -> None:
        missing = [name for name in _MEMBERS if name not in service_data]
        if missing:
            raise KeyError(f"a service of the registry has no {', '.join(missing)}")
        self.name: str = service_data["name"]
        self.owner: str = service_data["owner"]
        self.location: str = service_data["location"]
        self.title: str = service_data["title"]

    def located(self) -> Operation[RegisteredService]:
        """Itself."""
        return self
        yield  # a plan, though it asks for nothing

    def __repr__(self) -> str:
        return f"<RegisteredService {self.name} at {self.location}>"


Learn: TypeAlias = Callable[[Mapping[str, RegisteredService]], None]


def _nothing(services: Mapping[str, RegisteredService]) -> None:
    """Nobody wants to know."""


class Services(dict[str, RegisteredService]):
    """The services of a registry, by name.

    Attributes:
        http: What the registry is read by.
        registry_url: Where it is.
        is_loaded: Has it been read?

    Args:
        registry_url: Where it is.
        http: What it is read by.
        learn: Called when it has been read.

    Raises:
        ValueError: It is no URL.
    """

    logger = logging.getLogger("sequoia.registry")

    def __init__(self, registry_url: str, http: Executor, learn: Learn = _nothing) -> None:
        super().__init__()
        if not isinstance(registry_url, str) or "://" not in registry_url:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"registry_url is a whole URL, such as https://host/services/tenant, got {registry_url!r}")
        self._learn = learn
        self.registry_url = registry_url
        self.http = http
        self.is_loaded = False
        self._flight = SingleFlight[None]("reading the registry")
        http.depend_on(self)

    def loaded(self) -> Operation[None]:
        """Read it if that has not been done, once for all who wait for it."""
        if not self.is_loaded:
            http = self.http

            def work() -> None:
                run(http.routes.new().send, self.reading())

            yield from self._flight.join(work, within=http.longest_request)

    def reading(self) -> Operation[None]:
        """The plan of reading it."""
        http = self.http
        # Ids that begin with user and application are for operations on services.
        correlation_id = http.correlation_id or ("" if http.user_id and http.application_id else None)
        call = Call(Repeat(http.strategy), correlation_id, is_signed=False)
        response = yield from http.ask(Request("GET", self.registry_url), call)
        found = _services(response.data)
        self.clear()
        self.update(found)
        self._learn(self)
        self.is_loaded = True
        http.trust(service.location for service in found.values())

    def service(self, name: str) -> RegisteredService:
        """The service of this name.

        Raises:
            UnknownService: There is none.
        """
        found = self.get(name)
        if found is None:
            near = get_close_matches(name, self, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(self)) or 'none'}"
            raise UnknownService(f"the registry has no service {name!r}: {hint}")
        return found


class Registry(Services):
    """The registry of a blocking client, read when it is made."""

    def __init__(self, registry_url: str, http: HttpExecutor, learn: Learn = _nothing) -> None:
        super().__init__(registry_url, http, learn)
        self._run = http.run
        self.refresh()

    def refresh(self) -> None:
        """Read the registry anew; what it names no longer is forgotten.

        Raises:
            RequestError: It cannot be read.
        """
        self._run(self.reading())


class AsyncRegistry(Services):
    """The registry of an awaited client, read when it is first needed."""

    def __init__(self, registry_url: str, http: AsyncHttpExecutor, learn: Learn = _nothing) -> None:
        super().__init__(registry_url, http, learn)
        self._run = http.run

    async def refresh(self) -> None:
        """Read the registry anew; what it names no longer is forgotten.

        Raises:
            RequestError: It cannot be read.
        """
        await self._run(self.reading())


class NamedService:
    """A service that is looked up in the registry when it is needed."""

    def __init__(self, name: str, registry: Services) -> None:
        self.name = name
        self._registry = registry

    @property
    def location(self) -> str:
        """Where it is.

        Raises:
            UnknownService: The registry has no such service, or has not been read.
        """
        return self._registry.service(self.name).location

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self._registry.service(self.name).owner

    @property
    def title(self) -> str:
        """What it is called."""
        return self._registry.service(self.name).title

    def located(self) -> Operation[RegisteredService]:
        """What the registry says about it.

        Raises:
            UnknownService: There is no such service.
            RequestError: The registry cannot be read.
        """
        if not self._registry.is_loaded:
            yield from self._registry.loaded()
        return self._registry.service(self.name)

    def __repr__(self) -> str:
        return f"<NamedService {self.name}>"


def _services(document: Any) -> dict[str, RegisteredService]:
    entries: Any = cast("Mapping[str, Any]", document).get("services") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise RequestError("The registry's answer has no list of services")
    return {service.name: service for service in map(RegisteredService, cast("list[Mapping[str, Any]]", entries))}
