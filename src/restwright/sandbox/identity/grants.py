"""The grants of the token endpoint: each takes a form and gives an answer."""

from __future__ import annotations

import hmac
import re
from typing import Any, Final

from rest_tools.utils.pkce import challenge_of
from restwright.sandbox.identity.clients import DEVICE_CODE, Client
from restwright.sandbox.identity.errors import OAuthError
from restwright.sandbox.identity.parameters import Parameters, scopes_of
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.store import Grant
from restwright.sandbox.identity.tokens import token_answer

__all__ = ["answer_grant", "asked_scopes", "check_challenge"]

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, 4.1
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # 4.2, of S256


def answer_grant(provider: Provider, client: Client, form: Parameters) -> dict[str, Any]:
    """What the token endpoint answers to this client.

    Raises:
        OAuthError: It gets no token.
    """
    grant_type = form.need("grant_type")
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"it has to be one of {', '.join(_GRANTS)}")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", f"this client may not use {grant_type}")
    return grant(provider, client, form)


def asked_scopes(client: Client, form: Parameters) -> frozenset[str]:
    """The scopes that a client asks for; its own ones if it does not say.

    Raises:
        OAuthError: `invalid_scope`, it may not have them.
    """
    scopes = scopes_of(form.get("scope")) or frozenset(client.scopes)
    if not client.may_have(scopes):
        raise OAuthError("invalid_scope", "this client may not ask for that scope")
    return scopes


def check_challenge(form: Parameters, *, required: bool) -> str | None:
    """The code challenge of a request, if it has one (RFC 7636, 4.3 and 4.4.1).

    Raises:
        OAuthError: `invalid_request`, it is missing, or not S256.
    """
    challenge = form.get("code_challenge")
    if challenge is None:
        if required:
            raise OAuthError("invalid_request", "code_challenge is missing, public clients need PKCE")
        if "code_challenge_method" in form:
            raise OAuthError("invalid_request", "code_challenge_method is without a code_challenge")
        return None
    if form.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge must be 43 characters of base64url")
    return challenge


def _check_verifier(challenge: str | None, form: Parameters) -> None:
    verifier = form.get("code_verifier")
    if challenge is None:
        if verifier is not None:  # RFC 9700, 2.1.1: or an attacker could leave the challenge out
            raise OAuthError("invalid_grant", "code_verifier is without a code_challenge")
        return
    if verifier is None:
        raise OAuthError("invalid_grant", "code_verifier is missing")
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(challenge_of(verifier), challenge):
        raise OAuthError("invalid_grant", "code_verifier does not match the code_challenge")


def _authorization_code(provider: Provider, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 6749, 4.1.3."""
    code = provider.store.codes.get(form.need("code"))
    if code is None or code.grant.client.id != client.id:
        raise OAuthError("invalid_grant", "there is no such code for this client")
    if code.used:
        code.grant.revoked = True  # 4.1.2: and all tokens that came of it
        raise OAuthError("invalid_grant", "this code was used before, its tokens are revoked")
    code.used = True  # also by an attempt that fails: there is no guessing
    if code.expires <= provider.now():
        raise OAuthError("invalid_grant", "this code has expired")
    if form.need("redirect_uri") != code.redirect_uri:
        raise OAuthError("invalid_grant", "redirect_uri is not that of the authorization request")
    _check_verifier(code.challenge, form)
    return token_answer(provider, code.grant, code.grant.scopes)


def _refresh_token(provider: Provider, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 6749, 6; with rotation and the detection of reuse (RFC 9700, 4.14.2)."""
    text = form.need("refresh_token")
    token = provider.store.refresh_tokens.get(text)
    if token is None or token.grant.client.id != client.id:
        raise OAuthError("invalid_grant", "there is no such refresh token for this client")
    grant = token.grant
    if grant.revoked:
        raise OAuthError("invalid_grant", "this refresh token is revoked")
    if token.used:
        grant.revoked = True
        raise OAuthError("invalid_grant", "this refresh token was used before, all of its family are revoked")
    if token.expires <= provider.now():
        raise OAuthError("invalid_grant", "this refresh token has expired")
    scopes = scopes_of(form.get("scope")) or grant.scopes
    if not scopes <= grant.scopes:
        raise OAuthError("invalid_scope", "this is more than was granted")
    token.used = provider.behaviour.lies.get("rotate_refresh_tokens", True)
    return token_answer(provider, grant, scopes, refresh_token=text)


def _client_credentials(provider: Provider, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 6749, 4.4; the standard scopes are about people, of whom there is none."""
    own = frozenset(client.scopes)
    scopes = asked_scopes(client, form) & own or own
    return token_answer(provider, Grant(client, None, scopes, provider.now()), scopes)


def _device_code(provider: Provider, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 8628, 3.4 and 3.5."""
    code = provider.store.device_codes.get(form.need("device_code"))
    if code is None or code.client.id != client.id:
        raise OAuthError("invalid_grant", "there is no such device code for this client")
    if code.answer == "used":
        if code.grant is not None:
            code.grant.revoked = True
        raise OAuthError("invalid_grant", "this device code was used before, its tokens are revoked")
    now = provider.now()
    if code.expires <= now:
        raise OAuthError("expired_token", "this device code has expired, begin again")
    is_too_fast, code.polled = now - code.polled < code.interval, now
    if provider.behaviour.takes_slow_down():
        raise OAuthError("slow_down", "this was demanded")
    if is_too_fast:
        code.interval += 5.0  # RFC 8628, 3.5
        raise OAuthError("slow_down", f"wait {code.interval:g} seconds between two polls")
    if code.answer == "denied":
        raise OAuthError("access_denied", "the user said no")
    if code.grant is None:
        raise OAuthError("authorization_pending", "the user has not answered yet")
    _check_verifier(code.challenge, form)
    code.answer = "used"
    return token_answer(provider, code.grant, code.grant.scopes)


_GRANTS: Final = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "client_credentials": _client_credentials,
    DEVICE_CODE: _device_code,
}
