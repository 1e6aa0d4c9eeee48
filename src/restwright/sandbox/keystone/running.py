"""A running Keystone, as tests and programs hold it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, Unpack

from restwright.sandbox.keystone.misbehaviour import Misbehaviour
from restwright.sandbox.keystone.service import Service
from restwright.sandbox.keystone.settings import Account, EraName, ListStyle, Settings
from restwright.sandbox.running import Running
from restwright.sandbox.tls import TlsMode

if TYPE_CHECKING:  # it needs an extra
    from restwright.sandbox.certificates import Certificates

__all__ = ["KeystoneService", "Options", "keystone_service"]


class Options(TypedDict, total=False):
    """The settings by name; see `Settings`."""

    era: EraName
    database: str
    sample: bool
    seed: int
    staff: Account
    plain: Account
    list_style: ListStyle
    version: str
    access_lifetime: float
    refresh_lifetime: float
    session_age: float
    anonymous_rate: str | None
    user_rate: str | None
    trusted_origins: tuple[str, ...]
    clock: Callable[[], float]
    tls: TlsMode
    tls_names: tuple[str, ...]
    certificates: Certificates | None


class KeystoneService(Running[Service]):
    """A running Keystone; made by `keystone_service`, ended by `close` or with its `with` block.

    Its methods may be called from any thread but that of its own event loop.
    """

    @property
    def settings(self) -> Settings:
        """How it works."""
        return self._service.settings

    @property
    def version(self) -> str:
        """What it says it is."""
        return self._service.application.version

    @property
    def accounts(self) -> tuple[Account, Account]:
        """Who can log in at first: the staff account and the plain one."""
        return self.settings.staff, self.settings.plain

    @property
    def database(self) -> str:
        """URL of its database, without a password."""
        return self._service.application.database.url

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What faults can be put at: its routes, such as `allocations/clusters`."""
        return self._service.endpoints

    def token(self, account: Account) -> str:
        """A key for `Authorization: Token`; the jwt era has none.

        Raises:
            LookupError: There is no such account, or it has no key.
        """
        return self._service.token(account.username)

    def behave(self, endpoint: str | None = None, *, times: int | None = None, **how: Unpack[Misbehaviour]) -> None:
        """Misbehave from now on, until `behave_well` or `reset`; each call adds to what was demanded before.

        Args:
            endpoint: Where a fault is, one of `endpoints`; at all of them if None.
            times: How many requests a fault is for; all if None.
            **how: See `restwright.sandbox.keystone.Misbehaviour`.

        Raises:
            TypeError: There is no such misbehaviour, or not of such a type.
            ValueError: There is no such endpoint, or such a value makes no sense.
        """
        self._loop.run(self._service.behave(endpoint, times, **how))

    def reset(self) -> None:
        """Be as at first: forget records, sessions, tokens and requests, behave well, and fill the database anew."""
        super().reset()


def keystone_service(
    *, port: int = 0, address: str = "127.0.0.1", control: bool = False, **options: Unpack[Options]
) -> KeystoneService:
    """Start a Keystone for tests, in a thread, until the end of the `with` block.

    Args:
        port: To listen on; 0 for a free one.
        address: To listen on; whoever reaches it knows the passwords.
        control: Take orders by HTTP too, on another port; see `KeystoneService.control_url`.
        **options: See `restwright.sandbox.keystone.Settings`.

    Raises:
        OSError: The address is not ours, or the port is in use.
        ValueError: A setting cannot be that, or the database cannot be used.
        ImportError: The driver of the database is not installed.

    >>> import requests
    >>> with keystone_service() as keystone:
    ...     requests.get(f"{keystone.url}/version/", timeout=5).text
    '0.10.7'
    """
    return KeystoneService(Service(Settings(**options), address=address, port=port, control=control))
