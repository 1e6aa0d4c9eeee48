"""Give tokens back, so that they count no more (RFC 7009)."""

from __future__ import annotations

from typing import Any

from restwright.oauth2.answers import refusal
from restwright.oauth2.token_endpoint import Registration, post
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Operation


def revoke(registration: Registration, tokens: TokenSet) -> Operation[None]:
    """Have the provider revoke the refresh token, with which most revoke all that came of it, and the access token.

    Raises:
        LoginError: The provider has no revocation endpoint, or refused.
        TransportError: It gave no answer in time.
    """
    if tokens.refresh_token:
        yield from _revoke(registration, tokens.refresh_token, "refresh_token")
    if tokens.access_token:
        yield from _revoke(registration, tokens.access_token, "access_token")


def _revoke(registration: Registration, token: str, hint: str) -> Operation[None]:
    from oauthlib.oauth2 import Client

    asking: Any = Client(registration.client.client_id)
    # oauthlib wants https for its URL, which is not used; that of the endpoint has been checked.
    form = asking.prepare_token_revocation_request("https://", token, hint, **registration.client.members)[2]
    request, response = yield from post(registration, "revocation_endpoint", form, repeatable=True)
    if response.status_code == 200:
        return
    error = refusal(response, request, "not revoked", (token, *registration.client.secrets))
    # 2.2.1: some revoke no access tokens, which end by themselves.
    if not (error.error == "unsupported_token_type" and hint == "access_token"):
        raise error
