"""Between HTTP and the resources."""

from __future__ import annotations

from typing import Any, Final, Protocol

import orjson

from rest_tools.server.bearer import bearer_token
from rest_tools.server.refusal import Refusal
from restwright.sandbox.sequoia.catalogue import Collected
from restwright.sandbox.sequoia.kinds import ResourceService
from restwright.sandbox.sequoia.query import Query, read_query
from restwright.sandbox.sequoia.refusals import MEDIA_TYPE, RefusingHandler, unauthorized
from restwright.sandbox.watched import WatchedHandler, Watcher

__all__ = [
    "BusinessHandler",
    "CollectionHandler",
    "DescriptorHandler",
    "RegistryHandler",
    "ResourceHandler",
    "UnknownHandler",
]

_TAKEN: Final = frozenset({"", "application/json", MEDIA_TYPE})
"""Types of bodies; of those that do not say theirs it is believed."""
_CHALLENGE: Final = 'Bearer realm="sandbox"'


class Guard(Watcher, Protocol):
    """Knows who may ask, and where the services are."""

    @property
    def asks_for_certificates(self) -> bool:
        """Whether clients may show one."""
        ...

    def is_good(self, token: str | None, *, shows_certificate: bool) -> bool:
        """Whether those with this token, or with a certificate, may ask."""
        ...

    def takes_empty(self, endpoint: str) -> bool:
        """Whether this page is to be empty."""
        ...

    def registered(self, tenant: str, host: str) -> list[dict[str, str]] | None:
        """The services of a tenant, for those who came by this host; None if there is no such tenant."""
        ...


class _Handler(WatchedHandler, RefusingHandler):
    """Answers in the media type of the services, errors too."""

    def initialize(self, *args: Any, guard: Guard, endpoint: str, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, watcher=guard, **kwargs)
        self._guard = guard
        self._endpoint = endpoint

    @property
    def endpoint_name(self) -> str:
        """As in `endpoints` of the service."""
        return self._endpoint

    def compute_etag(self) -> None:
        """The services have no entity tags."""

    def check_xsrf_cookie(self) -> None:
        """Nobody is known by a cookie."""

    def send(self, content: Any, status: int = 200, *, pretty: bool = False) -> None:
        """Send a JSON document."""
        self.set_status(status)
        self.set_header("Content-Type", MEDIA_TYPE)
        text = orjson.dumps(content)
        self.finish(orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2) if pretty else text)

    @property
    def is_pretty(self) -> bool:
        """Whether people read it."""
        return self.get_query_argument("_pretty", "") == "true"


class RegistryHandler(_Handler):
    """`/services/<tenant>`."""

    def get(self, tenant: str) -> None:
        """Tell where the services are."""
        services = self._guard.registered(tenant, self.request.host_name)
        if services is None:
            raise Refusal(404, f"there is no tenant {tenant!r}")
        self.send({"services": services}, pretty=self.is_pretty)


class _Guarded(_Handler):
    """For those who have a token or a certificate."""

    async def prepare(self) -> None:
        """Refuse the others."""
        await super().prepare()
        token = bearer_token(self.request)
        request: Any = self.request  # whose method is not wholly typed
        shows_certificate = self._guard.asks_for_certificates and bool(request.get_ssl_certificate())
        if not self._guard.is_good(token, shows_certificate=shows_certificate):
            if token is None:
                raise unauthorized("the access token is missing", _CHALLENGE)
            raise unauthorized(
                "the access token is unknown, revoked or expired", f'{_CHALLENGE}, error="invalid_token"'
            )


class DescriptorHandler(_Guarded):
    """`/descriptor/raw`."""

    def initialize(self, *args: Any, service: ResourceService, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, **kwargs)
        self._service = service

    def get(self) -> None:
        """Tell which resources there are, and how they are related."""
        self.send(self._service.descriptor(), pretty=self.is_pretty)


class BusinessHandler(_Guarded):
    """`/business/...`: a stand-in for all that is no resource; tells what it was asked."""

    def _echo(self) -> None:
        request = self.request
        query = {name: values[-1].decode(errors="replace") for name, values in request.query_arguments.items()}
        try:
            body: Any = orjson.loads(request.body) if request.body else None
        except ValueError:
            body = request.body.decode(errors="replace")
        self.send({"method": request.method, "path": request.path, "query": query, "body": body})

    get = post = put = delete = _echo


class _OfKind(_Guarded):
    """About the resources of a kind."""

    def initialize(self, *args: Any, collected: Collected, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, **kwargs)
        self._collected = collected

    def query(self, *, of_page: bool = False, of_read: bool = False) -> Query:
        """What is asked for."""
        return read_query(
            self._collected.reader.kind, self.request.query_arguments, of_page=of_page, of_read=of_page or of_read
        )

    def body(self) -> bytes:
        """The body.

        Raises:
            Refusal: 415, it is of another type.
        """
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type not in _TAKEN:
            raise Refusal(415, f"the body must be {MEDIA_TYPE} or application/json, got {media_type}")
        return self.request.body


class CollectionHandler(_OfKind):
    """`/data/<kind>`."""

    async def get(self) -> None:
        """Give a page."""
        query = self.query(of_page=True)
        if self._guard.takes_empty(self.endpoint_name):
            document = self._collected.reader.empty(query).content
        else:
            document = await self._collected.browse(query)
        self.send(document, pretty=query.pretty)

    async def post(self) -> None:
        """Store."""
        query = self.query()
        self.send(await self._collected.store(query.owner, self.body()), 201, pretty=query.pretty)


class ResourceHandler(_OfKind):
    """`/data/<kind>/<ref>[,<ref>...]`."""

    async def get(self, refs: str) -> None:
        """Give one or several."""
        query = self.query(of_read=True)
        self.send(await self._collected.read(query, _split(refs)), pretty=query.pretty)

    async def put(self, ref: str) -> None:
        """Replace one."""
        query = self.query()
        if_match = self.request.headers.get("If-Match", "").strip()
        if not if_match:  # RFC 6585, 3
            raise Refusal(428, "If-Match is missing: which version is replaced?")
        self.send(await self._collected.update(query.owner, ref, if_match, self.body()), pretty=query.pretty)

    async def delete(self, refs: str) -> None:
        """Delete one or several."""
        await self._collected.delete(self.query().owner, _split(refs))
        self.set_status(204)
        self.clear_header("Content-Type")
        self.finish()


class UnknownHandler(_Handler):
    """Where no route leads to."""

    async def prepare(self) -> None:
        """Answer."""
        await super().prepare()
        raise Refusal(404, f"there is nothing at {self.request.path}")


def _split(refs: str) -> list[str]:
    return refs.split(",")
