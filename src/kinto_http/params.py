"""Query parameters from keyword arguments, as the server's filters want them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, cast

from kinto_http.utils import json_dumps

_LIST_PREFIXES = ("in_", "exclude_")


class Encoded(dict[str, str]):
    """Parameters as text, and as they were given: a session of somebody else's encodes them itself."""

    given: Mapping[str, Any]


def encode_params(kwargs: Mapping[str, Any]) -> Encoded:
    """The parameters as text.

    Text goes as it is: the server reads it as JSON where it can, so write `'"2.0"'` to mean the text
    2.0.  Dates become ISO text, `in_*`, `exclude_*` and `_fields` a comma list, all else JSON.

    >>> encode_params({"title": "x", "min_size": 5, "in_id": ["a", 7], "_fields": ["id", "title"]})
    {'title': 'x', 'min_size': '5', 'in_id': 'a,7', '_fields': 'id,title'}
    """
    # A generator would give its items but once.
    given = {name: list(cast("Any", v)) if isinstance(v, Iterator) else v for name, v in kwargs.items()}
    params = Encoded(
        (name, value if type(value) is str and not name.startswith(_LIST_PREFIXES) else _encode(name, value))
        for name, value in given.items()
    )
    params.given = given
    return params


def _encode(name: str, value: Any) -> str:
    is_list = name.startswith(_LIST_PREFIXES)
    is_iterable = isinstance(value, Iterable) and not isinstance(value, str | Mapping)
    if is_iterable and (is_list or name == "_fields"):
        return ",".join(map(_text, cast("Iterable[Any]", value)))
    # The comma makes a list of a single text that the server would read as a number otherwise.
    return _text(value) + "," if is_list else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # of an enum member, its value
    return value.isoformat() if isinstance(value, date) else json_dumps(value)
