"""Refusals of the protocol."""

from __future__ import annotations

from collections.abc import Mapping

from tornado.web import HTTPError

__all__ = ["BASIC_CHALLENGE", "OAuthError", "PageError", "RedirectedError"]

BASIC_CHALLENGE = 'Basic realm="sandbox", charset="UTF-8"'


class OAuthError(HTTPError):
    """A refusal in JSON, for the program that asked (RFC 6749, 5.2).

    Args:
        error: The code.
        description: For the programmer; ASCII.
        status: Of the answer.
        headers: Of the answer.
    """

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.error = error
        self.description = description
        self.headers = dict(headers or {})
        if error == "invalid_client":  # RFC 6749, 5.2
            self.status_code = 401
            self.headers["WWW-Authenticate"] = BASIC_CHALLENGE


class RedirectedError(Exception):
    """A refusal that the browser carries back to the program (RFC 6749, 4.1.2.1).

    Args:
        error: The code.
        description: For the programmer; ASCII.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description


class PageError(HTTPError):
    """A refusal that is told to the person at the browser: where to send it is not known, or not safe.

    Args:
        status: Of the answer.
        text: What is wrong, in words.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.text = text
