"""What the arguments of a call become: a URL, a query string or a JSON body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

import requests

from restwright.json_codec import encode

# By the contract it is these two exactly: `get` has a body.
WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})


def join_url(address: str, path: str) -> str:
    """The URL of a path below `address`, which may end in a slash or not; without an address, the path itself.

    >>> join_url("http://my.site/api", "/fruits"), join_url("http://my.site/api/", "")
    ('http://my.site/api/fruits', 'http://my.site/api/')
    """
    relative = path.lstrip("/")
    return f"{address.rstrip('/')}/{relative}" if address else relative


def with_query(url: str, args: Any) -> str:
    """The URL with arguments in its query: a list repeats its key, None is left out, True is `True`.

    >>> with_query("/fruits", {"name": ["kiwi", "fig"], "ripe": True, "color": None})
    '/fruits?name=kiwi&name=fig&ripe=True'

    Raises:
        TypeError: The arguments are neither a mapping nor pairs.
    """
    if isinstance(args, (str, bytes)) or not hasattr(args, "__iter__"):
        raise TypeError(f"args of GET and HEAD must be a mapping, got {type(args).__name__}")
    query = urlencode(list(_pairs(args)))
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _pairs(args: Any) -> Iterator[tuple[Any, Any]]:
    for name, value in args.items() if hasattr(args, "items") else args:
        single = isinstance(value, (str, bytes)) or not hasattr(value, "__iter__")
        for each in (value,) if single else value:
            if each is not None:
                yield name, each


def as_body(args: Any) -> bytes:
    """Arguments as a JSON body.

    Raises:
        TypeError: One of them is of a type that JSON does not have, such as a datetime.
        requests.exceptions.InvalidJSONError: One of them is NaN or infinite, or holds itself.
    """
    try:
        return encode(args, _refuse)
    except ValueError as error:
        raise requests.exceptions.InvalidJSONError(f"the arguments have no JSON form: {error}") from error


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def as_header_fields(headers: Mapping[str, Any], *, without: str | None = None) -> dict[str, str]:
    """A copy of the header fields that a caller gives, without the one of that name.

    Raises:
        requests.exceptions.InvalidHeader: The value of one is no text.
    """
    fields: dict[str, str] = {}
    for name, value in headers.items():
        if name.lower() == without:
            continue
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if not isinstance(text, str):
            raise requests.exceptions.InvalidHeader(f"header {name!r} must be text, got {type(value).__name__}")
        fields[name] = text
    return fields
