"""What the operations of all kinds of object share: where they are, ids, bodies, preconditions, paging."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

import requests

from kinto_http.answers import (
    Json,
    body_of,
    data_of,
    envelope_of,
    is_status,
    mapping_of,
    objects_of,
    refused,
)
from kinto_http.arguments import list_params, precondition, with_text_id
from kinto_http.callers import stacklevel
from kinto_http.constants import DO_NOT_OVERWRITE, VALID_SLUG_REGEXP
from kinto_http.endpoints import Endpoints
from kinto_http.exceptions import KintoException
from kinto_http.models import Objects, ObjectsPage, timestamp_of
from kinto_http.params import encode_params
from kinto_http.patch_type import JSONPatch, PatchType
from kinto_http.slugs import is_changed_by_slugify, slugify
from kinto_http.utils import quote
from restwright.message import EMPTY, UNSET, Request, without_credentials
from restwright.operation import Operations, operation
from restwright.plan import Errand, Operation, paged

logger = logging.getLogger("kinto_http.client")

T = TypeVar("T")
Paging: TypeAlias = Generator[Request | Errand | ObjectsPage, requests.Response, T]

INFINITY: Final = float("inf")
MOST_PATHS: Final = 1000
CATCH_UPS: Final = 20
"""How often what changed while a listing was read is fetched after it: a server may never stand still."""
RESTARTS: Final = 3
"""How often a listing is begun anew because the collection changed between two pages."""


@dataclass(slots=True)
class Context:
    """Where a client's operations go by default, and what it has learnt of the server."""

    endpoints: Endpoints
    bucket: str | None
    collection: str | None
    server: str = ""
    server_info: Json | None = None
    timestamps: dict[str, str] = field(default_factory=dict[str, str])
    """Of the lists of records, by path."""
    paths: dict[Any, str] = field(default_factory=dict[Any, str])
    """Of the lists of records, by bucket and collection."""

    def bucket_of(self, given: Any) -> Any:
        """The bucket that a call means; 0 is an id."""
        return self.bucket if given is None or given == "" else given

    def collection_of(self, given: Any) -> Any:
        """The collection that a call means."""
        return self.collection if given is None or given == "" else given

    def forget_timestamps(self, path: str) -> None:
        """Of the lists of records that a change of this path changes: its own, those above and below it."""
        for known in list(self.timestamps):
            if known.startswith(path) or path.startswith(known):
                self.timestamps.pop(known, None)


class KintoOperations(Operations):
    """Base of the operations of each kind of object."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @operation
    def server_info(self, *, refresh: bool = False) -> Operation[Json]:
        """The server's root document: its settings, capabilities, and who you are.

        Asked for once; `refresh=True` asks again.
        """
        info = self.context.server_info
        if info is None or refresh:
            response = yield Request("GET", self.path("root"))
            info = self.context.server_info = envelope_of(response)
        return info

    def path(self, name: str, bucket: Any = None, collection: Any = None, **ids: Any) -> str:
        """The path of an endpoint, with the client's bucket and collection where none is given.

        An id that cannot stand in a path goes as its slug, with a warning: it is another object's id then.
        """
        context = self.context
        filled = {"bucket": context.bucket_of(bucket), "collection": context.collection_of(collection), **ids}
        for kind, value in filled.items():
            if value is not None and not (isinstance(value, str) and _is_valid(value)) and is_changed_by_slugify(value):
                told = f"{name if kind == 'id' else kind} id {value!r} is not a valid id"
                warnings.warn(f"{told}: its slug {slugify(value)!r} is used instead", stacklevel=stacklevel())
        return context.endpoints.get(name, **filled)

    def records_path(self, bucket: str | None, collection: str | None) -> str:
        """The path of a collection's records; remembered, as it is asked for with each of them."""
        context = self.context
        place = (context.endpoints, context.bucket_of(bucket), context.collection_of(collection))
        path = context.paths.get(place)
        if path is None:
            path = self.path("records", bucket, collection)
            if all(isinstance(each, str) and _is_valid(each) for each in place[1:]):  # others warn each time
                if len(context.paths) >= MOST_PATHS:
                    context.paths.clear()
                context.paths[place] = path
        return path

    def record_path(self, record: str, bucket: str | None, collection: str | None) -> str:
        """The path of a record."""
        if _is_valid(record):
            return f"{self.records_path(bucket, collection)}/{record}"
        return self.path("record", bucket, collection, id=record)

    # --- one object -----------------------------------------------------------------------------------------------

    def _read(self, path: str, params: Mapping[str, Any]) -> Operation[Json]:
        """An object's envelope, `{"data", "permissions"}`."""
        return envelope_of((yield Request("GET", path, encode_params(params) if params else EMPTY)))

    def _put(
        self,
        path: str,
        data: Any,
        permissions: Any,
        precondition: Mapping[str, str],
    ) -> Operation[Json]:
        """Create or replace an object."""
        body = {name: value for name, value in (("data", data), ("permissions", permissions)) if value is not None}
        if hasattr(permissions, "as_dict"):
            body["permissions"] = permissions.as_dict()
        return envelope_of((yield from self._write(Request("PUT", path, headers=precondition, json=body))))

    def _write(self, request: Request) -> Operation[requests.Response]:
        """A request that changes something: timestamps remembered of it no longer hold, now and when it is done."""
        self.context.forget_timestamps(request.url)
        try:
            return (yield request)
        finally:
            self.context.forget_timestamps(request.url)

    def _create(
        self,
        path: str,
        data: Any,
        permissions: Any,
        *,
        safe: bool,
        if_not_exists: bool,
        read: Callable[[], Operation[Json]],
        parent: str = "",
    ) -> Operation[Json]:
        """Create an object; with `if_not_exists` an existing one is read instead of refused.

        Args:
            parent: Kind of object that it is created in; a 403 tells to look at that.
        """
        try:
            return (yield from self._put(path, with_text_id(data), permissions, DO_NOT_OVERWRITE if safe else EMPTY))
        except KintoException as error:
            if parent and is_status(error, 403):
                raise _explained(error, parent) from error.__cause__
            if not is_status(error, 412) or not (if_not_exists or _already_ours(error, data)):
                raise
        return (yield from read())

    def _patch(self, path: str, changes: PatchType, precondition: Mapping[str, str]) -> Operation[Json]:
        """Change an object in part."""
        request = Request(
            "PATCH",
            path,
            headers={"Content-Type": changes.content_type, **precondition},
            json=changes.body,
            # All but a JSON patch say what is to be, not what is to be done to it.
            repeatable=bool(precondition) or not isinstance(changes, JSONPatch),
        )
        return envelope_of((yield from self._write(request)))

    def _delete(
        self, path: str, *, safe: bool, if_match: Any, if_exists: bool, absent: frozenset[int] = frozenset({404})
    ) -> Operation[Any]:
        """Delete an object: its tombstone, or None if `if_exists` and it was not there."""
        try:
            response = yield from self._write(Request("DELETE", path, headers=precondition(safe, if_match)))
        except KintoException as error:
            if if_exists and getattr(error.response, "status_code", None) in absent:
                return None
            if error.attempts > 1 and is_status(error, 404):
                # The first attempt, whose answer was lost, has deleted it.
                return {"id": path.rpartition("/")[2], "deleted": True}
            raise
        return data_of(envelope_of(response), {})

    # --- lists ----------------------------------------------------------------------------------------------------

    def _each_page(
        self, path: str, params: Mapping[str, Any], *, guard: bool = False, options: Mapping[str, Any] = EMPTY
    ) -> Paging[str | None]:
        """The pages of a list, in a plain loop; at the end its timestamp if the server answered "not modified".

        Args:
            params: The query; and `pages`, how many at most, and `if_none_match`, a timestamp.
            guard: A change of the list between two pages is a 412.  Without it, what changed while all pages were
                read comes after them: it may have moved to one that was behind us already.
        """
        query = dict(params)
        limit = query.pop("pages", None)
        pages = INFINITY if limit is None else limit
        known: Any = query.pop("if_none_match", None)
        headers: dict[str, str] = {} if known is None or known == "" else {"If-None-Match": quote(known)}
        conditional = bool(headers)
        request: Request | None = Request("GET", path, list_params(query), headers, options=options)
        began, seen, catch_ups = "", 0, 0
        trail = _Trail()
        while request is not None:
            response = yield request
            body = body_of(response)
            timestamp = timestamp_of(response.headers)
            if not body:
                return (timestamp or str(known).strip('"')) if body is None and conditional else None
            seen += 1
            if not began:
                began = timestamp
                if guard and began:
                    headers = {**headers, "If-Match": quote(began)}
                if path.endswith("/records"):
                    self.context.timestamps[path] = began
            following = (response.headers.get("Next-Page") or None) if seen < pages else None
            items = objects_of(response)
            if catch_ups and "_since" not in params:
                items = [item for item in items if item.get("deleted") is not True]
            if following is not None:
                trail.follow(following, response)
                # The link has all parameters in it.
                request = Request("GET", following, headers=headers, options=options)
            elif seen < pages and began and timestamp not in ("", began) and catch_ups < CATCH_UPS:
                query, began, catch_ups = {**query, "_since": began}, "", catch_ups + 1
                request = Request("GET", path, list_params(query), headers, options=options)
            else:
                request = None
            yield ObjectsPage(items, request is not None, response.headers)
        return None

    def _all_objects(self, path: str, params: Mapping[str, Any]) -> Operation[Objects]:
        """A whole list, each object once; begun anew if it changes in between."""
        query = dict(params)
        if query.get("pages") is None:
            query["pages"] = 1 if "_limit" in query else INFINITY
        for _ in range(RESTARTS):
            try:
                return (yield from self._collected(path, query, guard=True))
            except _ChangedMeanwhile:
                logger.debug("%s changed between two pages: beginning anew", path)
        return (yield from self._collected(path, query, guard=False))

    def _collected(self, path: str, params: Mapping[str, Any], *, guard: bool) -> Operation[Objects]:
        merged: dict[Any, Json] = {}
        first: list[ObjectsPage] = []

        def take(page: ObjectsPage) -> None:
            if not first:
                first.append(page)
            for item in page.items:
                merged[item["id"] if isinstance(item.get("id"), str) else object()] = item

        try:
            not_modified: str | None = yield from paged(self._each_page(path, params, guard=guard), take)
        except KintoException as error:
            if guard and first and is_status(error, 412):
                raise _ChangedMeanwhile from error
            raise
        objects = Objects(merged.values())
        objects.timestamp = first[0].timestamp if first else not_modified or ""
        objects.not_modified = not_modified is not None
        return objects

    def _delete_all(
        self, path: str, *, safe: bool, if_match: Any, params: Mapping[str, Any] = EMPTY
    ) -> Operation[list[Json]]:
        """Delete a whole list, page after page: all tombstones."""
        first = Request("DELETE", path, encode_params(params) if params else EMPTY, precondition(safe, if_match))
        request: Request | None = first
        gone: list[Json] = []
        trail = _Trail()
        while request is not None:
            try:
                response = yield from self._write(request)
            except KintoException as error:
                # A page's token counts once: the answer that used it was lost, but what it deleted is gone.
                if request is first or error.attempts < 2 or not is_status(error, 400):
                    raise
                request = first.but(headers=EMPTY)
                continue
            gone += objects_of(response)
            following = response.headers.get("Next-Page") or None
            if following is not None:
                trail.follow(following, response)
            # Without `If-Match`: the deletion itself has moved the list's timestamp on.
            request = None if following is None else Request("DELETE", following)
        return gone


class _Trail:
    """Notices links that lead round in a circle, and remembers but one of them (Brent's algorithm)."""

    def __init__(self) -> None:
        self._mark = ""
        self._steps = 0
        self._next_mark: int = 1

    def follow(self, link: str, response: requests.Response) -> None:
        if link == self._mark:
            raise refused(
                response, f"the pages lead round in a circle: {without_credentials(link)} has been there before"
            )
        self._steps += 1
        if self._steps == self._next_mark:
            self._mark = link
            self._next_mark *= 2


class _ChangedMeanwhile(Exception):
    """A list changed between two of its pages."""


_is_valid = VALID_SLUG_REGEXP.fullmatch


def _explained(error: KintoException, parent: str) -> KintoException:
    """A 403 of a creation, told with what to look for."""
    hint = f"check that the {parent} exists and that you may create or write in it"
    return type(error)(f"Unable to create it: {hint}. ({error.message})", error)


def _already_ours(error: KintoException, data: Any) -> bool:
    """Is the existing object of a refused creation what we sent, by a first attempt whose answer was lost?"""
    if error.attempts < 2:
        return False
    try:
        existing = error.response.json()["details"]["existing"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    sent = {name: value for name, value in mapping_of(data).items() if name != "last_modified"}
    return all(existing.get(name, UNSET) == value for name, value in sent.items())
