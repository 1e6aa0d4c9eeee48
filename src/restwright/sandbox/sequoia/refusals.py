"""What is refused, and how: `{"statusCode": 404, "error": "Not Found", "message": "no such resource"}`."""

from __future__ import annotations

from typing import Any, Final

import orjson
from tornado.web import HTTPError

from rest_tools.server import RestHandler
from rest_tools.server.refusal import Refusal, standard_phrase

__all__ = [
    "MEDIA_TYPE",
    "RefusingHandler",
    "bad_request",
    "conflict",
    "no_such_resource",
    "unauthorized",
    "version_conflict",
]

MEDIA_TYPE: Final = "application/vnd.piksel+json"
"""Of all that the services say."""


class RefusingHandler(RestHandler):
    """Answers what went wrong."""

    def write_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer in the way of the services."""
        error: BaseException | None = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        phrase = standard_phrase(status_code)
        message, members = phrase, dict[str, Any]()
        if isinstance(error, HTTPError):
            message = error.reason or error.log_message or phrase
        if isinstance(error, Refusal):
            members = error.members
            for name, value in error.headers.items():
                self.set_header(name, value)
        if status_code == 405:
            message = f"{self.request.method} is not for this path"
            self.set_header("Allow", ", ".join(self._methods()))
        self.set_status(status_code)
        self.set_header("Content-Type", MEDIA_TYPE)
        self.finish(orjson.dumps({"statusCode": status_code, "error": phrase, "message": message, **members}))


def bad_request(message: str) -> Refusal:
    """400, with what is wrong."""
    return Refusal(400, message)


def unauthorized(message: str, challenge: str) -> Refusal:
    """401 (RFC 6750, 3)."""
    return Refusal(401, message, headers={"WWW-Authenticate": challenge})


def no_such_resource(refs: list[str]) -> Refusal:
    """404, with the references that lead nowhere."""
    return Refusal(404, "no such resource", members={"refs": refs})


def conflict(refs: list[str]) -> Refusal:
    """409, with the references that are taken."""
    return Refusal(409, f"there is a resource already: {', '.join(refs)}", members={"refs": refs})


def version_conflict() -> Refusal:
    """412; clients know it by this text."""
    return Refusal(412, "document cannot be changed - versions do not match")
