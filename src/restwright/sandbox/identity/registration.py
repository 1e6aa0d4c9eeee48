"""Clients that register themselves (RFC 7591), and look after their registration (RFC 7592)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final, cast

from restwright.sandbox.identity.clients import DEVICE_CODE, GRANT_TYPES, Client
from restwright.sandbox.identity.errors import OAuthError
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.store import new_secret

__all__ = ["change", "find_registered", "register", "registration", "remove"]

_METHODS: Final = ("client_secret_basic", "client_secret_post", "none")


def register(provider: Provider, document: Mapping[str, Any]) -> Client:
    """A new client as it describes itself.

    Raises:
        OAuthError: `invalid_client_metadata` or `invalid_redirect_uri`.
    """
    client = _client(f"registered-{secrets.token_hex(8)}", new_secret(), new_secret(), document)
    provider.clients[client.id] = client
    return client


def find_registered(provider: Provider, client_id: str, token: str | None) -> Client:
    """The client that shows its registration token.

    Raises:
        OAuthError: `invalid_token`, 401, it shows no good one (RFC 7592, 2.1).
    """
    client = provider.clients.get(client_id)
    if client is None or client.registration_token is None or token is None:
        raise _unknown()
    if not hmac.compare_digest(client.registration_token.encode(), token.encode()):
        raise _unknown()
    return client


def change(provider: Provider, client: Client, document: Mapping[str, Any]) -> Client:
    """The client as it describes itself now; what it leaves out is as in a new one.

    Raises:
        OAuthError: As in `register`.
    """
    if document.get("client_id") != client.id:  # RFC 7592, 2.2
        raise OAuthError("invalid_client_metadata", "client_id must be that of the registration")
    changed = _client(client.id, client.secret or new_secret(), client.registration_token or "", document)
    provider.clients[client.id] = changed
    return changed


def remove(provider: Provider, client: Client) -> None:
    """Forget the client; its tokens are worth nothing from now on."""
    del provider.clients[client.id]


def registration(provider: Provider, client: Client) -> dict[str, Any]:
    """What a registered client is told about itself (RFC 7591, 3.2.1; RFC 7592, 3)."""
    secret = {} if client.secret is None else {"client_secret": client.secret, "client_secret_expires_at": 0}
    return {
        "client_id": client.id,
        **secret,
        "registration_client_uri": f"{provider.issuer}/client/{client.id}",
        "registration_access_token": client.registration_token,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.logout_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "token_endpoint_auth_method": "none" if client.secret is None else client.auth_method,
        "scope": " ".join(client.scopes),
    }


def _client(client_id: str, secret: str, token: str, document: Mapping[str, Any]) -> Client:
    method = document.get("token_endpoint_auth_method", "client_secret_basic")
    if method not in _METHODS:
        raise OAuthError("invalid_client_metadata", f"token_endpoint_auth_method must be one of {', '.join(_METHODS)}")
    uris = _texts(document, "redirect_uris", ()), _texts(document, "post_logout_redirect_uris", ())
    grant_types = _texts(document, "grant_types", ("authorization_code",))
    if {"authorization_code", DEVICE_CODE} & {*grant_types}:
        grant_types = tuple(dict.fromkeys((*grant_types, "refresh_token")))  # few ask for it, and all expect it
    if not {*grant_types} <= {*GRANT_TYPES}:
        raise OAuthError("invalid_client_metadata", f"grant_types may have {', '.join(GRANT_TYPES)}")
    if method == "none" and "client_credentials" in grant_types:
        raise OAuthError("invalid_client_metadata", "client_credentials is only for clients with a secret")
    try:
        return Client(
            client_id,
            None if method == "none" else secret,
            _text(document, "client_name"),
            *uris,
            grant_types=grant_types,
            scopes=tuple(_text(document, "scope").split()),
            auth_method="any" if method == "none" else method,
            registration_token=token,
        )
    except ValueError as error:
        code = "invalid_redirect_uri" if "redirect" in str(error) else "invalid_client_metadata"
        raise OAuthError(code, "redirect URIs must be absolute, without a fragment, and scopes ASCII") from None


def _text(document: Mapping[str, Any], name: str) -> str:
    value: object = document.get(name, "")
    if not isinstance(value, str):
        raise OAuthError("invalid_client_metadata", f"{name} must be a text")
    return value


def _texts(document: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value: object = document.get(name, default)
    items = cast("list[object]", value) if isinstance(value, list | tuple) else [None]
    if not all(isinstance(item, str) for item in items):
        raise OAuthError("invalid_client_metadata", f"{name} must be a list of texts")
    return tuple(cast("list[str]", items))


def _unknown() -> OAuthError:
    headers = {"WWW-Authenticate": 'Bearer realm="sandbox", error="invalid_token"'}
    return OAuthError("invalid_token", "this is not the registration token of a client", status=401, headers=headers)
