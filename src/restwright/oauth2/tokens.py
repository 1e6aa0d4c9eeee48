"""What a provider grants: an access token, when it expires, and what renews it (RFC 6749, 5.1)."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, NoReturn, Self, cast

from restwright.errors import LoginError
from restwright.json_codec import decode, encode

LONGEST: Final = 10 * 365 * 86400.0
"""Seconds for which a token counts at most, whatever is said of it."""
# RFC 6749, A.12 and A.17: what tokens are made of, but the space, which no header field value can hold (RFC 6750, 2.1).
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_TEXTS: Final = ("access_token", "token_type", "refresh_token", "scope", "id_token")


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What one answer of a provider's token endpoint grants.  Its secrets show in no repr, and in no pickle.

    Attributes:
        access_token: What requests are signed with; empty if there is only a refresh token yet.
        token_type: How; always `Bearer` here.
        expires_at: When it expires, in seconds since the epoch by this machine's clock; None if nobody knows.
        issued_at: When it was asked for, by the same clock; None if that is not known.
        refresh_token: What the next one is to be had with (RFC 6749, 1.5); None if the provider gave none.
        scope: What it is for, separated by blanks (RFC 6749, 3.3); empty if nobody said.
        id_token: Who logged in, as the provider signed it (OpenID Connect Core, 2); None if it did not.  Not verified.
    """

    access_token: str = field(repr=False)
    token_type: str = "Bearer"  # noqa: S105  # no password
    expires_at: float | None = None
    issued_at: float | None = None
    refresh_token: str | None = field(default=None, repr=False)
    scope: str = ""
    id_token: str | None = field(default=None, repr=False)

    @classmethod
    def to_refresh(cls, refresh_token: str) -> Self:
        """A refresh token alone: the access token is yet to be had with it."""
        return cls("", expires_at=0.0, refresh_token=refresh_token)

    def is_valid(self, now: float, *, leeway: float = 0.0) -> bool:
        """Does it count for `leeway` more seconds, as far as one can tell?

        Of a token with a short life the leeway is at most a tenth, so that it is of any use.
        """
        if not self.access_token:
            return False
        if self.expires_at is None:
            return True
        if self.issued_at is not None:
            leeway = min(leeway, (self.expires_at - self.issued_at) / 10)
        return now < self.expires_at - leeway

    def to_json(self) -> bytes:
        """All of it, secrets included, for a store."""
        return encode({each.name: getattr(self, each.name) for each in fields(self)})

    @classmethod
    def from_json(cls, content: bytes | str) -> Self:
        """What `to_json` gave.

        Raises:
            ValueError: It is something else.
        """
        value = decode(content if isinstance(content, bytes) else content.encode())
        members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        known = {each.name: members[each.name] for each in fields(cls) if members.get(each.name) is not None}
        wrong = [name for name in _TEXTS if not isinstance(known.get(name, ""), str)]
        wrong += [name for name in ("expires_at", "issued_at") if type(known.get(name, 0.0)) not in (int, float)]
        if wrong or "access_token" not in known:
            raise ValueError(f"no usable {wrong[0] if wrong else 'access_token'}")
        return cls(**known)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a TokenSet holds secrets and is not pickled: to_json() says that you mean it")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def tokens_of(answer: Mapping[str, Any], *, asked_at: float, now: float) -> TokenSet:
    """The tokens of a provider's answer (RFC 6749, 5.1).

    Args:
        answer: Its JSON object.
        asked_at: When it was asked for, in seconds since the epoch: `expires_in` is counted from here, which errs on
            the safe side.
        now: When it came.

    Raises:
        LoginError: There is no access token in it, or one that we do not know how to use.
    """
    access_token = _text(answer, "access_token")
    if not access_token:
        raise LoginError("the answer has no access_token")
    if not _TOKEN.fullmatch(access_token):
        raise LoginError("the access_token has characters that no header field can hold")
    # REQUIRED by the RFC, but left out by many.  One that is not understood must not be used (7.1).
    token_type = _text(answer, "token_type") or "Bearer"
    if token_type.lower() != "bearer":
        raise LoginError(f"unknown token_type {token_type[:40]!r}: only Bearer tokens (RFC 6750) can be used")
    lifetime = _lifetime(answer.get("expires_in"))
    return TokenSet(
        access_token=access_token,
        expires_at=_expiry_of_jwt(access_token, now) if lifetime is None else asked_at + lifetime,
        issued_at=asked_at,
        refresh_token=_text(answer, "refresh_token") or None,
        scope=_text(answer, "scope"),
        id_token=_text(answer, "id_token") or None,
    )


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LoginError(f"{name} of the answer is a {type(value).__name__}, not a text")
    return value


def _lifetime(value: Any) -> float | None:
    """Seconds; some providers send them as text, against RFC 6749, A.14."""
    if value is None:
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0.0 <= seconds < math.inf:
        raise LoginError(f"expires_in of the answer is {str(value)[:40]!r}: expected seconds, 0 or more")
    return min(seconds, LONGEST)


def _expiry_of_jwt(token: str, now: float) -> float | None:
    """`exp` of an access token that is a JWT (RFC 7519, 4.1.4), read without verification: it is the server's to judge.

    None also if that is past: no provider issues expired tokens, so the clocks differ.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims: Any = decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))  # RFC 7515, 3.1
        expiry = float(claims["exp"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return min(expiry, now + LONGEST) if now < expiry < math.inf else None
