"""The four ways of authentication.

Each is a layer around the attempts of a request (`signed`).  A token goes to the origin of the first request of an
operation, and not along redirects to another one.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import requests
from requests.auth import HTTPBasicAuth

from restwright.auth import BearerAuth
from restwright.drivers import run
from restwright.errors import LoginError
from restwright.message import Origin, Request, without_credentials
from restwright.oauth2 import MemoryStore, ProviderMetadata, TokenKeeper, TokenSet
from restwright.oauth2.client_auth import ClientAuth
from restwright.oauth2.client_credentials import client_credentials
from restwright.oauth2.metadata import check_url
from restwright.oauth2.token_endpoint import Registration
from restwright.plan import Operation, Policy
from sequoia.certificates import check_certificates
from sequoia.env import DEFAULT_REQUEST_TIMEOUT_SECONDS
from sequoia.error import AuthorisationError, TokenExpiredError, request_error
from sequoia.oauth_session import OAuth2SessionTokenManagementWrapper
from sequoia.routing import Routes, Way, origin_of
from sequoia.token_cache import TokenCache, as_dict, as_tokens

__all__ = [
    "AUTHORIZATION_HEADER",
    "MAX_TOKEN_RETRIES",
    "Auth",
    "AuthFactory",
    "AuthType",
    "BYOTokenAuth",
    "ClientGrantAuth",
    "MutualAuth",
    "NoAuth",
    "OAuth2SessionTokenManagementWrapper",
    "TokenCache",
    "TokenExpiredError",
    "oauth_token",
]

AUTHORIZATION_HEADER: Final = "Authorization"
MAX_TOKEN_RETRIES: Final = 3
_INSECURE: Final = "OAUTHLIB_INSECURE_TRANSPORT"


class AuthType(enum.Enum):
    """How a client authenticates."""

    CLIENT_GRANT = 1
    NO_AUTH = 2
    BYO_TOKEN = 3
    MUTUAL = 4


class Auth:
    """Base: no credentials.

    Attributes:
        session: The `requests.Session` that is used; None until there is one.
    """

    instant = True
    """As a `requests` auth policy it does nothing, and so blocks nothing."""
    needs_token_url = False
    """Must the registry tell where tokens are had from?"""

    def __init__(self) -> None:
        self.session: requests.Session | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request as it is."""
        return request

    def check(self) -> None:
        """Can it be used?  Looked at before anything is sent."""

    def init_session(self) -> None:
        """Make ready to send."""

    def register_adapters(self, adapters: Iterable[tuple[str, Any]] | None) -> None:
        """Mount transport adapters of `requests`, each at a prefix of URLs."""
        if adapters:
            session = self.ready_session()
            for pair in adapters:
                try:
                    prefix, adapter = pair
                    session.mount(prefix, adapter)
                except (TypeError, ValueError) as error:
                    raise TypeError(f"adapters are pairs of a prefix and an adapter, got {pair!r}") from error

    def update_token(self) -> None:
        """Have a new token fetched now."""
        raise NotImplementedError(f"{type(self).__name__} has no token that could be renewed")

    def ready_session(self) -> requests.Session:
        """The session, made if there is none."""
        if self.session is None:
            self.session = _Session(self)
        return self.session

    def current_token(self) -> dict[str, Any] | None:
        """The token as it is now; None if there is none."""
        return None

    def signed(self, request: Request, inner: Policy) -> Operation[requests.Response]:
        """The request with its credentials, by way of `inner`: those that a subclass's own `__call__` puts in."""
        is_own = type(self).__call__ is not Auth.__call__
        return inner(request.but(auth=self.__call__) if is_own else request)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class _Session(requests.Session):
    """A session that knows the token; it is our own transport that signs with it."""

    def __init__(self, auth: Auth) -> None:
        super().__init__()
        self._current_token = auth.current_token

    @property
    def token(self) -> dict[str, Any] | None:
        """The token as it is now."""
        return self._current_token()


class NoAuth(Auth):
    """No authentication."""

    auth = None


class BYOTokenAuth(Auth):
    """A token of the caller's, for as long as it counts."""

    auth = None

    def __init__(self, byo_token: str) -> None:
        super().__init__()
        if not byo_token or not isinstance(byo_token, (str, Mapping)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError("byo_token is missing: an access token is needed for BYO_TOKEN")
        tokens = as_tokens(byo_token)
        self.token = as_dict(tokens)
        self._bearer = BearerAuth(tokens.access_token)
        self.ready_session()

    def current_token(self) -> dict[str, Any] | None:
        """The token."""
        return self.token

    def update_token(self) -> None:
        """Impossible.

        Raises:
            TokenExpiredError: A token of the caller's cannot be renewed.
        """
        raise TokenExpiredError("The token was given by the caller and cannot be renewed")

    def signed(self, request: Request, inner: Policy) -> Operation[requests.Response]:
        """The request with the token."""
        check_secure(request.url)
        return inner(request.but(auth=self._bearer))


class MutualAuth(Auth):
    """Two-way TLS: a certificate of the client, and the authority of the server's."""

    auth = None

    def __init__(self, client_cert: str | None, client_key: str | None, server_cert: str | None) -> None:
        super().__init__()
        files = {"client_cert": client_cert, "client_key": client_key, "server_cert": server_cert}
        for name, path in files.items():
            if path is None:
                raise ValueError(f"{name} is missing: MUTUAL needs {', '.join(files)}")
        self._files = str(client_cert), str(client_key), str(server_cert)
        session = self.ready_session()
        session.cert = self._files[:2]
        session.verify = self._files[2]

    def check(self) -> None:
        """Are the files what they should be?

        Raises:
            OSError: One cannot be read, FileNotFoundError if it is not there.
            ValueError: One is something else.
        """
        check_certificates(*self._files)


class ClientGrantAuth(Auth):
    """An access token for an id and a secret (RFC 6749, 4.4), renewed once for all who need it at the same time.

    Attributes:
        token: The token at construction, None if there was none; the current one is `session.token`.
    """

    needs_token_url = True

    def __init__(
        self,
        grant_client_id: str,
        grant_client_secret: str,
        token_url: str | None,
        byo_token: str | None = None,
        request_timeout: float | None = 0,
    ) -> None:
        super().__init__()
        for name, value in (("grant_client_id", grant_client_id), ("grant_client_secret", grant_client_secret)):
            if not value or not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ValueError(f"{name} is missing: CLIENT_GRANT needs an id and a secret")
        self.grant_client_id = grant_client_id
        self.grant_client_secret = grant_client_secret
        self.auth = HTTPBasicAuth(grant_client_id, grant_client_secret)
        self.request_timeout = request_timeout or DEFAULT_REQUEST_TIMEOUT_SECONDS
        self.token_cache = TokenCache()
        self.token: dict[str, Any] | None = None
        self._given = byo_token
        self._keeper: TokenKeeper | None = None
        self._token_url: str | None = None
        self.ready_session()
        if token_url is not None:
            self.token_url = token_url

    @property
    def token_url(self) -> str | None:
        """Where tokens are had from; None as long as nobody has said."""
        return self._token_url

    @token_url.setter
    def token_url(self, url: str) -> None:
        if url == self._token_url:
            return
        registration = Registration(
            _provider(url),
            ClientAuth(self.grant_client_id, self.grant_client_secret),
            within=2.0 * self.request_timeout,
        )
        if self._given is not None:
            store = MemoryStore(as_tokens(self._given))  # which is this client's alone
        else:
            store = self.token_cache.store(self.grant_client_id, url, self.grant_client_secret)
        tokens = store.load()
        self.token = None if tokens is None else as_dict(tokens)
        self._token_url = url
        # One attempt: it is the request's own repetitions that count.
        self._keeper = TokenKeeper(
            self._sender(url),
            obtain=lambda: client_credentials(registration, attempts=1),
            store=store,
            within=2.0 * self.request_timeout,
        )

    def get_token(self, byo_token: str | None) -> dict[str, Any] | None:
        """The token that was given, which this client then uses; else the one that is known; else None."""
        if byo_token is not None:
            run(_no_send, self._keeper_now().keep(as_tokens(byo_token)))
            return oauth_token(byo_token)
        return self.current_token()

    def current_token(self) -> dict[str, Any] | None:
        """The token as it is now; None if there is none."""
        tokens = None if self._keeper is None else self._keeper.store.load()
        return None if tokens is None else as_dict(tokens)

    def init_session(self) -> None:
        """Have a token fetched if there is none.

        Raises:
            AuthorisationError: The provider refused.
            ConnectionError: It could not be reached.
        """
        self._run(self._keeper_now().tokens())
        if self.token is None:
            self.token = self.current_token()

    def update_token(self) -> None:
        """Have a new token fetched now.

        Raises:
            AuthorisationError: The provider refused.
        """
        keeper = self._keeper_now()
        self._run(keeper.tokens(refused=keeper.store.load()))

    def signed(self, request: Request, inner: Policy) -> Operation[requests.Response]:
        """The request with a token that counts; a refused one is renewed, at most three times."""
        check_secure(request.url)
        keeper = self._keeper_now()
        tokens = yield from keeper.tokens(until=request.deadline)
        renewals = 0
        while True:
            response = yield from inner(request.but(auth=BearerAuth(tokens.access_token)))
            if response.status_code != 401 or renewals == MAX_TOKEN_RETRIES or not _had(response, tokens):
                return response
            renewals += 1
            tokens = yield from keeper.tokens(refused=tokens, until=request.deadline)

    def _keeper_now(self) -> TokenKeeper:
        if self._keeper is None:
            raise AuthorisationError("There is no token_url: the registry has to be loaded first")
        return self._keeper

    def _sender(self, url: str) -> Callable[[Request], requests.Response]:
        way: Way | None = None

        def send(request: Request) -> requests.Response:
            nonlocal way
            if way is None:
                # A session of its own, for the header fields of services are not for the provider; but its adapters,
                # proxies and certificates are the same.
                session, own = self.ready_session(), requests.Session()
                own.adapters, own.proxies, own.trust_env = session.adapters, session.proxies, session.trust_env
                own.verify, own.cert = session.verify, session.cert
                way = Routes(own, timeout=self.request_timeout).way(origin_of(url))
            return way.send(request)

        return send

    @staticmethod
    def _run(plan: Operation[TokenSet]) -> None:
        try:
            run(_no_send, plan)
        except requests.RequestException as error:
            raise request_error(error) from error


class AuthFactory:
    """Makes the authentication that a client is configured for."""

    @staticmethod
    def create(
        grant_client_id: str | None = None,
        grant_client_secret: str | None = None,
        auth_type: AuthType | None = AuthType.CLIENT_GRANT,
        byo_token: str | None = None,
        token_url: str | None = None,
        request_timeout: float | None = 0,
        client_cert: str | None = None,
        client_key: str | None = None,
        server_cert: str | None = None,
    ) -> Auth:
        """The authentication of a type; what other types need is left aside.

        Raises:
            ValueError: Something that this type needs is missing, or there is no such type.
        """
        match auth_type:
            case AuthType.CLIENT_GRANT:
                return ClientGrantAuth(
                    grant_client_id or "", grant_client_secret or "", token_url, byo_token, request_timeout
                )
            case AuthType.BYO_TOKEN:
                return BYOTokenAuth(byo_token or "")
            case AuthType.MUTUAL:
                return MutualAuth(client_cert, client_key, server_cert)
            case AuthType.NO_AUTH:
                return NoAuth()
            case _:
                raise ValueError(f"auth_type is one of {', '.join(map(str, AuthType))}, got {auth_type!r}")


def oauth_token(access_token: str) -> dict[str, Any]:
    """An access token as oauthlib knows it."""
    return as_dict(TokenSet(access_token))


def check_secure(url: str) -> None:
    """Refuse plain http for a token, save for this machine, and where the environment says otherwise.

    Raises:
        AuthorisationError: It would go out in the clear.
    """
    if url.startswith("https://") or not url.lower().startswith("http:") or os.environ.get(_INSECURE):
        return
    try:
        check_url("the service", url.partition("?")[0])
    except LoginError as error:
        shown = Origin.of(without_credentials(url))
        raise AuthorisationError(f"(insecure_transport) A token is not sent to {shown} without TLS", error) from error


class _Provider(ProviderMetadata):
    """A token endpoint of which the caller has said that it may do without TLS."""

    def __post_init__(self) -> None:
        pass


def _provider(url: str) -> ProviderMetadata:
    check_secure(url)
    return _Provider(token_endpoint=url)


def _had(response: requests.Response, tokens: TokenSet) -> bool:
    """Was it this token that was refused?  Another origin, after a redirect, never got it."""
    asked: Any = response.request
    return asked is None or asked.headers.get(AUTHORIZATION_HEADER) == f"Bearer {tokens.access_token}"


def _no_send(request: Request) -> requests.Response:
    raise AssertionError(f"a token is fetched by its keeper, and not by {request!r}")
