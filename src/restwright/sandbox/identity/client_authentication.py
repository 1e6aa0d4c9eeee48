"""Who asks: the authentication of clients (RFC 6749, 2.3)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.errors import OAuthError
from restwright.sandbox.identity.parameters import Parameters
from restwright.sandbox.identity.provider import Provider

__all__ = ["authenticate"]


def authenticate(provider: Provider, authorization: str | None, form: Parameters) -> Client:
    """The client that asks: one with a secret shows it, in one way; one without gives its id.

    Raises:
        OAuthError: `invalid_client`, or `invalid_request` if it shows its secret in two ways.
    """
    if authorization is None:
        client_id, secret, method = form.get("client_id"), form.get("client_secret"), "client_secret_post"
        if client_id is None:
            raise OAuthError("invalid_client", "client_id is missing, in the form or by HTTP Basic")
    else:
        client_id, secret = _basic(authorization)
        method = "client_secret_basic"
        if "client_secret" in form:
            raise OAuthError("invalid_request", "the client authenticates in two ways: HTTP Basic and client_secret")
        if form.get("client_id") not in (None, client_id):
            raise OAuthError("invalid_request", "client_id is not that of HTTP Basic")
    client = provider.clients.get(client_id)
    if client is None:
        raise OAuthError("invalid_client", "there is no such client")
    _check_secret(client, secret, method)
    return client


def _check_secret(client: Client, secret: str | None, method: str) -> None:
    if client.secret is None and secret is None:
        return
    if client.secret is None:
        raise OAuthError("invalid_client", "this client is public, it has no secret to show")
    if secret is None:
        raise OAuthError("invalid_client", "this client has to show its secret")
    if client.auth_method not in ("any", method):
        raise OAuthError("invalid_client", f"this client has to use {client.auth_method}")
    if not client.has_secret(secret):
        raise OAuthError("invalid_client", "wrong client_secret")


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "clients authenticate by HTTP Basic or in the form")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError("invalid_client", "this is not HTTP Basic") from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise OAuthError("invalid_client", "this is not HTTP Basic")
    return unquote_plus(client_id), unquote_plus(secret)  # RFC 6749, 2.3.1: they are encoded as in a form
