"""Small functions that `kinto-http` published under this name: paths, JSON bodies, sorting, comparing."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from os import PathLike
from typing import Any, TypeAlias, TypeVar, cast

from kinto_http.slugs import slugify

__all__ = [
    "MAX_LENGTH_INT",
    "chunks",
    "collection_diff",
    "compute_sha256",
    "json_dumps",
    "json_iso_datetime",
    "quote",
    "records_equal",
    "slugify",
    "sort_records",
    "urljoin",
]

ItemT = TypeVar("ItemT")
RecordT = TypeVar("RecordT", bound=Mapping[str, Any])

MAX_LENGTH_INT: int = len(str(sys.maxsize)) + 1
"""Digits of the widest native integer, with its sign."""

_UNCOMPARED = frozenset({"last_modified", "schema"})
_MISSING: Any = object()

_Rank: TypeAlias = tuple[int, Any]


def urljoin(server_url: str, path: str) -> str:
    """Both parts with exactly one slash between them; the server's own path is kept."""
    return f"{server_url.rstrip('/')}/{path.lstrip('/')}"


def quote(text: str | int) -> str:
    """A timestamp as an entity tag: in double quotes, whether it came with them or not."""
    return '"{}"'.format(text.strip('"') if isinstance(text, str) else text)


def chunks(lst: Sequence[ItemT], n: int) -> Iterator[Sequence[ItemT]]:
    """Slices of `n` items; one slice of all of them, though it be empty, when `n` is 0 or less."""
    if n <= 0:
        yield lst
        return
    for start in range(0, len(lst), n):
        yield lst[start : start + n]


def json_iso_datetime(obj: object) -> str:
    """ISO 8601 text of a date or datetime, for `json.dumps(default=...)`."""
    if isinstance(obj, date):
        return obj.isoformat()
    raise TypeError(f"{type(obj).__name__} is not JSON serializable: {obj!r}")


json_dumps: Callable[..., str] = functools.partial(json.dumps, default=json_iso_datetime)
"""`json.dumps` that knows dates."""


def sort_records(records: Iterable[RecordT], sort: str) -> list[RecordT]:
    """The records in the order the server would list them for `_sort`, equal ones as they came.

    Args:
        records: Left as they are.
        sort: Fields by weight, joined by commas; `-` before one reverses it, dots lead into sub-objects.
    """
    ordered = list(records)
    # Sorts are stable, reversed ones too: the lightest field goes first.
    for spec in reversed([part.strip() for part in sort.split(",") if part.strip()]):
        field = spec.removeprefix("-")
        ordered.sort(key=_by(field), reverse=spec != field)
    return ordered


def _by(field: str) -> Callable[[Mapping[str, Any]], _Rank]:
    return lambda record: _rank(_lookup(record, field))


def _lookup(record: Mapping[str, Any], field: str) -> Any:
    if field in record:
        return record[field]
    head, dot, rest = field.partition(".")
    inner = record.get(head) if dot else None
    return _lookup(cast("Mapping[str, Any]", inner), rest) if isinstance(inner, Mapping) else _MISSING


def _rank(value: Any) -> _Rank:
    """A key that compares with any other: by type first, as the server does (PostgreSQL's order of jsonb)."""
    match value:
        case None:
            rank: _Rank = (0, None)
        case str():
            rank = (1, value)
        case date():
            rank = (1, value.isoformat())
        case bool():  # before int, which it is one of
            rank = (3, value)
        case int() | float():
            rank = (2, value)
        case Mapping():
            fields = sorted(cast("Mapping[str, Any]", value).items(), key=itemgetter(0))
            rank = (5, (len(fields), [(name, _rank(field)) for name, field in fields]))
        case list() | tuple():
            items = [_rank(item) for item in cast("Sequence[Any]", value)]
            rank = (4, (len(items), items))
        case _:  # no such field: after all that have it, as SQL's NULL
            rank = (6, None)
    return rank


def records_equal(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two records say the same, whenever it was said (`last_modified`, `schema` do not count)."""
    return _compared(a) == _compared(b)


def _compared(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _UNCOMPARED}


def collection_diff(
    src: Iterable[Mapping[str, Any]], dest: Iterable[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[tuple[dict[str, Any], dict[str, Any]]], list[dict[str, Any]]]:
    """What makes `dest` equal to `src`, matched by `id`: to create, to update as `(dest, src)`, to delete.

    The results are copies.  The source half of an update has no `last_modified`: it would be taken for
    the timestamp that the record must still have in `dest`.
    """
    left = {record["id"]: dict(record) for record in dest}
    to_create: list[dict[str, Any]] = []
    to_update: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for record in src:
        there = left.pop(record["id"], None)
        if there is None:
            to_create.append(dict(record))
        elif not records_equal(record, there):
            to_update.append((there, {name: record[name] for name in record if name != "last_modified"}))
    return to_create, to_update, list(left.values())


def compute_sha256(filepath: str | PathLike[str]) -> str:
    """Hexadecimal SHA-256 of a file of any size."""
    with open(filepath, "rb") as file:  # noqa: PTH123  # takes what `open` takes
        return hashlib.file_digest(file, "sha256").hexdigest()
