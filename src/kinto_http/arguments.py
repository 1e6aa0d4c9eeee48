"""What callers give to an operation, as the service wants it: ids, bodies, patches, preconditions, filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from kinto_http.answers import mapping_of
from kinto_http.exceptions import MissingIdException
from kinto_http.params import encode_params
from kinto_http.patch_type import BasicPatch, PatchType
from kinto_http.utils import quote
from restwright.message import EMPTY


def split(data: Any, permissions: Any) -> tuple[Any, Any]:
    """Data and permissions, also where an envelope as the server sends it was passed as the data."""
    envelope = mapping_of(data)
    inner = envelope.get("data")
    if isinstance(inner, Mapping) and set(envelope) == {"data", "permissions"}:
        return cast("Any", inner), envelope["permissions"] if permissions is None else permissions
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
            found = mapping_of(source).get("last_modified") or None
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
    return BasicPatch(data=with_text_id(data), permissions=permissions)


def list_params(query: Mapping[str, Any]) -> Mapping[str, str]:
    """The query of a listing."""
    if not query:
        return EMPTY
    params = encode_params(query)
    if "_since" in params and params.get("_fields"):
        # Else the tombstones that `_since` brings would look like objects.
        return encode_params({**params.given, "_fields": f"{params['_fields']},deleted"})
    return params
