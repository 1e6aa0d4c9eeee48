"""A new access token for a refresh token (RFC 6749, 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from restwright.errors import LoginRequired
from restwright.oauth2.token_endpoint import Registration, request_tokens
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Operation


def refresh(registration: Registration, tokens: TokenSet) -> Operation[TokenSet]:
    """The tokens that follow `tokens`: what the answer leaves out stays as it was.

    A provider that rotates refresh tokens sends a new one, and the old one counts no more.  So this is sent again
    only if the connection did not open, and two at a time must never run: see `TokenKeeper`.

    Raises:
        LoginRequired: There is no refresh token.
        LoginExpired: The refresh token counts no more (`invalid_grant`).
        LoginError: The provider refused for another reason, or its answer cannot be used.
        TransportError: It gave no answer in time.
    """
    if tokens.refresh_token is None:
        raise LoginRequired("the access token has expired, and there is no refresh token: log in again")
    from oauthlib.oauth2 import Client

    asking: Any = Client(registration.client.client_id)
    # No scope: what was granted stays granted (6).
    form = asking.prepare_refresh_body(
        refresh_token=tokens.refresh_token, client_id=asking.client_id, **registration.form
    )
    new = yield from request_tokens(registration, form, secrets=(tokens.refresh_token, tokens.access_token))
    return replace(
        new,
        refresh_token=new.refresh_token or tokens.refresh_token,
        scope=new.scope or tokens.scope,
        id_token=new.id_token or tokens.id_token,
    )
