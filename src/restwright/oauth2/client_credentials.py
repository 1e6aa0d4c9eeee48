"""A token for the client itself, on behalf of no person (RFC 6749, 4.4)."""

from __future__ import annotations

from typing import Any

from restwright.oauth2.token_endpoint import Registration, request_tokens
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Operation


def client_credentials(registration: Registration, *, attempts: int = 3) -> Operation[TokenSet]:
    """A token for the client, by its id and secret.

    Args:
        registration: Who asks whom.
        attempts: How often to ask at most, if the provider fails.

    Raises:
        ValueError: The client has no secret: only a confidential client may do this (4.4).
        LoginError: The provider refused, or its answer cannot be used.
        TransportError: It gave no answer in time.
    """
    client = registration.client
    if client.is_public:
        raise ValueError("client_credentials needs a client_secret: a public client must not do this (RFC 6749, 4.4)")
    from oauthlib.oauth2 import BackendApplicationClient

    asking: Any = BackendApplicationClient(client.client_id)
    form = asking.prepare_request_body(scope=registration.scope or None, **registration.form)
    return (yield from request_tokens(registration, form, repeatable=True, attempts=attempts))
