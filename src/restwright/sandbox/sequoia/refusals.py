"""What is refused, and how: `{"statusCode": 404, "error": "Not Found", "message": "no such resource"}`."""

from __future__ import annotations

from typing import Any

from rest_tools.server.refusal import Refusal, standard_phrase

__all__ = ["bad_request", "conflict", "error_document", "no_such_resource", "unauthorized", "version_conflict"]


def error_document(status: int, message: str, members: dict[str, Any]) -> dict[str, Any]:
    """The body of an error."""
    return {"statusCode": status, "error": standard_phrase(status), "message": message, **members}


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
