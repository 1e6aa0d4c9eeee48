"""Credentials that are one fixed `Authorization` header field: Basic (RFC 7617), Bearer (RFC 6750, 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import requests
from requests.auth import AuthBase, HTTPBasicAuth

Auth: TypeAlias = Callable[[requests.PreparedRequest], requests.PreparedRequest]


class HeaderAuth(AuthBase):
    """Sends a fixed value in the `Authorization` header field; never shows it."""

    instant = True
    """Does not block, so an event loop may call it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = self._value
        return r

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HeaderAuth) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class BasicAuth(HeaderAuth):
    """User and password (RFC 7617); text is sent as UTF-8."""

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        basic = HTTPBasicAuth(_utf8(username), _utf8(password))
        signed = basic(_Blank())
        super().__init__(signed.headers["Authorization"])
        self.username = username


class BearerAuth(HeaderAuth):
    """A bearer token (RFC 6750, 2.1)."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Bearer {token}")


class _Blank(requests.PreparedRequest):
    def __init__(self) -> None:
        super().__init__()
        self.headers = requests.structures.CaseInsensitiveDict()


def _utf8(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def as_auth(auth: Any) -> Auth | None:
    """The auth policy meant by what people give: None, a (user, password) pair, or any `requests` policy.

    Raises:
        TypeError: It is none of these.
    """
    if auth is None or auth == "":
        return None
    if isinstance(auth, (tuple, list)) and len(auth) == 2:
        username, password = auth
        return BasicAuth(*(part if isinstance(part, (str, bytes)) else str(part) for part in (username, password)))
    if callable(auth):
        policy: Auth = auth
        return policy
    raise TypeError(f"auth must be None, a (user, password) pair or a requests auth policy, got {type(auth).__name__}")
