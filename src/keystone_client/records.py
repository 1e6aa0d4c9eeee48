"""Creating, retrieving, updating and deleting records: written once, for every resource.

Each function here is an operation on a resource that is named first; `of` makes the method of one resource from it.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast, overload

import requests

from keystone_client import paths
from keystone_client.accepted import early_timeout, fields_of, timed
from keystone_client.answers import Record, is_missing_item, is_missing_route, raise_if_refused, record_of
from keystone_client.context import Context
from keystone_client.filters import Filters
from keystone_client.forms import Files, with_body
from keystone_client.listing import pages_of, query_of
from keystone_client.operations import HTTPOperations
from restwright.criteria import Criteria
from restwright.drivers.batch import Pending
from restwright.message import UNSET, Request, Unset
from restwright.operation import AsyncMode, BatchMode, Operations, SyncMode, listing, operation
from restwright.plan import Listing, Operation, Page, paged

P = ParamSpec("P")
T = TypeVar("T")
ItemT = TypeVar("ItemT")

Pk = int | str


def create(
    self: HTTPOperations,
    resource: str,
    /,
    data: Mapping[str, Any] | None = None,
    files: Files | None = None,
    **fields: Any,
) -> Operation[Record]:
    """The new record, from its fields.

    Args:
        data: Fields, for those who have them in a dict.
        files: Files to be uploaded, by the name of their field: a `Path`, bytes, an open binary file, or such a one
            in (name, file, media type).
        **fields: Fields.

    Raises:
        ApiError: The service refuses.
    """
    body = fields_of(data, fields)
    return record_of((yield from _asked(self, resource, "create", lambda route: _post(route, body, files))))


def retrieve(
    self: HTTPOperations,
    resource: str,
    /,
    pk: Pk | None = None,
    filters: Filters | None = None,
    search: str | None = None,
    order: str | Iterable[str] | None = None,
    timeout: float | Unset | None = UNSET,
) -> Operation[Any]:
    """The record with this id, or None if there is none; without an id, all records in a list.

    Args:
        pk: Id of one record.
        filters: What the records must be like: a dict such as `{"name": "c1"}`, or `where("name") == "c1"`.
        search: Words that all have to be in the record.
        order: Name of the field to sort by, with a dash in front for descending; or several.
        timeout: Seconds to connect and between bytes of an answer.

    Raises:
        ApiError: The service refuses, or has no such resource.
        ValueError: It has no such filter.
    """
    search, timeout = early_timeout(search, timeout)
    if pk is None:
        found: list[Record] = []

        def take(page: Page[Record]) -> None:
            found.extend(page.items)

        yield from paged(iterate(self, resource, filters, search, order, timeout), take)
        return found
    if isinstance(filters, Criteria) or filters or search or order:
        raise TypeError("pk names one record: filters, search and order are for lists")
    options = timed(timeout)
    asking = _asked(
        self, resource, "retrieve", lambda route: Request("GET", paths.item_path(route, pk), options=options), item=True
    )
    response = yield from asking
    return None if response is None else record_of(response)


def iterate(
    self: HTTPOperations,
    resource: str,
    /,
    filters: Filters | None = None,
    search: str | None = None,
    order: str | Iterable[str] | None = None,
    timeout: float | Unset | None = UNSET,
) -> Listing[Record]:
    """The records one by one, fetched page by page as they are consumed; arguments as to retrieve them."""
    context = self.context
    route = yield from _route(self, resource, "retrieve")
    params = query_of(context, resource, filters, search, order)
    yield from pages_of(context, route, params, timed(timeout))


def update(
    self: HTTPOperations,
    resource: str,
    /,
    pk: Pk,
    data: Mapping[str, Any] | None = None,
    files: Files | None = None,
    **fields: Any,
) -> Operation[Record]:
    """The record with this id, once some of its fields were changed.

    Args:
        pk: Id of the record.
        data: Fields with their new values; the others stay.
        files: Files to be uploaded, as when a record is created.
        **fields: More fields.

    Raises:
        ApiError: The service refuses, or there is no such record.
    """
    body = fields_of(data, fields)

    def make(route: str) -> Request:
        return with_body(Request("PATCH", paths.item_path(route, pk)), body, files)

    return record_of((yield from _asked(self, resource, "update", make)))


def delete(self: HTTPOperations, resource: str, /, pk: Pk, raise_not_exists: bool = False) -> Operation[None]:
    """Delete the record with this id.

    Args:
        pk: Id of the record.
        raise_not_exists: Raise an error if there is none, instead of being content.

    Raises:
        ApiError: The service refuses, or there is no such record and that was asked for.
    """

    def make(route: str) -> Request:
        return Request("DELETE", paths.item_path(route, pk))

    yield from _asked(self, resource, "delete", make, item=not raise_not_exists)


VERBS: Final[Mapping[str, Any]] = {
    "create": create,
    "retrieve": retrieve,
    "iterate": iterate,
    "update": update,
    "delete": delete,
}


def of(template: Callable[Concatenate[Any, str, P], Operation[T]], resource: str) -> operation[P, T]:
    """The operation on one resource."""

    @functools.wraps(template)
    def plan(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Operation[T]:
        return template(self, resource, *args, **kwargs)

    return operation(_named(plan, template, resource))


def list_of(template: Callable[Concatenate[Any, str, P], Listing[ItemT]], resource: str) -> listing[P, ItemT]:
    """The same for one that lists."""

    @functools.wraps(template)
    def plan(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Listing[ItemT]:
        return template(self, resource, *args, **kwargs)

    return listing(_named(plan, template, resource), whole=f"retrieve_{resource}")


class SyncRetrieve(Protocol):
    """`retrieve_{resource}` of a blocking client."""

    @overload
    def __call__(
        self,
        pk: None = None,
        filters: Filters | None = None,
        search: str | None = None,
        order: str | Iterable[str] | None = None,
        timeout: float | Unset | None = UNSET,
    ) -> list[Record]: ...
    @overload
    def __call__(self, pk: Pk, *, timeout: float | Unset | None = UNSET) -> Record | None: ...


class AsyncRetrieve(Protocol):
    """The same of an awaited one."""

    @overload
    def __call__(
        self,
        pk: None = None,
        filters: Filters | None = None,
        search: str | None = None,
        order: str | Iterable[str] | None = None,
        timeout: float | Unset | None = UNSET,
    ) -> Coroutine[None, None, list[Record]]: ...
    @overload
    def __call__(self, pk: Pk, *, timeout: float | Unset | None = UNSET) -> Coroutine[None, None, Record | None]: ...


class Retrieval(Protocol):
    """What a class has as `retrieve_{resource}`."""

    @overload
    def __get__(self, instance: SyncMode, owner: Any) -> SyncRetrieve: ...
    @overload
    def __get__(self, instance: AsyncMode, owner: Any) -> AsyncRetrieve: ...
    @overload
    def __get__(self, instance: BatchMode, owner: Any) -> Callable[..., Pending[Any]]: ...
    @overload
    def __get__(self, instance: Operations, owner: Any) -> Callable[..., Operation[Any]]: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> Callable[..., Any]: ...


def retrieval(resource: str) -> Retrieval:
    """`retrieve_{resource}`: what it returns depends on whether an id was given."""
    return cast("Retrieval", of(retrieve, resource))


@functools.lru_cache(maxsize=1024)
def method_named(name: str) -> Any:
    """The operation that a client has under this name, were there such a resource; None if no verb leads it."""
    verb, _, resource = name.partition("_")
    if verb not in VERBS or not resource.isidentifier():
        return None
    return list_of(iterate, resource) if verb == "iterate" else of(VERBS[verb], resource)


def no_such_resource(context: Context, resource: str) -> str:
    """What to tell who named a resource that is not there."""
    names = [*(context.resources or paths.ROUTES)]
    close = difflib.get_close_matches(resource, names, 3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(sorted(names))}"
    return f"this service has no resource {resource!r}: {hint}"


def _named(plan: Any, template: Any, resource: str) -> Any:
    name = f"{template.__name__}_{resource}"
    plan.__name__ = name
    plan.__qualname__ = f"KeystoneOperations.{name}"
    plan.__signature__ = _signature(template)
    return plan


def _signature(template: Any) -> Any:
    signature = inspect.signature(template)
    own, _, *others = signature.parameters.values()
    return signature.replace(parameters=[own, *others])


def _post(route: str, body: Mapping[str, Any], files: Files | None) -> Request:
    return with_body(Request("POST", route), body, files)


def _route(self: HTTPOperations, resource: str, verb: str) -> Operation[str]:
    """Where a resource is: as is known, or as the service's document says.

    Raises:
        AttributeError: There is no such resource, or it cannot be changed in this way.
    """
    context = self.context
    route = paths.ROUTES.get(resource)
    if route is not None:
        return context.renamed.get(route, route)
    known = context.resources
    if known is None:
        known = yield from self.resources()
    found = known.get(resource)
    if found is None:
        raise AttributeError(no_such_resource(context, resource))
    if verb not in found.verbs:
        raise AttributeError(f"a {resource} of this service cannot be {verb}d: it knows {', '.join(found.verbs)}")
    return found.path


@overload
def _asked(
    self: HTTPOperations, resource: str, verb: str, make: Callable[[str], Request]
) -> Operation[requests.Response]: ...
@overload
def _asked(
    self: HTTPOperations, resource: str, verb: str, make: Callable[[str], Request], *, item: bool
) -> Operation[requests.Response | None]: ...
def _asked(
    self: HTTPOperations, resource: str, verb: str, make: Callable[[str], Request], *, item: bool = False
) -> Operation[Any]:
    """The answer to a request for a resource; None if `item` and there is no such record."""
    route = yield from _route(self, resource, verb)
    response = yield make(route)
    if response.status_code == 404:
        earlier = paths.EARLIER_ROUTES.get(route)
        if earlier is not None and is_missing_route(response):
            response = yield make(earlier)
            if not is_missing_route(response):
                self.context.renamed[route] = earlier
        if item and is_missing_item(response):
            return None
    raise_if_refused(response, f"this service has no {route}" if is_missing_route(response) else "")
    return response
