"""The routes of a service: which paths there are, who answers there, and who may ask at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from restwright.sandbox.keystone.access import Who
from restwright.sandbox.keystone.answers import Answer
from restwright.sandbox.keystone.call import Call, View
from restwright.sandbox.keystone.records import Records
from restwright.sandbox.keystone.resource import Resource

__all__ = ["Endpoint", "Routes", "record_endpoints", "root_endpoints", "view_endpoint"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A path, and what is done there.

    Attributes:
        pattern: Regular expression of the path; its group, if it has one, is the identifier.
        route: What faults are put at, and requests are counted by; the same for a list and its records.
        name: For people.
        views: By method; HEAD is answered as GET, and OPTIONS tells what there is.
        is_public: Whether the unknown may ask.
        ignores_credentials: Whether it is not looked at who asks.
        allowed: Who may use a method, where that does not depend on a record.
        resource: Whose records are here.
        reads_log: Whether it shows the exchanges, which have to be written before.
        path: The same as the pattern, for the OpenAPI document; empty to be left out there.
    """

    pattern: str
    route: str
    name: str
    views: Mapping[str, View]
    is_public: bool = False
    ignores_credentials: bool = False
    allowed: Callable[[str], Who] = lambda _: Who.ANYONE
    resource: Resource | None = None
    reads_log: bool = False
    path: str = ""

    @cached_property
    def methods(self) -> list[str]:
        """For the header field `Allow`."""
        return [*self.views, *(["HEAD"] if "GET" in self.views else []), "OPTIONS"]

    def view(self, method: str) -> View | None:
        """What answers the method, None if there is no such method here."""
        if method == "OPTIONS":
            return self._options
        return self.views.get("GET" if method == "HEAD" else method)

    def _options(self, _: Call) -> Answer:
        parses = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
        return Answer(
            body={"name": self.name, "description": "", "renders": ["application/json"], "parses": parses},
        )


class Routes:
    """All endpoints of a service."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        self._compiled = [(re.compile(one.pattern), one) for one in self.endpoints]

    def find(self, path: str) -> tuple[Endpoint, str] | None:
        """Who answers at a path, and the identifier in it; None for an unknown path."""
        for pattern, endpoint in self._compiled:
            found = pattern.fullmatch(path)
            if found is not None:
                return endpoint, found[1] if pattern.groups else ""
        return None


def view_endpoint(
    path: str, name: str, *, is_public: bool = False, ignores_credentials: bool = False, **views: View
) -> Endpoint:
    """An endpoint for views by method, in small letters."""
    return Endpoint(
        pattern=re.escape(path),
        route=path.strip("/") or "root",
        path=path,
        name=name,
        is_public=is_public or ignores_credentials,
        ignores_credentials=ignores_credentials,
        views={key.upper(): view for key, view in views.items()},
    )


def record_endpoints(resource: Resource, route: str) -> Iterator[Endpoint]:
    """The list of a resource at a route, and its single records."""
    records = Records(resource)

    of_all = Endpoint(
        pattern=f"/{route}/",
        route=route,
        name=f"{resource.name} List",
        views=records.of_list,
        allowed=resource.allowed,
        resource=resource,
        reads_log=route.startswith("logs/"),
    )
    yield of_all
    yield replace(of_all, pattern=f"/{route}/([^/.]+)/", name=f"{resource.name} Instance", views=records.of_item)


def root_endpoints(routes: Iterable[str]) -> Iterator[Endpoint]:
    """For each first part of a route a map of what is below it."""
    below: dict[str, dict[str, str]] = {}
    for route in routes:
        root, _, name = route.partition("/")
        below.setdefault(root, {})[name] = f"/{route}/"
    for root, paths in sorted(below.items()):

        def view(call: Call, paths: Mapping[str, str] = paths) -> Answer:
            return Answer(body={name: call.url(path) for name, path in paths.items()})

        yield view_endpoint(f"/{root}/", "Api Root", get=view)
