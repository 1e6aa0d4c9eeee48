"""Credentials that are one fixed `Authorization` header field: Basic (RFC 7617), Bearer (RFC 6750, 2.1)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import requests
from requests.auth import AuthBase

Auth: TypeAlias = Callable[[requests.PreparedRequest], requests.PreparedRequest]
# RFC 9110, 5.5: no controls but the tab; and beyond Latin-1 there are no bytes for it.
_UNSENDABLE: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


class HeaderAuth(AuthBase):
    """Sends a fixed value in the `Authorization` header field; never shows it."""

    instant = True
    """Does not block, so an event loop may call it."""

    def __init__(self, value: str) -> None:
        if _UNSENDABLE.search(value):  # http.client would show it in its error
            raise requests.exceptions.InvalidHeader(
                "the credentials hold a line break or another character that no header field can have"
            )
        self._value = value

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its field set."""
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
        super().__init__(f"Basic {b64encode(_utf8(username) + b':' + _utf8(password)).decode()}")
        self.username = username


class BearerAuth(HeaderAuth):
    """A bearer token (RFC 6750, 2.1)."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Bearer {token}")


def _utf8(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def as_auth(auth: Any) -> Auth | None:
    """The auth policy meant by what people give: None, a (user, password) pair, or any `requests` policy.

    Raises:
        TypeError: It is none of these.
    """
    match auth:
        case None | "":
            return None
        case (username, password):
            return BasicAuth(*(part if isinstance(part, (str, bytes)) else str(part) for part in (username, password)))
        case _ if callable(auth):
            return cast("Auth", auth)
        case _:
            kind = type(auth).__name__
            raise TypeError(f"auth must be None, a (user, password) pair or a requests auth policy, got {kind}")
