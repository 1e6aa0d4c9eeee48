"""A login at an OpenID provider, in the ways of this package, by the plans of `restwright.oauth2`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from rest_tools.client.client import RestClient
from rest_tools.client.tokens import claims_of
from rest_tools.utils import provider
from rest_tools.utils.auth import OpenIDAuth
from restwright.errors import LoginError, RestwrightError, TokenStoreError, TransportError
from restwright.message import without_credentials
from restwright.oauth2 import OAuth2, ProviderMetadata, TokenKeeper, TokenSet, TokenStore
from restwright.oauth2.client_auth import ClientAuth, Method
from restwright.oauth2.refresh import refresh
from restwright.oauth2.token_endpoint import Registration
from restwright.plan import Operation, Work, under
from restwright.policies import Layer, deadline, redirect, retry, stack

_WITHIN: Final = 60.0
_LEEWAY: Final = 5.0
UpdateFunction = Callable[[str, str | None], Any]


class Login(OAuth2):
    """One login.

    Args:
        token_url: The provider, below which its discovery document is; or what has it already.
        client_id: The client's name there.
        client_secret: Its password there; None for a public client.
        scopes: What to ask for.
        is_service: The client logs itself in.
        client_auth: Where the secret goes: `basic` or `body`.
        update_func: Called with the access token and the refresh token when the provider has sent a refresh token.
        store: Where tokens are kept.
        within: Seconds for one exchange with the provider, attempts and waits included.
        algorithms: How the provider signs tokens.
    """

    def __init__(
        self,
        token_url: str | OpenIDAuth,
        client_id: str,
        client_secret: str | None = None,
        *,
        scopes: Iterable[str] = (),
        is_service: bool = False,
        client_auth: Method = "basic",
        update_func: UpdateFunction | None = None,
        store: TokenStore | None = None,
        within: float = _WITHIN,
        algorithms: list[str] | None = None,
    ) -> None:
        if not isinstance(token_url, OpenIDAuth):
            token_url = OpenIDAuth(token_url, algorithms=algorithms, fetch_now=False)
        self.auth = token_url
        super().__init__(self.auth.url, client_id, client_secret or None, scopes=scopes, within=within or _WITHIN)
        self._is_discovered = False
        self.client = _NamedClient(client_id, client_secret or None, client_auth)
        self.keeper: Keeper = Keeper(
            self._transport.send,
            renew=self._follow,
            obtain=self._grant_to_client if is_service else None,
            store=store,
            leeway=_LEEWAY,
            within=3 * self._within,  # the discovery document, and the token
        )
        self.keeper.update_func = update_func

    def discover(self) -> Operation[None]:
        """Find out where the provider's endpoints are, if it is not known yet.

        Raises:
            LoginError: Its document cannot be used.
            TransportError: It does not answer.
        """
        if self._is_discovered:
            return
        info: Mapping[str, Any] = self.auth.provider_info
        if not info:
            policy = stack(deadline(self._within), retry(3), redirect())
            try:
                info = yield from under(policy, provider.discover(self.auth.url))
            except TransportError:
                raise
            except RestwrightError as error:
                raise LoginError(f"{without_credentials(self.auth.url)} has no OpenID discovery: {error}") from error
            self.auth.provider_info = dict(info)
        # By the contract a provider may name another issuer, or none: it is for those who check tokens.
        self.provider = ProviderMetadata.of({name: value for name, value in info.items() if name != "issuer"})
        self._is_discovered = True

    def discover_now(self, logger: logging.Logger) -> None:
        """The same when a client is made; unless that is within an event loop, which must not wait.

        That the provider is out of order now does not keep a client from being made.
        """
        if not in_event_loop():
            try:
                self.run(self.discover())
            except RestwrightError as error:
                logger.warning("the provider is asked again when a token is needed: %s", error)

    def granted(self) -> Operation[TokenSet]:
        """New tokens for the client itself, told of like those that are renewed."""
        try:
            return (yield from self.client_credentials())
        except LoginError as error:
            raise _told(error) from error

    def _registration(self) -> Operation[Registration]:
        yield from self.discover()
        return (yield from super()._registration())

    def _follow(self, tokens: TokenSet) -> Operation[TokenSet]:
        registration = yield from self._registration()
        scope = scope_of(tokens.refresh_token or "")
        if scope:
            registration = replace(registration, parameters={**registration.parameters, "scope": scope})
        renewed = yield from refresh(registration, tokens)
        if renewed.refresh_token is not tokens.refresh_token:  # the very same object where the answer had none
            self.keeper.news = renewed
        return renewed


class _NamedClient(ClientAuth):
    """Also says its name in the form when its secret is in the header section, as providers are used to."""

    @property
    def members(self) -> dict[str, str]:
        return super().members or {"client_id": self.client_id}


class Keeper(TokenKeeper):
    """Keeps the tokens of a login, and tells of new ones.

    Attributes:
        news: Tokens of which `update_func` has not been told yet.
        update_func: Called with access token and refresh token; may be a coroutine function.
    """

    news: TokenSet | None = None
    update_func: UpdateFunction | None = None
    _notice: Callable[[TokenSet], None] | None = None
    _latest: TokenSet | None = None

    def watch(self, notice: Callable[[TokenSet], None]) -> None:
        """Have `notice` called with the tokens that there are, and whenever there are others."""
        self._notice = notice
        if self._latest is not None:
            notice(self._latest)

    def tokens(self, *, refused: TokenSet | None = None, until: float | None = None) -> Operation[TokenSet]:
        """See `TokenKeeper`; the text of a `LoginError` is that of the contract."""
        try:
            tokens = yield from super().tokens(refused=refused, until=until)
        except LoginError as error:
            raise _told(error) from error
        if tokens is not self._latest:
            self._latest = tokens
            if self._notice is not None:
                self._notice(tokens)
        if self.news is not None:
            # When all is safely kept: what it raises is the caller's to know, and costs no token.
            news, self.news = self.news, None
            update_func = self.update_func
            if update_func is not None:
                access_token, refresh_token = news.access_token, news.refresh_token
                yield Work(lambda: update_func(access_token, refresh_token))
        return tokens


def _told(error: LoginError) -> LoginError:
    if isinstance(error, TokenStoreError):
        return error
    text = f"Token request failed: {said_by(error)}"
    return type(error)(text, error=error.error, description=error.description, uri=error.uri)


def said_by(error: LoginError) -> str:
    """What the provider said; the texts of the contract end with it. The URL is told by the error, their cause."""
    return ": ".join(filter(None, (error.error, error.description))) or str(error)


def scope_of(refresh_token: str) -> str:
    """The scopes that a refresh token is for, if it tells; whatever else it says, it is for the provider to judge."""
    scope = claims_of(refresh_token).get("scope")
    return scope if isinstance(scope, str) else ""


def in_event_loop() -> bool:
    """Does this thread run an event loop now?"""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class LoginClient(RestClient):
    """A client whose token is that of a login: renewed before it expires, and when the service refuses it (401).

    Attributes:
        auth: The provider.
        client_id: The client's name there.
        client_secret: Its password there.
    """

    _is_signed_by_a_layer = True
    _our_token_func: ClassVar[Callable[..., str]]
    """What gets a token, unless a subclass or a test has put another one in its place."""

    def __init__(self, address: str, login: Login, **kwargs: Any) -> None:
        if kwargs.get("token"):
            raise ValueError("token must not be given: it is that of the login")
        if "username" in kwargs and "password" in kwargs:
            raise ValueError("username and password must not be given: the service gets the token of the login")
        self._login = login
        self.auth = login.auth
        self.client_id = login.client.client_id
        self.client_secret = login.client.client_secret
        super().__init__(address, **kwargs)
        login.keeper.watch(self._notice)

    def _take_tokens_of(self, token_func: Callable[[], str]) -> None:
        self.token_func = token_func
        self._is_signed_by_a_layer = self._is_ours(token_func)

    @classmethod
    def _is_ours(cls, token_func: Callable[[], str]) -> bool:
        return getattr(token_func, "__func__", None) is cls._our_token_func

    def _layers(self) -> tuple[Layer, ...]:
        return (self._login.policy(),) if self._is_signed_by_a_layer else ()

    def _notice(self, tokens: TokenSet) -> None:
        self.access_token = tokens.access_token

    def _get_token(self) -> None:
        """Have a token that can be used; blocks while it is renewed."""
        if self._is_signed_by_a_layer:
            self._login.run(self._login.keeper.tokens())
        else:
            super()._get_token()


LoginClient.take_own_ways()
