"""The running services, as tests and programs hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from rest_tools.server.refusal import Refusal
from restwright.sandbox.running import Running
from restwright.sandbox.sequoia.kinds import ResourceService
from restwright.sandbox.sequoia.misbehaviour import Misbehaviour
from restwright.sandbox.sequoia.service import Service
from restwright.sandbox.sequoia.settings import Settings
from restwright.sandbox.tls import TlsMode

if TYPE_CHECKING:  # it needs an extra
    from restwright.sandbox.certificates import Certificates

__all__ = ["Options", "SequoiaService", "sequoia_service"]


class Options(TypedDict, total=False):
    """The settings by name; see `Settings`."""

    database: str
    sample: bool
    tenant: str
    clients: Mapping[str, str]
    needs_token: bool
    token_lifetime: float
    linked_per_page: int
    linked_pages: int
    services: tuple[ResourceService, ...]
    tls: TlsMode
    tls_names: tuple[str, ...]
    certificates: Certificates | None


class SequoiaService(Running[Service]):
    """Running Sequoia services; made by `sequoia_service`, ended by `close` or with its `with` block.

    Its methods may be called from any thread but that of its own event loop.
    """

    @property
    def settings(self) -> Settings:
        """How they work."""
        return self._service.settings

    @property
    def registry_url(self) -> str:
        """Where the registry tells about them; what a client is given."""
        return f"{self.url}/services/{self.settings.tenant}"

    @property
    def locations(self) -> dict[str, str]:
        """Where they are, by their names: `identity`, `metadata`, ..."""
        return self._service.locations

    @property
    def clients(self) -> dict[str, str]:
        """Who can get tokens: secret by id."""
        return dict(self.settings.clients)

    @property
    def database(self) -> str:
        """URL of the database, without a password."""
        return self._service.catalogue.database.url

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What faults can be put at, such as `registry`, `identity/oauth/token` and `metadata/contents`."""
        return self._service.endpoints

    def token(self, client: str = "") -> str:
        """A token, as the identity service would give it.

        Args:
            client: Whom it is for, one of `clients`; the first one if empty.

        Raises:
            ValueError: There is no such client.
        """
        return self._loop.call(self._service.token, client or next(iter(self.clients)))

    def revoke_tokens(self) -> None:
        """Refuse all tokens that were given out."""
        self._loop.call(self._service.revoke_tokens)

    def load(self, service: str, kind: str, resources: Iterable[Mapping[str, Any]], *, owner: str = "") -> int:
        """Store many resources, as a POST would, without HTTP; how many they were.

        Args:
            service: Whose resources: `metadata`, ...
            kind: Their kind: `contents`, ...
            resources: Documents; all of them have a name.
            owner: Of those that do not name their own; the tenant if empty.

        Raises:
            ValueError: There is no such service or kind, or the services would not take them. Then none is stored.
        """
        collected = self._service.collected(service, kind)
        try:
            return collected.load(resources, owner or self.settings.tenant)
        except Refusal as refusal:
            raise ValueError(refusal.reason) from None

    def behave(self, endpoint: str | None = None, *, times: int | None = None, **how: Unpack[Misbehaviour]) -> None:
        """Misbehave from now on, until `behave_well` or `reset`; each call adds to what was demanded before.

        Args:
            endpoint: Where it is, one of `endpoints`, or for `dead` a service; all of them if None.
            times: How many requests a fault is for; all if None.
            **how: See `restwright.sandbox.sequoia.Misbehaviour`.

        Raises:
            TypeError: There is no such misbehaviour, or not of such a type.
            ValueError: There is no such endpoint, or such a value makes no sense.
        """
        self._loop.run(self._service.behave(endpoint, times, **how))

    def reset(self) -> None:
        """Be as at first: forget resources, tokens and requests, behave well, and fill the database anew."""
        super().reset()


def sequoia_service(
    *, port: int = 0, address: str = "127.0.0.1", control: bool = False, **options: Unpack[Options]
) -> SequoiaService:
    """Start Sequoia services for tests, in a thread, until the end of the `with` block.

    Args:
        port: For the registry to listen on, and the next ones for the services, in their order; 0 for free ones.
        address: To listen on; whoever reaches it knows the secrets.
        control: Take orders by HTTP too, on another port; see `SequoiaService.control_url`.
        **options: See `restwright.sandbox.sequoia.Settings`.

    Raises:
        OSError: The address is not ours, or a port is in use.
        ValueError: A setting cannot be that, or the database cannot be used.
        ImportError: The driver of the database is not installed.

    >>> import requests
    >>> with sequoia_service() as sequoia:
    ...     [one["name"] for one in requests.get(sequoia.registry_url, timeout=5).json()["services"]]
    ['identity', 'metadata', 'workflow', 'validation']
    """
    return SequoiaService(Service(Settings(**options), address=address, port=port, control=control))
