"""A login at an OAuth2 or OpenID provider: what most programs need of this package."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final, Literal, TypeVar

import requests

from restwright.closing import AsyncClosing, Closing
from restwright.drivers import run, run_async
from restwright.message import EMPTY, without_credentials
from restwright.oauth2.authorization_code import authorization_code
from restwright.oauth2.client_auth import ClientAuth, Method
from restwright.oauth2.client_credentials import client_credentials
from restwright.oauth2.device import DeviceAuthorization, device_login
from restwright.oauth2.keeper import TokenKeeper
from restwright.oauth2.metadata import ProviderMetadata, check_url, discover
from restwright.oauth2.policy import bearer_token
from restwright.oauth2.refresh import refresh
from restwright.oauth2.revocation import revoke
from restwright.oauth2.store import TokenStore
from restwright.oauth2.terminal import open_browser, show_code
from restwright.oauth2.token_endpoint import Registration
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Operation, Work
from restwright.policies import Layer
from restwright.transport import Transport

T = TypeVar("T")

_NOWHERE: Final = "https://provider.invalid"
"""The origin that the session's own credentials and cookies are for (RFC 2606, 2): so no provider gets any of them."""


class OAuth2(Closing, AsyncClosing):
    """One login at a provider: how to get tokens, where they are kept, and the policy that signs with them.

    Its methods are plans: run them with `run`, or awaited with `run_async`.

    >>> from restwright.client import SyncClient, default_policy
    >>> login = OAuth2("https://idp.example.org", "my-service", "secret", grant="client_credentials")
    >>> client = SyncClient("https://api.example.org", policy=default_policy(login.policy()))

    Args:
        provider: The provider's URL (its issuer), whose metadata is looked up when it is first needed; or the metadata.
        client_id: The client's name there.
        client_secret: Its password there; None for a public client, as programs on people's machines are.
        scopes: What to ask for (RFC 6749, 3.3); `offline_access` for a refresh token at OpenID providers.
        grant: `client_credentials`: the login is the client's own, and gets tokens whenever it has none
            (RFC 6749, 4.4).  None: a person logs in, by `device_login` or `browser_login`.
        store: Where tokens are kept; in memory if None.
        client_auth: Where the secret goes: `basic` or `body` (RFC 6749, 2.3.1).
        parameters: More members of token and authorization requests, such as `resource` or `audience`.
        session: A `requests.Session` to reach the provider through, for its certificates and proxies.
        leeway: Seconds before its end at which a token is renewed; a tenth of its life at most.
        within: Seconds for one exchange with the provider, attempts and waits included.
        clock: Tells the time, in seconds since the epoch.
    """

    def __init__(
        self,
        provider: str | ProviderMetadata,
        client_id: str,
        client_secret: str | None = None,
        *,
        scopes: Iterable[str] = (),
        grant: Literal["client_credentials"] | None = None,
        store: TokenStore | None = None,
        client_auth: Method = "basic",
        parameters: Mapping[str, str] = EMPTY,
        session: requests.Session | None = None,
        leeway: float = 30.0,
        within: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if isinstance(scopes, str):
            raise TypeError(f"scopes must be a list of scopes, got the text {scopes!r}")
        if grant not in (None, "client_credentials"):
            raise ValueError(f"grant must be 'client_credentials' or None, got {grant!r}")
        if grant is not None and client_secret is None:
            raise ValueError("grant='client_credentials' needs a client_secret (RFC 6749, 4.4)")
        self.provider = provider if isinstance(provider, ProviderMetadata) else None
        """The provider's metadata; None until it is looked up."""
        self.url = provider if isinstance(provider, str) else provider.issuer or provider.endpoint("token_endpoint")
        check_url("the provider's URL", self.url)
        self.client = ClientAuth(client_id, client_secret, client_auth)
        self.scope = " ".join(scopes)
        self.parameters = parameters
        self._within = within
        self._clock = clock
        session = requests.Session() if session is None else session
        self._transport = Transport(session, _NOWHERE, timeout=(10.0, within))
        self.keeper = TokenKeeper(
            self._transport.send,
            renew=self._follow,
            obtain=self._grant_to_client if grant == "client_credentials" else None,
            store=store,
            leeway=leeway,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.client.client_id!r} at {without_credentials(self.url)}>"

    def run(self, plan: Operation[T]) -> T:
        """Drive one of the plans below, blocking."""
        return run(self._transport.send, plan)

    def run_async(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """The same, awaited."""
        return run_async(self._transport.send_async, plan)

    def close(self) -> None:
        """Close the connections to the provider; a later request opens new ones.  The tokens stay."""
        self._transport.close()

    async def aclose(self) -> None:
        """The same, and those of the running event loop."""
        await self._transport.aclose()

    def policy(self, *, origins: Iterable[str] = ()) -> Layer:
        """The layer that signs a client's requests; for the stack of policies of any number of clients.

        Args:
            origins: Further origins that the token may go to, besides a client's own; your explicit choice.
        """
        return bearer_token(self.keeper, origins=origins)

    def tokens(self) -> Operation[TokenSet]:
        """Tokens whose access token counts; renewed if need be.

        Raises:
            LoginRequired: There are none, and a person has to log in.
            LoginExpired: They cannot be renewed any more, and a person has to log in.
            LoginError: The provider refused, or the store failed.
            TransportError: The provider gave no answer in time.
        """
        return self.keeper.tokens()

    def client_credentials(self) -> Operation[TokenSet]:
        """Log the client itself in (RFC 6749, 4.4): new tokens, whatever there is.

        Raises:
            LoginError: The provider refused, or its answer cannot be used.
            TransportError: It gave no answer in time.
        """
        return self._logged_in(self._grant_to_client())

    def device_login(self, *, show: Callable[[DeviceAuthorization], object] = show_code) -> Operation[TokenSet]:
        """Log a person in with another device, such as a phone (RFC 8628).

        Args:
            show: Shows the person where to go and what to enter there; on the terminal if not given.

        Raises:
            LoginDenied: The person said no.
            LoginExpired: The code was not entered in time.
            LoginError: The provider refused for another reason, or its answer cannot be used.
            TransportError: The provider did not answer when the login began.
        """
        return (yield from self._logged_in(device_login((yield from self._registration()), show=show)))

    def browser_login(
        self,
        *,
        open: Callable[[str], object] = open_browser,  # noqa: A002  # what it does
        redirect_uri: str = "http://127.0.0.1/callback",
        timeout: float = 300.0,
    ) -> Operation[TokenSet]:
        """Log a person in with the browser of this machine (RFC 6749, 4.1; RFC 7636; RFC 8252).

        Args:
            open: Shows the person a URL; in the browser of the system if not given.
            redirect_uri: Where the browser comes back to, as it is registered with the provider; without a port, a
                free one is taken.
            timeout: Seconds that the person has.

        Raises:
            LoginDenied: The person, or the provider for the person, said no.
            LoginExpired: The person took too long, or the code counts no more.
            LoginError: The answer is not of this login, or the provider refused.
            TransportError: The provider gave no answer in time.
        """
        registration = yield from self._registration()
        grant = authorization_code(registration, open=open, redirect_uri=redirect_uri, timeout=timeout)
        return (yield from self._logged_in(grant))

    def refresh(self) -> Operation[TokenSet]:
        """Renew the tokens now (RFC 6749, 6), though they may count for a while.

        Raises:
            LoginRequired: There is nothing to renew them with: a person has to log in.
            LoginExpired: The refresh token counts no more.
            LoginError: The provider refused, or its answer cannot be used.
            TransportError: It gave no answer in time.
        """
        return (yield from self.keeper.tokens(refused=(yield from self.keeper.kept())))

    def revoke(self) -> Operation[None]:
        """Log out: forget the tokens, whatever happens then, and have the provider revoke them (RFC 7009).

        Raises:
            LoginError: They were forgotten here, but the provider has no revocation endpoint, or refused.
            TransportError: They were forgotten here, but the provider gave no answer in time.
        """
        tokens = yield from self.keeper.forget()
        if tokens is not None:
            yield from revoke((yield from self._registration()), tokens)

    def _registration(self) -> Operation[Registration]:
        if "oauthlib.oauth2" not in sys.modules:  # it takes a while, for which an event loop should not stand still
            yield Work(partial(import_module, "oauthlib.oauth2"))
        if self.provider is None:
            self.provider = yield from discover(self.url, within=self._within)
        return Registration(self.provider, self.client, self.scope, self.parameters, self._within, self._clock)

    def _grant_to_client(self) -> Operation[TokenSet]:
        return (yield from client_credentials((yield from self._registration())))

    def _follow(self, tokens: TokenSet) -> Operation[TokenSet]:
        return (yield from refresh((yield from self._registration()), tokens))

    def _logged_in(self, grant: Operation[TokenSet]) -> Operation[TokenSet]:
        tokens = yield from grant
        yield from self.keeper.keep(tokens)
        return tokens
