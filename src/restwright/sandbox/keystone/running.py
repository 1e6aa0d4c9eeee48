"""A running Keystone, as tests and programs hold it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

from restwright.sandbox.event_loop import LoopThread
from restwright.sandbox.keystone.service import Service
from restwright.sandbox.keystone.settings import Account, EraName, ListStyle, Settings

__all__ = ["KeystoneService", "Options", "keystone_service"]


class Options(TypedDict, total=False):
    """What `keystone_service` takes beside where it listens; see `Settings`."""

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
    clock: Any


class KeystoneService:
    """A running Keystone; made by `keystone_service`, ended by `close` or with its `with` block."""

    def __init__(self, settings: Settings, *, address: str, port: int) -> None:
        self.settings = settings
        self._address = address
        self._loop = LoopThread()
        try:
            self._service = Service(settings)
            self._loop.run(self._service.start(address, port))
        except BaseException:
            self._loop.close()
            raise

    def __repr__(self) -> str:
        return f"<KeystoneService {self.settings.era} {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{self._address}:{self._service.port}"

    @property
    def version(self) -> str:
        """What it says it is."""
        return self._service.application.version

    def token(self, account: Account) -> str:
        """A key for `Authorization: Token`; the jwt era has none.

        Raises:
            LookupError: There is no such account, or it has no key.
        """
        return self._service.token(account.username)

    def reset(self) -> None:
        """Be as at first: forget all records, sessions and tokens, and fill the database anew."""
        self._service.reset()

    def close(self) -> None:
        """Answer what was asked, and stop. What is in a database of its own stays there.  Again does no harm."""
        try:
            self._loop.run(self._service.stop())
        except RuntimeError:
            return  # it was closed
        self._loop.close()


def keystone_service(*, address: str = "127.0.0.1", port: int = 0, **options: Unpack[Options]) -> KeystoneService:
    """Start a Keystone; stop it with `close`, or take it in a `with` block.

    Args:
        address: To listen on.
        port: To listen on; 0 for a free one.
        **options: See `Settings`.

    >>> import requests
    >>> with keystone_service(sample=False) as keystone:
    ...     requests.get(f"{keystone.url}/version/", timeout=5).text
    '0.10.7'

    Raises:
        ValueError: A setting makes no sense, or the database cannot be used.
        OSError: The address is not ours, or the port is in use.
    """
    return KeystoneService(Settings(**options), address=address, port=port)
