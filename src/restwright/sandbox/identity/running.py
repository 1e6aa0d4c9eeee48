"""A running provider, as tests and programs hold it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

from restwright.sandbox.identity import shortcuts
from restwright.sandbox.identity.behaviour import Misbehaviour
from restwright.sandbox.identity.clients import SAMPLE_CLIENTS, Client, ClientOptions
from restwright.sandbox.identity.discovery import metadata
from restwright.sandbox.identity.service import IdentityService
from restwright.sandbox.identity.settings import Adjustable, Settings
from restwright.sandbox.identity.users import SAMPLE_USERS, User
from restwright.sandbox.running import Running
from restwright.sandbox.tls import Tls, TlsMode

if TYPE_CHECKING:  # it needs an extra
    from restwright.sandbox.certificates import Certificates

__all__ = ["IdentityProvider", "identity_provider"]


class IdentityProvider(Running[IdentityService]):
    """A running OpenID provider; made by `identity_provider`, ended by `close` or with its `with` block.

    Its methods may be called from any thread but that of its own event loop.
    """

    def __init__(self, service: IdentityService) -> None:
        self._provider = service.provider
        super().__init__(service)

    # --- what it is ---

    @property
    def issuer(self) -> str:
        """Its name, and where its endpoints are: `url`, unless another one was given."""
        return self._provider.issuer

    @property
    def metadata(self) -> dict[str, Any]:
        """Its discovery document."""
        return self._loop.call(metadata, self._provider)

    @property
    def users(self) -> dict[str, User]:
        """Who can log in, by name."""
        return self._loop.call(dict, self._provider.users)

    @property
    def clients(self) -> dict[str, Client]:
        """Who can ask for tokens, by id."""
        return self._loop.call(dict, self._provider.clients)

    @property
    def settings(self) -> Settings:
        """How it works; see `adjust`."""
        return self._provider.settings

    # --- what it is made to do ---

    def behave(self, endpoint: str | None = None, *, times: int | None = None, **how: Unpack[Misbehaviour]) -> None:
        """Misbehave from now on, until `behave_well` or `reset`; each call adds to what was demanded before.

        Args:
            endpoint: Where a fault is, one of `ENDPOINTS`; at all of them if None.
            times: How many requests a fault is for; all if None.
            **how: See `restwright.sandbox.identity.Misbehaviour`.

        Raises:
            TypeError: There is no such misbehaviour, or not of such a type.
            ValueError: There is no such endpoint, or such a value makes no sense.
        """
        self._loop.run(self._service.behave(endpoint, times, **how))

    def reset(self) -> None:
        """Forget logins, tokens, requests, and what was added, adjusted and demanded; keep the keys."""
        super().reset()

    def adjust(self, **settings: Unpack[Adjustable]) -> None:
        """Change settings, such as `lifetime_access=2`; what was given out already stays as it is.

        Raises:
            TypeError: There is no such setting.
            ValueError: It cannot be that.
        """
        self._loop.call(self._provider.adjust, **settings)

    def rotate_keys(self, *, withdraw: bool = False) -> None:
        """Sign with a new key from now on.

        Args:
            withdraw: Publish the old keys no longer, so that what they signed is worth nothing.
        """
        self._loop.call(self._provider.rotate_keys, withdraw=withdraw)

    def add_user(self, name: str, password: str, **claims: Any) -> User:
        """Let somebody log in.

        Args:
            name: To log in with.
            password: To log in with.
            **claims: Of all tokens, such as `role="admin"`.
        """
        user = User(name, password, claims)
        self._loop.call(self._provider.users.__setitem__, name, user)
        return user

    def add_client(self, client_id: str, **options: Unpack[ClientOptions]) -> Client:
        """Let a program ask for tokens.

        Args:
            client_id: Its id.
            **options: See `restwright.sandbox.identity.Client`.
        """
        client = Client(client_id, **options)
        self._loop.call(self._provider.clients.__setitem__, client_id, client)
        return client

    # --- what people do ---

    def issue(
        self, user: str | None = "alice", *, client: str = "app", scope: str = "openid profile"
    ) -> dict[str, Any]:
        """What the token endpoint would answer: `access_token`, and so on.

        Args:
            user: Whose tokens; None for those of the client itself.
            client: Whom they are given to.
            scope: Of the access token, in words.

        Raises:
            ValueError: There is no such user or client, or it may not have the scope.
        """
        return self._loop.call(shortcuts.issue, self._provider, user, client, scope)

    def authorize(self, url: str, *, user: str | None = "alice") -> str:
        """Where the browser is sent to when somebody logs in at an authorization URL.

        Args:
            url: To which the client sent the browser.
            user: Who logs in; None says no.

        Raises:
            ValueError: There is no such user, or the browser would not be sent anywhere.
        """
        return self._loop.call(shortcuts.authorize, self._provider, url, user)

    def allow_device(self, user_code: str, *, user: str = "alice") -> None:
        """Connect the device that shows this code.

        Raises:
            ValueError: There is no such code or user.
        """
        self._loop.call(shortcuts.answer_user_code, self._provider, user_code, user, allowed=True)

    def deny_device(self, user_code: str) -> None:
        """Refuse the device that shows this code.

        Raises:
            ValueError: There is no such code.
        """
        somebody = next(iter(self.users))
        self._loop.call(shortcuts.answer_user_code, self._provider, user_code, somebody, allowed=False)


def identity_provider(
    *,
    port: int = 0,
    address: str = "127.0.0.1",
    issuer: str = "",
    control: bool = False,
    tls: TlsMode = "off",
    tls_names: Iterable[str] = (),
    certificates: Certificates | None = None,
    users: Iterable[User] = SAMPLE_USERS,
    clients: Iterable[Client] = SAMPLE_CLIENTS,
    **settings: Unpack[Adjustable],
) -> IdentityProvider:
    """Start an OpenID provider for tests, in a thread, until the end of the `with` block.

    Args:
        port: To listen on; 0 for a free one.
        address: To listen on; whoever reaches it knows the passwords.
        issuer: By what URL others reach it, if it is not where it listens.
        control: Take orders by HTTP too, on another port; see `IdentityProvider.control_url`.
        tls: How it speaks.
        tls_names: By which it is reached too, for its certificate.
        certificates: That it shares with others, rather than some of its own.
        users: Who can log in.
        clients: Who can ask for tokens.
        **settings: See `restwright.sandbox.identity.Settings`.

    Raises:
        OSError: The address is not ours, or the port is in use.
        ValueError: A setting cannot be that.

    >>> import requests
    >>> with identity_provider() as idp:
    ...     form = {"grant_type": "client_credentials"}
    ...     requests.post(idp.url + "/token", form, auth=("service", "service-secret"), timeout=5).json()["token_type"]
    'Bearer'
    """
    service = IdentityService(
        address=address,
        port=port,
        issuer=issuer,
        control=control,
        tls=Tls(tls, address, tls_names, certificates),
        settings=Settings(**settings),
        users=users,
        clients=clients,
    )
    return IdentityProvider(service)
