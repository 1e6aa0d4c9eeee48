"""Errors that are answered: what an HTTP error says beside its status, and how its body looks."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

__all__ = ["PROBLEM_JSON", "Refusal", "error_body", "problem_body", "standard_phrase"]

PROBLEM_JSON = "application/problem+json"


class Refusal(HTTPError):
    """An HTTP error with header fields and members of the body of its own.

    Tornado forgets the headers of an answer when it turns to an error; these are sent.

    Args:
        status_code: Of the answer.
        reason: Text for `error` in the body, and the reason phrase where HTTP allows it there.
        headers: Header fields to send, such as `Retry-After`.
        members: Members to add to the JSON body.
    """

    def __init__(
        self,
        status_code: int,
        reason: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status_code, reason=reason)
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def standard_phrase(status_code: int) -> str:
    """What RFC 9110 (and its extensions) call the status."""
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "Unknown"


def error_body(status_code: int, text: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of all errors: `{"code": 404, "error": "Not Found"}`."""
    return {"code": status_code, "error": text, **members}


def problem_body(status_code: int, text: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """The same as problem details (RFC 9457, 3), for clients that ask for them in `Accept`."""
    title = standard_phrase(status_code)
    detail = {} if text == title else {"detail": text}
    return {"type": "about:blank", "title": title, "status": status_code, **detail, **members}
