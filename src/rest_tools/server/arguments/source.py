"""Where arguments come from, and the values that came, by the key as the client wrote it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from tornado.httputil import HTTPServerRequest


class ArgumentSource(enum.Enum):
    """The part of a request that arguments are read from."""

    QUERY_ARGUMENTS = enum.auto()
    """The query string, and after it the fields of a form, url-encoded or multipart."""
    JSON_BODY_ARGUMENTS = enum.auto()
    """The members of the JSON object that is the body."""


class HasArguments(Protocol):
    """The part of a `RestHandler` that arguments are read from."""

    request: HTTPServerRequest

    @cached_property  # as a RestHandler has it: pyright takes no cached property for a property
    def json_body_arguments(self) -> dict[str, Any]:
        """The body, decoded."""
        ...


def received(source: ArgumentSource, handler: HasArguments) -> Mapping[str, Any]:
    """Keys in order of arrival: with the list of their values as bytes, or with their JSON value."""
    if source is ArgumentSource.JSON_BODY_ARGUMENTS:
        return handler.json_body_arguments
    given = handler.request.arguments
    return given if all(map(str.isascii, given)) else _with_readable_keys(handler.request)


def _with_readable_keys(request: HTTPServerRequest) -> dict[str, list[bytes]]:
    """Tornado takes keys for Latin-1, save those of multipart forms, which it decodes as UTF-8."""
    is_multipart = request.headers.get("Content-Type", "").startswith("multipart/")
    merged: dict[str, list[bytes]] = {}
    for part, is_text in ((request.query_arguments, False), (request.body_arguments, is_multipart)):
        for key, values in part.items():
            name = key if is_text else key.encode("latin-1").decode(errors="backslashreplace")
            merged.setdefault(name, []).extend(values)
    return merged
