"""Tokens: made, answered, and looked at again."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.store import AccessToken, Grant, RefreshToken, new_secret

__all__ = ["live_access_token", "live_refresh_token", "token_answer", "token_claims"]


def token_answer(
    provider: Provider, grant: Grant, scopes: frozenset[str], *, refresh_token: str | None = None
) -> dict[str, Any]:
    """What the token endpoint answers (RFC 6749, 5.1; OpenID Connect Core, 3.1.3.3).

    Args:
        provider: Makes the tokens.
        grant: That they come of.
        scopes: Of the access token.
        refresh_token: That was used for this; the first tokens of a grant have a nonce, the later ones do not.
    """
    settings, now = provider.settings, provider.now()
    access_token = _access_token(provider, grant, scopes, now)
    answer: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": _number(settings.lifetime_access),
        **_scope(scopes),
    }
    if grant.user is not None and "refresh_token" in grant.client.grant_types:
        if refresh_token is None or provider.behaviour.lies.get("rotate_refresh_tokens", True):
            answer["refresh_token"] = _refresh_token(provider, grant, now)
        answer["refresh_expires_in"] = _number(settings.lifetime_refresh)  # not in the RFC, but Keycloak has it
    if "openid" in scopes:
        nonce = grant.nonce if refresh_token is None else None
        answer["id_token"] = _id_token(provider, grant, scopes, access_token, nonce, now)
    return answer


def token_claims(provider: Provider, token: AccessToken) -> dict[str, Any]:
    """The claims of an access token (RFC 9068, 2.2), whether it is a JWT or only stands for them."""
    grant = token.grant
    if grant.user is None:
        own = dict(grant.client.claims)
    else:
        own = {**grant.user.claims_for(token.scopes), "preferred_username": grant.user.name}
    return {
        **own,
        "iss": _issuer(provider),
        "sub": grant.subject,
        "aud": grant.client.audience or grant.client.id,
        "client_id": grant.client.id,
        **_scope(token.scopes),
        **_times(token.issued, token.expires),
        "jti": token.id,
        **({} if grant.user is None else {"auth_time": int(grant.auth_time)}),
    }


def live_access_token(provider: Provider, token: str) -> AccessToken | None:
    """What is known about an access token; None if it is not good, or no longer."""
    found = provider.store.access_tokens.get(token)
    return None if found is None or found.revoked or not _is_live(provider, found) else found


def live_refresh_token(provider: Provider, token: str) -> RefreshToken | None:
    """The same about a refresh token."""
    found = provider.store.refresh_tokens.get(token)
    return None if found is None or found.used or not _is_live(provider, found) else found


def _is_live(provider: Provider, token: AccessToken | RefreshToken) -> bool:
    grant = token.grant
    return not grant.revoked and grant.client.id in provider.clients and token.expires > provider.now()


def _access_token(provider: Provider, grant: Grant, scopes: frozenset[str], now: float) -> str:
    token = AccessToken(secrets.token_hex(16), grant, scopes, now, now + provider.settings.lifetime_access)
    if provider.settings.access_tokens == "jwt":  # a format
        text = _signed(provider, token_claims(provider, token), "at+jwt")
    else:
        text = new_secret()
    provider.store.access_tokens.put(text, token)
    return text


def _refresh_token(provider: Provider, grant: Grant, now: float) -> str:
    token = RefreshToken(grant, now, now + provider.settings.lifetime_refresh)
    if provider.settings.refresh_tokens == "jwt":  # a format
        claims = {
            "iss": _issuer(provider),
            "sub": grant.subject,
            "aud": _issuer(provider),
            "azp": grant.client.id,
            **_scope(grant.scopes),
            **_times(now, token.expires),
            "jti": secrets.token_hex(16),
        }
        text = _signed(provider, claims, "Refresh")
    else:
        text = new_secret()
    provider.store.refresh_tokens.put(text, token)
    return text


def _id_token(
    provider: Provider, grant: Grant, scopes: frozenset[str], access_token: str, nonce: str | None, now: float
) -> str:
    assert grant.user is not None
    half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]  # both algorithms hash with SHA-256
    claims = {
        **grant.user.claims_for(scopes),
        "iss": _issuer(provider),
        "sub": grant.subject,
        "aud": grant.client.id,
        "azp": grant.client.id,
        **_times(now, now + provider.settings.lifetime_id),
        "auth_time": int(grant.auth_time),
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        **({} if nonce is None else {"nonce": nonce}),
    }
    return _signed(provider, claims, "JWT")


def _signed(provider: Provider, claims: dict[str, Any], kind: str) -> str:
    return provider.keys.sign(claims, kind=kind, stray=provider.behaviour.lies.get("unknown_kid", False))


def _issuer(provider: Provider) -> str:
    return provider.behaviour.lies.get("token_issuer", provider.issuer)


def _scope(scopes: frozenset[str]) -> dict[str, str]:
    return {"scope": " ".join(sorted(scopes))} if scopes else {}


def _times(issued: float, expires: float) -> dict[str, float]:
    return {"iat": int(issued), "exp": _number(int(issued) + expires - issued)}


def _number(seconds: float) -> float:
    """An integer if it is one: many clients take nothing else."""
    seconds = round(seconds, 3)
    return int(seconds) if seconds == int(seconds) else seconds
