"""Clients that keep themselves logged in with a refresh token, and such clients' registration at a provider."""

from __future__ import annotations

from typing import Any, cast

from rest_tools.client.client import RestClient
from rest_tools.client.login import Login, LoginClient, UpdateFunction, in_event_loop, scope_of
from rest_tools.utils.auth import OpenIDAuth
from restwright.errors import UnusableAnswer
from restwright.oauth2 import MemoryStore, TokenSet

__all__ = ["OpenIDRestClient", "RegisterOpenIDClient"]


class OpenIDRestClient(LoginClient):
    """A client for what a person has allowed it to do, for as long as the refresh token counts.

    Outside an event loop the constructor asks for the first access token, and fails if it gets none. Within one, where
    nothing must block, the first request does.

    Args:
        address: Root of the service.
        token_url: The OpenID provider, below which its discovery document is.
        refresh_token: Of the person's login.
        client_id: The client's name at the provider.
        client_secret: Its password there; None for a public client.
        update_func: Called with the access token and the refresh token when the provider has sent a new refresh token:
            the old one may count no more. May be a coroutine function.
        login: In the place of the last five, a login that is there.
        **kwargs: See `RestClient`; `timeout` holds for each exchange with the provider, too. `algorithms`, or
            `algorithm`, says how the provider signs tokens, for `auth`.

    Attributes:
        refresh_token: The one that counts now.

    Raises:
        LoginExpired: The refresh token counts no more: log in again.
        LoginError: The provider refused for another reason, or its answer cannot be used.
        requests.ConnectionError: It gave no answer in time.
    """

    _logger_name = "OpenIDRestClient"

    def __init__(
        self,
        address: str,
        token_url: str | OpenIDAuth,
        refresh_token: str | bytes,
        client_id: str,
        client_secret: str | None = None,
        update_func: UpdateFunction | None = None,
        *,
        login: Login | None = None,
        **kwargs: Any,
    ) -> None:
        algorithm, algorithms = kwargs.pop("algorithm", None), kwargs.pop("algorithms", None)
        self.refresh_token = refresh_token.decode() if isinstance(refresh_token, bytes) else refresh_token
        if login is None:
            if not self.refresh_token:
                raise ValueError("refresh_token is empty")
            login = Login(
                token_url,
                client_id,
                client_secret,
                update_func=update_func,
                store=MemoryStore(TokenSet.to_refresh(self.refresh_token)),
                within=kwargs.get("timeout", 0.0),
                algorithms=algorithms or ([algorithm] if algorithm else None),
            )
        self.update_func = update_func
        super().__init__(address, login, **kwargs)
        self._take_tokens_of(self._openid_token)
        if not in_event_loop():
            self._get_token()

    def _notice(self, tokens: TokenSet) -> None:
        super()._notice(tokens)
        self.refresh_token = tokens.refresh_token or self.refresh_token

    def _openid_token(self) -> str:
        """A new access token, blocking."""
        return self._login.run(self._login.refresh()).access_token

    _our_token_func = _openid_token

    def _get_scopes(self) -> str:
        """The scopes of the refresh token, separated by blanks; empty if it does not tell."""
        return scope_of(self.refresh_token)


class RegisterOpenIDClient:
    """A client at a provider for the time of an `async with` block, which is given its id and secret.

    Dynamic registration (RFC 7591), and its end (RFC 7592).

    Args:
        address: Where the provider registers clients.
        client_name: What people are shown.
        scopes: What it may ask for.
    """

    def __init__(self, address: str, client_name: str, scopes: list[str] | None = None) -> None:
        self.address = address
        self.client_name = client_name
        self.scopes = list(scopes or [])
        self._path = ""
        self._token = ""

    async def register_client(self) -> tuple[str, str]:
        """Register the client: its id and its secret.

        Raises:
            requests.HTTPError: The provider refused.
            UnusableAnswer: Its answer lacks something, or names a place that is not below the address.
        """
        async with RestClient(self.address, retries=0) as client:
            answer = await client.request(
                "POST",
                "/client",
                {
                    "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
                    "client_name": self.client_name,
                    "scope": " ".join(self.scopes),
                },
            )
        members = ("client_id", "client_secret", "registration_client_uri", "registration_access_token")
        said = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        missing = [name for name in members if not isinstance(said.get(name), str)]
        if missing:
            raise UnusableAnswer(f"the registration has no {', '.join(missing)}")
        client_id, client_secret, uri, token = (said[name] for name in members)
        root = self.address.rstrip("/") + "/"
        if not uri.startswith(root):  # the token that goes there is not for others
            raise UnusableAnswer(f"registration_client_uri is not below {root}")
        self._path, self._token = uri.removeprefix(root), token
        return client_id, client_secret

    async def delete_client(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002  # those of __aexit__
        """Remove the client.

        Raises:
            requests.HTTPError: The provider refused.
        """
        async with RestClient(self.address, token=self._token, retries=0) as client:
            await client.request("DELETE", self._path)

    __aenter__ = register_client
    __aexit__ = delete_client
