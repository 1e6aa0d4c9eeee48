"""The pair of tokens that services before 0.4 give: JSON Web Tokens (RFC 7519), read without verification."""

from __future__ import annotations

import base64
from typing import Any, cast

from restwright.json_codec import decode
from restwright.oauth2 import TokenSet
from restwright.oauth2.tokens import tokens_of


def claims_of(token: str | None) -> dict[str, Any]:
    """What a token claims; its signature is the server's to judge.

    Raises:
        ValueError: It is no JSON Web Token.
    """
    parts = (token or "").split(".")
    try:
        if len(parts) != 3:
            raise ValueError("it has not three parts")
        claims: Any = decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))  # RFC 7515, 3.1
    except ValueError as error:
        raise ValueError(f"this is no JSON Web Token: {error}") from None
    if not isinstance(claims, dict):
        raise ValueError("this is no JSON Web Token: its claims are no object")
    return cast("dict[str, Any]", claims)


def expiry_of(token: str | None) -> float:
    """When a token expires, in seconds since the epoch.

    Raises:
        ValueError: It does not say.
    """
    expiry = claims_of(token).get("exp")
    if isinstance(expiry, bool) or not isinstance(expiry, (int, float)):
        raise ValueError("the token does not say when it expires")
    return float(expiry)


def pair_of(answer: dict[str, Any], *, now: float, before: TokenSet | None = None) -> TokenSet:
    """The tokens of an answer; a renewal answers the access token alone, and the refresh token stays.

    Raises:
        LoginError: There is no access token in it.
    """
    refresh = answer.get("refresh") or (before.refresh_token if before is not None else None)
    members = {"access_token": answer.get("access"), "refresh_token": refresh}
    return tokens_of(members, asked_at=now, now=now)


def still_counts(tokens: TokenSet | None, now: float) -> bool:
    """Is one of the two unexpired?"""
    if tokens is None:
        return False
    if tokens.is_valid(now):
        return True
    try:
        return expiry_of(tokens.refresh_token) > now
    except ValueError:
        return False
