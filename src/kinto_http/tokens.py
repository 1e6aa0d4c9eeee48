"""Tokens as `requests` authentication policies."""

from __future__ import annotations

from requests import PreparedRequest
from requests.auth import AuthBase


class TokenAuth(AuthBase):
    """Sends `Authorization: <type> <token>`.

    Args:
        token: The secret.
        type: The scheme the server expects, `Bearer` when not given.
    """

    instant = True
    """Signing does not block."""

    def __init__(self, token: str, type: str | None = None) -> None:
        self.token = token
        self.type = type or "Bearer"

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign the request."""
        r.headers["Authorization"] = f"{self.type} {self.token}"
        return r

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TokenAuth):
            return NotImplemented
        return (self.type, self.token) == (other.type, other.token)

    def __hash__(self) -> int:
        return hash(TokenAuth)  # equal ones agree, and it outlives a change of token

    def __repr__(self) -> str:
        return f"{type(self).__name__}('***', type={self.type!r})"


class BearerTokenAuth(TokenAuth):
    """The same under the name for OpenID access tokens."""
