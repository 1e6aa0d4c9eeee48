"""Parameters of requests, as the OAuth endpoints read them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from restwright.sandbox.identity.errors import OAuthError

__all__ = ["Parameters", "scopes_of"]


class Parameters:
    """Each parameter once; one without a value is as good as none (RFC 6749, 3.1 and 3.2).

    Args:
        arguments: As Tornado parsed them.

    Raises:
        OAuthError: `invalid_request`, one comes twice, or is not UTF-8.
    """

    def __init__(self, arguments: Mapping[str, list[bytes]]) -> None:
        self._values: dict[str, str] = {}
        for name, values in arguments.items():
            if len(values) > 1:
                raise OAuthError("invalid_request", f"{_ascii(name)} is given more than once")
            try:
                text = values[0].decode()
            except UnicodeDecodeError:
                raise OAuthError("invalid_request", f"{_ascii(name)} is not UTF-8") from None
            if text:
                self._values[name] = text

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def items(self) -> list[tuple[str, str]]:
        """All of them."""
        return list(self._values.items())

    def get(self, name: str) -> str | None:
        """The value, or None."""
        return self._values.get(name)

    def need(self, name: str) -> str:
        """The value.

        Raises:
            OAuthError: `invalid_request`, there is none.
        """
        if name not in self._values:
            raise OAuthError("invalid_request", f"{name} is missing")
        return self._values[name]


def scopes_of(text: str | None) -> frozenset[str]:
    """The scopes of a list in blanks (RFC 6749, 3.3)."""
    return frozenset((text or "").split())


def _ascii(name: str) -> str:
    return re.sub(r"[^ !#-\[\]-~]", "?", name[:50])  # RFC 6749, 5.2: what a description may have
