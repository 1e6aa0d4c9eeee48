"""What listings and reads hand out: dicts and lists as the service sends them, that know a little more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from restwright.headers.etag import parse_etag
from restwright.plan import Page


class Home(NamedTuple):
    """Where a record was fetched from."""

    server: str
    bucket: str
    collection: str


class Record(dict[str, Any]):
    """A record that was fetched: a dict that knows the collection it came from.

    `update_record(data=record)` of a client that has no collection of its own writes it back there.
    """

    __slots__ = ("home",)

    def __init__(self, data: Mapping[str, Any], home: Home | None = None) -> None:
        super().__init__(data)
        self.home = home

    def copy(self) -> Record:
        """A copy that knows it too."""
        return Record(self, self.home)


class Objects(list[dict[str, Any]]):
    """A list of objects, and what the server said of it.

    Attributes:
        timestamp: Of the list, in milliseconds since the epoch, as text; "" if unknown.
        not_modified: The server answered 304 to `if_none_match`: empty because nothing has changed.
    """

    timestamp: str = ""
    not_modified: bool = False


@dataclass(frozen=True, slots=True)
class ObjectsPage(Page[dict[str, Any]]):
    """One page of a listing."""

    @property
    def timestamp(self) -> str:
        """Of the list, in milliseconds since the epoch, as text; "" if the server did not tell."""
        return timestamp_of(self.headers)

    @property
    def tombstones(self) -> list[dict[str, Any]]:
        """What was deleted; a listing with `_since` tells (`{"id", "last_modified", "deleted": True}`)."""
        return [item for item in self.items if item.get("deleted") is True]


class Changes(NamedTuple):
    """What has changed in a collection since a timestamp."""

    records: list[dict[str, Any]]
    """Created or changed."""
    tombstones: list[dict[str, Any]]
    """Deleted."""
    timestamp: str
    """Of the collection, to ask with the next time; in milliseconds since the epoch."""


class PermissionEntry(dict[str, Any]):
    """An entry of the permissions endpoint; the ids of parents that its kind of object has not are None."""

    def __missing__(self, key: str) -> None:
        if key in {"bucket_id", "collection_id", "group_id", "record_id"}:
            return
        raise KeyError(key)


def timestamp_of(headers: Mapping[str, str]) -> str:
    """The timestamp in an `ETag` field; "" without one."""
    given = headers.get("ETag") or ""
    tag = parse_etag(given) or parse_etag(f'"{given}"')  # some proxies take the quotes away
    return "" if tag is None else tag.value
