"""Bearer tokens in requests (RFC 6750), and the challenge to those who came without a good one."""

from __future__ import annotations

from typing import Any, Protocol

from tornado.httputil import HTTPServerRequest

__all__ = ["TokenValidator", "bearer_token", "challenge"]


class TokenValidator(Protocol):
    """What a handler needs of its `auth`: `Auth` and `OpenIDAuth` have it.

    One that waits for a network should also have `validate_async`, which is the same, awaited.
    """

    def validate(self, token: str, /) -> dict[str, Any]:
        """The claims of a good token; raises for any other."""
        ...


def bearer_token(request: HTTPServerRequest) -> str | None:
    """The token of `Authorization: Bearer <token>`; the scheme in any case (RFC 9110, 11.1)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def challenge(request: HTTPServerRequest) -> str:
    """`WWW-Authenticate` for a request without a good token; with no token there is no error code (RFC 6750, 3.1)."""
    error = "" if bearer_token(request) is None else ', error="invalid_token"'
    return f'Bearer realm="REST"{error}'
