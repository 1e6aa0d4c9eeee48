"""What the operations of all kinds of object share: where they are, ids, bodies, preconditions, paging."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar, cast

import requests

from kinto_http.constants import DO_NOT_OVERWRITE, VALID_SLUG_REGEXP
from kinto_http.endpoints import Endpoints
from kinto_http.exceptions import KintoException, MissingIdException
from kinto_http.models import Objects, ObjectsPage, timestamp_of
from kinto_http.params import encode_params
from kinto_http.patch_type import BasicPatch, JSONPatch, PatchType
from kinto_http.session import body_of
from kinto_http.slugs import is_changed_by_slugify
from kinto_http.utils import quote
from restwright.message import EMPTY, UNSET, Request
from restwright.operation import Operations, operation
from restwright.plan import Errand, Operation, paged

logger = logging.getLogger("kinto_http.client")

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")
Paging: TypeAlias = Generator[Request | Errand | ObjectsPage, requests.Response, T]

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
            info = self.context.server_info = cast("Json", body_of(response))
        return info

    def path(self, name: str, bucket: Any = None, collection: Any = None, **ids: Any) -> str:
        """The path of an endpoint, with the client's bucket and collection where none is given.

        An id that cannot stand in a path goes as its slug, with a warning: it is another object's id then.
        """
        context = self.context
        filled = {
            "bucket": context.bucket if bucket is None or bucket == "" else bucket,
            "collection": context.collection if collection is None or collection == "" else collection,
            **ids,
        }
        for kind, value in filled.items():
            if value is not None and not (isinstance(value, str) and _is_valid(value)) and is_changed_by_slugify(value):
                warnings.warn(f"{kind} id {value!r} is not a valid id: its slug is used instead", stacklevel=5)
        return context.endpoints.get(name, **filled)

    # --- one object -----------------------------------------------------------------------------------------------

    def read(self, path: str, params: Mapping[str, Any]) -> Operation[Json]:
        """An object's envelope, `{"data", "permissions"}`."""
        return cast("Json", body_of((yield Request("GET", path, encode_params(params) if params else EMPTY))))

    def put(
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
        return cast("Json", body_of((yield Request("PUT", path, headers=precondition, json=body))))

    def create(
        self,
        path: str,
        data: Any,
        permissions: Any,
        *,
        safe: bool,
        if_not_exists: bool,
        read: Callable[[], Operation[Json]],
    ) -> Operation[Json]:
        """Create an object; with `if_not_exists` an existing one is read instead of refused."""
        try:
            return (yield from self.put(path, data, permissions, DO_NOT_OVERWRITE if safe else EMPTY))
        except KintoException as error:
            if not is_status(error, 412) or not (if_not_exists or _already_ours(error, data)):
                raise
        return (yield from read())

    def patch(self, path: str, changes: PatchType, precondition: Mapping[str, str]) -> Operation[Json]:
        """Change an object in part."""
        request = Request(
            "PATCH",
            path,
            headers={"Content-Type": changes.content_type, **precondition},
            json=changes.body,
            # All but a JSON patch say what is to be, not what is to be done to it.
            repeatable=bool(precondition) or not isinstance(changes, JSONPatch),
        )
        return cast("Json", body_of((yield request)))

    def delete(
        self, path: str, *, safe: bool, if_match: Any, if_exists: bool, absent: frozenset[int] = frozenset({404})
    ) -> Operation[Any]:
        """Delete an object: its tombstone, or None if `if_exists` and it was not there."""
        try:
            response = yield Request("DELETE", path, headers=precondition(safe, if_match))
        except KintoException as error:
            if if_exists and getattr(error.response, "status_code", None) in absent:
                return None
            if error.attempts > 1 and is_status(error, 404):
                # The first attempt, whose answer was lost, has deleted it.
                return {"id": path.rpartition("/")[2], "deleted": True}
            raise
        return data_of(body_of(response), {})

    # --- lists ----------------------------------------------------------------------------------------------------

    def each_page(
        self,
        path: str,
        params: Mapping[str, Any],
        *,
        pages: float,
        if_none_match: Any = None,
        guard: bool = False,
        options: Mapping[str, Any] = EMPTY,
    ) -> Paging[bool]:
        """The pages of a list, in a plain loop; True at the end if the server answered "not modified".

        With `guard`, a change of the list between two pages is a 412.
        """
        headers: dict[str, str] = {} if if_none_match is None else {"If-None-Match": quote(if_none_match)}
        request: Request | None = Request(
            "GET", path, encode_params(params) if params else EMPTY, headers, options=options
        )
        seen = 0
        while request is not None:
            response = yield request
            body = body_of(response)
            if response.status_code == 304 or not body:
                return response.status_code == 304
            seen += 1
            if seen == 1 and (timestamp := timestamp_of(response.headers)):
                if guard:
                    headers = {**headers, "If-Match": quote(timestamp)}
                if path.endswith("/records"):
                    self.context.timestamps[path] = timestamp
            following = response.headers.get("Next-Page") if seen < pages else None
            if following is not None and following == request.url:
                raise KintoException(f"The server says that the page after {following} is that page itself")
            # The link has all parameters in it.
            request = None if following is None else Request("GET", following, headers=headers, options=options)
            yield ObjectsPage(data_of(body, []), request is not None, response.headers)
        return False

    def all_objects(self, path: str, params: Mapping[str, Any]) -> Operation[Objects]:
        """A whole list, each object once; begun anew if it changes in between."""
        options = dict(params)
        pages = options.pop("pages", None)
        if_none_match = options.pop("if_none_match", None)
        if pages is None:
            pages = 1 if "_limit" in options else float("inf")
        for restart in range(RESTARTS + 1):
            guard = restart < RESTARTS
            try:
                return (yield from self._collected(path, options, pages, if_none_match, guard=guard))
            except _ChangedMeanwhile:
                logger.debug("%s changed between two pages: beginning anew", path)
        raise AssertionError("the last turn is not guarded")

    def _collected(
        self, path: str, params: Mapping[str, Any], pages: float, if_none_match: Any, *, guard: bool
    ) -> Operation[Objects]:
        merged: dict[Any, Json] = {}
        first: list[ObjectsPage] = []

        def take(page: ObjectsPage) -> None:
            if not first:
                first.append(page)
            for item in page.items:
                merged[item["id"]] = item

        plan = self.each_page(path, params, pages=pages, if_none_match=if_none_match, guard=guard)
        try:
            not_modified: bool = yield from paged(plan, take)
        except KintoException as error:
            if guard and first and is_status(error, 412):
                raise _ChangedMeanwhile from error
            raise
        objects = Objects(merged.values())
        objects.timestamp = first[0].timestamp if first else ""
        objects.not_modified = not_modified
        return objects

    def delete_all(
        self, path: str, *, safe: bool, if_match: Any, params: Mapping[str, Any] = EMPTY
    ) -> Operation[list[Json]]:
        """Delete a whole list, page after page: all tombstones."""
        first = Request("DELETE", path, encode_params(params) if params else EMPTY, precondition(safe, if_match))
        request: Request | None = first
        gone: list[Json] = []
        while request is not None:
            try:
                response = yield request
            except KintoException as error:
                # A page's token counts once: the answer that used it was lost, but what it deleted is gone.
                if request is first or error.attempts < 2 or not is_status(error, 400):
                    raise
                request = first.but(headers=EMPTY)
                continue
            gone += cast("list[Json]", data_of(body_of(response), []))
            following = response.headers.get("Next-Page")
            # Without `If-Match`: the deletion itself has moved the list's timestamp on.
            request = None if following is None else Request("DELETE", following)
        return gone


class _ChangedMeanwhile(Exception):  # noqa: N818 - a signal
    """A list changed between two of its pages."""


_is_valid = VALID_SLUG_REGEXP.fullmatch


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def data_of(body: Any, default: Any) -> Any:
    """The `data` of an answer; `default` where there is none, as in dry mode."""
    return mapping_of(body).get("data", default)


def split(data: Any, permissions: Any) -> tuple[Any, Any]:
    """Data and permissions, also where an envelope as the server sends it was passed as the data."""
    envelope = mapping_of(data)
    inner = envelope.get("data")
    if isinstance(inner, Mapping) and "id" not in envelope and envelope.keys() <= {"data", "permissions"}:
        return cast("Any", inner), envelope.get("permissions") if permissions is None else permissions
    return data, permissions


def id_of(id: Any, data: Any, kind: str, verb: str, default: str | None = None) -> str:
    """The id: given, in the data, or the default; always text.

    Raises:
        MissingIdException: There is none.
    """
    found: Any = mapping_of(data).get("id") if id is None else id
    if found is None or found == "":
        found = default
    if found is None or found == "":
        raise MissingIdException(f"Unable to {verb} a {kind}, need an id.")
    return found if isinstance(found, str) else str(found)


def with_text_id(data: Any) -> Any:
    """Data whose id, if it has one, is text: the server compares it with the path's."""
    fields = mapping_of(data)
    return data if isinstance(fields.get("id", ""), str) else {**fields, "id": str(fields["id"])}


def precondition(safe: bool, if_match: Any, *sources: Any) -> Mapping[str, str]:
    """`If-Match` for an update: an explicit timestamp, else the `last_modified` of the first source that has one."""
    if not safe:
        return EMPTY
    found = if_match
    for source in sources:
        if found is None:
            found = mapping_of(source).get("last_modified")
    return EMPTY if found is None else {"If-Match": quote(found)}


def changes_of(changes: Any, data: Any, permissions: Any) -> PatchType:
    """The patch to send: the `PatchType` given, else a basic one of data and permissions.

    Raises:
        TypeError: `changes` is something else.
    """
    if isinstance(changes, PatchType):
        return changes
    if changes:
        raise TypeError(f"changes must be a PatchType such as BasicPatch or JSONPatch, got {type(changes).__name__}")
    return BasicPatch(data=data, permissions=permissions)


def explained(error: KintoException, parent: str, kind: str) -> KintoException:
    """A 403 of a creation, told with what to look for; other errors as they are."""
    if not is_status(error, 403):
        return error
    told = type(error)(
        f"Unable to create the {kind}: check that the {parent} exists and that you may create or write in it. "
        f"({error.message})",
        error,
    )
    told.request, told.response = error.request, error.response
    return told


def is_status(error: BaseException, status: int) -> bool:
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None) == status


def _already_ours(error: KintoException, data: Any) -> bool:
    """Is the existing object of a refused creation what we sent?  Then a first attempt, whose answer was lost, did it."""
    if error.attempts < 2:
        return False
    try:
        existing = error.response.json()["details"]["existing"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    sent = {name: value for name, value in mapping_of(data).items() if name != "last_modified"}
    return all(existing.get(name, UNSET) == value for name, value in sent.items())
