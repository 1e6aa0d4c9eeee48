"""The values of a document, as they are compared: by path, with a type."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import orjson

from restwright.sandbox.sequoia.tables import LONGEST_PATH, LONGEST_TEXT

__all__ = ["Scalar", "as_moment", "as_number", "scalars", "texts_at", "words"]

_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_NUL = "\N{REPLACEMENT CHARACTER}"  # in its place: PostgreSQL takes no U+0000


class Scalar(NamedTuple):
    """A value at a path; see `restwright.sandbox.sequoia.tables.Value`."""

    path: str
    type: str
    text: str
    number: float | None


def scalars(document: Mapping[str, Any]) -> Iterator[Scalar]:
    """All values of a document; those of lists have the path of the list.

    >>> [(one.path, one.text) for one in scalars({"a": [1, "x"], "b": {"c": True}})]
    [('a', '1'), ('a', 'x'), ('b', ''), ('b.c', 'true')]
    """
    for name, value in document.items():
        yield from _at(name.replace("\0", _NUL), value)


def words(document: Mapping[str, Any]) -> str:
    """All texts of a document, for those who search without regard to case."""
    return "\n".join(_texts(document)).casefold().replace("\0", _NUL)


def texts_at(document: str, path: str) -> list[str]:
    """The texts at a path of a document, each once."""
    found = (one.text for one in scalars(orjson.loads(document)) if one.path == path and one.type in {"t", "d"})
    return list(dict.fromkeys(found))


def as_number(text: str) -> float | None:
    """The number that a text is; None if it is none.

    >>> as_number("1.50"), as_number("nan")
    (1.5, None)
    """
    return float(text) if _NUMBER.fullmatch(text) else None


def as_moment(text: str) -> float | None:
    """Seconds since the epoch, if a text is a date (ISO 8601); without a time it is midnight, without a zone UTC.

    >>> as_moment("1970-01-02"), as_moment("1970-01-01T01:00:00+01:00"), as_moment("1970")
    (86400.0, 0.0, None)
    """
    if len(text) < 10 or text[4] != "-" or not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:  # the 30th of February
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _at(path: str, value: Any) -> Iterator[Scalar]:
    if len(path) > LONGEST_PATH or value is None:
        return
    if isinstance(value, str):
        moment = as_moment(value)
        yield Scalar(path, "t" if moment is None else "d", value[:LONGEST_TEXT].replace("\0", _NUL), moment)
    elif isinstance(value, bool):
        yield Scalar(path, "b", "true" if value else "false", None)
    elif isinstance(value, int | float):
        yield Scalar(path, "n", _number_text(float(value)), float(value))
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _at(path, item)
    else:
        yield Scalar(path, "o", "", None)
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield from _at(f"{path}.{name}".replace("\0", _NUL), inner)


def _number_text(number: float) -> str:
    return str(int(number)) if math.isfinite(number) and number.is_integer() and abs(number) < 1e15 else repr(number)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from _texts(item)
