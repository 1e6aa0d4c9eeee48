"""The pair of tokens that services before 0.4 give: JSON Web Tokens (RFC 7519), read without verification."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from typing import Any

from keystone_client.answers import mapping_of
from restwright.json_codec import decode
from restwright.oauth2 import TokenSet
from restwright.oauth2.tokens import tokens_of


def claims_of(token: str | None) -> Mapping[str, Any]:
    """What a token claims; its signature is the server's to judge.

    Raises:
        ValueError: It is no JSON Web Token.
    """
    _, _, rest = (token or "").partition(".")
    payload = rest.partition(".")[0]
    claims: Mapping[str, Any] = {}
    with contextlib.suppress(ValueError):
        claims = mapping_of(decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))  # RFC 7515, 3.1
    if not claims:
        raise ValueError("this is no JSON Web Token, or one that claims nothing")
    return claims


def expiry_of(token: str | None) -> float:
    """When a token expires, in seconds since the epoch.

    Raises:
        ValueError: It does not say.
    """
    expiry: Any = claims_of(token).get("exp")
    try:
        return float(expiry)
    except TypeError:
        raise ValueError("the token does not say when it expires") from None


def pair_of(answer: dict[str, Any], *, now: float, before: TokenSet | None = None) -> TokenSet:
    """The tokens of an answer; a renewal answers the access token alone, and the refresh token stays.

    Raises:
        LoginError: There is no access token in it.
    """
    refresh = answer.get("refresh") or (before.refresh_token if before is not None else None)
    members = {"access_token": answer.get("access"), "refresh_token": refresh}
    return tokens_of(members, asked_at=now, now=now)


def user_of(tokens: TokenSet | None) -> str:
    """The id of the user to whom they were given; empty if they do not say."""
    with contextlib.suppress(ValueError):
        user = claims_of(tokens.access_token if tokens is not None else None).get("user_id")
        return "" if user is None else str(user)
    return ""


def has_expired(token: str | None, now: float) -> bool:
    """Does a token say that it is past its end?  One that says nothing may count."""
    with contextlib.suppress(ValueError):
        return expiry_of(token) <= now
    return False


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
