"""Which tokens count: the rules by which their claims are checked (RFC 7519, 4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final, TypedDict

import jwt
from jwt.exceptions import DecodeError

ALWAYS_REQUIRED: Final = ("exp", "iat", "iss")


class Rules(TypedDict, total=False):
    """What one call may ask for; what it leaves out, or gives as None, is as configured."""

    audience: str | Iterable[str] | None
    """The token must be for one of these."""
    check_audience: bool
    """False: whomever the token is for."""
    issuers: Sequence[str] | None
    """The token must be from one of these, whatever is configured."""
    leeway: float | None
    """Seconds by which the clocks may differ."""
    required: Iterable[str]
    """Claims that it must have, besides exp, iat and iss."""


class Validator:
    """The settings that both kinds of `auth` have."""

    _known_rules: ClassVar[frozenset[str]] = frozenset(Rules.__annotations__)

    def __init__(
        self,
        *,
        audience: str | Iterable[str] | None,
        issuers: Sequence[str] | None,
        algorithms: Sequence[str],
        leeway: float,
    ) -> None:
        self.audience = audience
        self.issuers = issuers
        self.algorithms = list(algorithms)
        self.leeway = leeway

    def _check(
        self, token: str, key: Any, algorithms: Sequence[str], issuers: Sequence[str], rules: Rules
    ) -> dict[str, Any]:
        """The claims of a token that is signed with `key` and keeps to the rules; no issuers means any."""
        if unknown := rules.keys() - self._known_rules:
            raise TypeError(f"validate() has no argument {min(unknown)!r}")
        audience = rules.get("audience")
        if audience is None:
            audience = self.audience
        if not rules.get("check_audience", True):
            audience = None
        leeway = rules.get("leeway")
        return jwt.decode(
            token,
            key,
            algorithms=algorithms,
            options={
                "require": [*ALWAYS_REQUIRED, *rules.get("required", ())],
                "verify_aud": audience is not None,
            },
            audience=audience,
            issuer=issuers or None,
            leeway=self.leeway if leeway is None else leeway,
        )


def as_list(issuers: str | Sequence[str] | None) -> list[str]:
    """Issuers as given, also a single one."""
    return [issuers] if isinstance(issuers, str) else list(issuers or ())


def as_text(token: object) -> str:
    """The token as text.

    Raises:
        DecodeError: It cannot be a token.
    """
    try:
        text = token.decode("ascii") if isinstance(token, bytes) else token
        if isinstance(text, str) and text.isascii():
            return text
    except UnicodeDecodeError:
        pass
    raise DecodeError("Invalid token: neither ASCII text nor bytes")
