"""The login of a service: by the id and the secret of a client (RFC 6749, 4.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_tools.client.login import Login, LoginClient
from rest_tools.utils.auth import OpenIDAuth
from restwright.oauth2.client_auth import Method

__all__ = ["ClientCredentialsAuth"]


class ClientCredentialsAuth(LoginClient):
    """A client for services that run for long: it logs itself in, again and again.

    Its first request asks for a token. All requests that wait for a new one share it, and none holds up the event
    loop. Outside an event loop the constructor reads the provider's discovery document, else the first request does.

    Args:
        address: Root of the service.
        token_url: The OpenID provider, below which its discovery document is.
        client_id: The client's name there.
        client_secret: Its password there.
        client_auth: Where the secret goes: `basic`, or `body` for providers that want it there.
        scopes: What to ask for.
        **kwargs: See `RestClient`; `timeout` holds for each exchange with the provider, too.
    """

    _logger_name = "ClientCredentialsAuth"

    def __init__(
        self,
        address: str,
        token_url: str | OpenIDAuth,
        client_id: str,
        client_secret: str,
        *,
        client_auth: Method = "basic",
        scopes: Iterable[str] = ("offline_access",),
        **kwargs: Any,
    ) -> None:
        if not client_secret:
            raise ValueError("client_secret is empty: only a client that has one can log itself in")
        login = Login(
            token_url,
            client_id,
            client_secret,
            scopes=scopes,
            is_service=True,
            client_auth=client_auth,
            within=kwargs.get("timeout", 0.0),
        )
        super().__init__(address, login, **kwargs)
        self._take_tokens_of(self.make_access_token)
        login.discover_now(self.logger)

    def make_access_token(self) -> str:
        """Ask for a new access token, blocking.

        Raises:
            LoginError: The provider refused, or its answer cannot be used.
            requests.ConnectionError: It gave no answer in time.
        """
        tokens = self._login.run(self._login.granted())
        self._notice(tokens)
        return tokens.access_token

    _our_token_func = make_access_token
