"""Device codes, and the user codes that people type (RFC 8628)."""

from __future__ import annotations

import secrets
from typing import Any, Final

from restwright.sandbox.identity.clients import DEVICE_CODE, Client
from restwright.sandbox.identity.errors import OAuthError, PageError
from restwright.sandbox.identity.grants import asked_scopes, check_challenge
from restwright.sandbox.identity.parameters import Parameters
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.store import DeviceCode, Grant, Session, new_secret

__all__ = ["answer_device", "begin_device", "find_user_code", "shown"]

_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628, 6.1: no vowels, so no words; no digits, so no mistakes
_LENGTH: Final = 8
_EVERYONE: Final = ""  # on one machine no address tells people apart, so they share their attempts


def begin_device(provider: Provider, client: Client, form: Parameters) -> dict[str, Any]:
    """What the device authorization endpoint answers (RFC 8628, 3.2).

    Raises:
        OAuthError: The client gets no code.
    """
    if DEVICE_CODE not in client.grant_types:
        raise OAuthError("unauthorized_client", "this client may not use device codes")
    challenge, scopes = check_challenge(form, required=False), asked_scopes(client, form)
    settings = provider.settings
    device_code, user_code = new_secret(), "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    expires = provider.now() + settings.lifetime_device
    code = DeviceCode(user_code, client, scopes, challenge, expires, settings.device_interval)
    provider.store.device_codes.put(device_code, code)
    provider.store.user_codes.put(user_code, code)
    page = f"{provider.issuer}/device"
    return {
        "device_code": device_code,
        "user_code": shown(user_code),
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={shown(user_code)}",
        "expires_in": _number(settings.lifetime_device),
        "interval": _number(settings.device_interval),
    }


def shown(user_code: str) -> str:
    """A user code as people read it."""
    return f"{user_code[: _LENGTH // 2]}-{user_code[_LENGTH // 2 :]}"


def find_user_code(provider: Provider, typed: str) -> DeviceCode:
    """What somebody typed, in any case, with or without dashes and blanks.

    Raises:
        PageError: There is no such code, or it is over, or too many were wrong of late.
    """
    now = provider.now()
    if provider.code_attempts.are_used_up(_EVERYONE, now):
        raise PageError(429, "Too many wrong codes. Wait a minute, then try again.")
    text = "".join(character for character in typed.upper() if character.isalnum())
    code = provider.store.user_codes.get(text)
    if code is None:
        provider.code_attempts.failed(_EVERYONE, now)
        raise PageError(400, "There is no such code. Look at your device and type it again.")
    if code.expires <= now:
        raise PageError(400, "This code has expired. Begin again at your device.")
    if code.answer != "pending":
        raise PageError(400, "This code was used already. Begin again at your device.")
    return code


def answer_device(provider: Provider, code: DeviceCode, session: Session, *, allowed: bool) -> None:
    """What the person says."""
    provider.store.user_codes.drop(code.user_code)
    code.answer = "allowed" if allowed else "denied"
    if allowed:
        code.grant = Grant(code.client, session.user, code.scopes, session.auth_time)


def _number(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds
