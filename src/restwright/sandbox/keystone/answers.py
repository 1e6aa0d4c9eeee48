"""Answers, and errors that become answers. The texts are those of Django REST framework: clients know them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

__all__ = [
    "NOTHING",
    "Answer",
    "ApiError",
    "Cookie",
    "ServiceError",
    "Spaced",
    "Undo",
    "bad_request",
    "forbidden",
    "method_not_allowed",
    "no_such_route",
    "not_found",
    "page",
    "throttled",
    "unauthorized",
    "unsupported_media_type",
]

NOTHING: Final = object()
"""For an answer without a body, which is not the same as `null`."""


@dataclass(frozen=True)
class Spaced:
    """A JSON body with blanks after commas and colons, as Django itself writes it."""

    value: Any


@dataclass(frozen=True)
class Cookie:
    """A cookie to set.

    Attributes:
        max_age: Seconds; 0 has it removed.
    """

    name: str
    value: str
    max_age: int
    http_only: bool = False


@dataclass
class Answer:
    """What is sent: a JSON value, or bytes with their media type.

    Attributes:
        body: A JSON value, `Spaced`, bytes, or `NOTHING`.
    """

    status: int = 200
    body: Any = NOTHING
    headers: dict[str, str] = field(default_factory=dict[str, str])
    media_type: str = "application/json"
    cookies: list[Cookie] = field(default_factory=list[Cookie])

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        if self.body is NOTHING:
            return b""
        if isinstance(self.body, Spaced):
            return json.dumps(self.body.value).encode()
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)

    @property
    def value(self) -> Any:
        """The JSON value of the body, None without one."""
        body = self.body.value if isinstance(self.body, Spaced) else self.body
        if isinstance(body, bytes):
            return body.decode(errors="replace")
        return None if body is NOTHING else body


class Undo(Exception):
    """Whatever the request has changed is undone, and this is answered."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.body)
        self.answer = answer


class ApiError(Undo):
    """A refusal."""

    def __init__(
        self, status: int, body: Mapping[str, Any] | Sequence[Any], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(Answer(status, body, headers or {}))


class ServiceError(Undo):
    """The service is at fault, as the real one is: 500, in HTML."""

    def __init__(self) -> None:
        super().__init__(page(500, "Server Error (500)"))


def page(status: int, title: str) -> Answer:
    """An answer in HTML, as Django gives it where its REST framework is not asked."""
    html = f'<!doctype html>\n<html lang="en">\n<head>\n  <title>{title}</title>\n</head>\n'
    html += f"<body>\n  <h1>{title}</h1><p></p>\n</body>\n</html>\n"
    return Answer(status, html.encode(), media_type="text/html; charset=utf-8")


def no_such_route() -> Undo:
    """404 of a path that nobody answers at."""
    return Undo(page(404, "Not Found"))


def bad_request(errors: Mapping[str, Any]) -> ApiError:
    """400, with what is wrong by field."""
    return ApiError(400, errors)


def unauthorized(
    challenge: str, detail: str = "Authentication credentials were not provided.", **more: Any
) -> ApiError:
    """401, with how to do it."""
    return ApiError(401, {"detail": detail, **more}, {"WWW-Authenticate": challenge})


def forbidden(detail: str = "You do not have permission to perform this action.") -> ApiError:
    """403."""
    return ApiError(403, {"detail": detail})


def not_found(name: str = "") -> ApiError:
    """404, of a record; without a name, of what no record could be."""
    return ApiError(404, {"detail": f"No {name} matches the given query." if name else "Not found."})


def method_not_allowed(method: str) -> ApiError:
    """405."""
    return ApiError(405, {"detail": f'Method "{method}" not allowed.'})


def unsupported_media_type(media_type: str) -> ApiError:
    """415."""
    return ApiError(415, {"detail": f'Unsupported media type "{media_type}" in request.'})


def throttled(seconds: int) -> ApiError:
    """429."""
    unit = "second" if seconds == 1 else "seconds"
    detail = f"Request was throttled. Expected available in {seconds} {unit}."
    return ApiError(429, {"detail": detail}, {"Retry-After": str(seconds)})
