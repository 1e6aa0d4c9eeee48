"""A running service, as tests and programs hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from restwright.closing import Closing
from restwright.sandbox.event_loop import LoopThread
from restwright.sandbox.journal import Asked, Journal
from restwright.sandbox.tls import Tls

if TYPE_CHECKING:  # it needs an extra
    from restwright.sandbox.certificates import Certificates

__all__ = ["Running", "Service"]


class Service(Protocol):
    """What runs; it belongs to an event loop."""

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    @property
    def control_url(self) -> str | None:
        """Where it takes orders."""
        ...

    @property
    def journal(self) -> Journal:
        """What it was asked."""
        ...

    @property
    def tls(self) -> Tls:
        """How it speaks."""
        ...

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Listen no longer."""
        ...

    async def behave_well(self) -> None:
        """Misbehave no more."""
        ...

    async def reset(self) -> None:
        """Be as at first."""
        ...


ServiceT = TypeVar("ServiceT", bound=Service)


class Running(Closing, Generic[ServiceT]):
    """A running service; ended by `close` or with its `with` block.

    Its methods may be called from any thread but that of its own event loop.
    """

    def __init__(self, service: ServiceT) -> None:
        self._service = service
        self._loop = LoopThread()
        try:
            self._loop.run(service.start())
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def close(self) -> None:
        """Stop it, and forget everything that is in memory.  Again does no harm."""
        if not self._loop.is_closed:
            self._loop.run(self._service.stop())
            self._loop.close()
        self._service.tls.close()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self._service.url

    @property
    def control_url(self) -> str | None:
        """Where it takes orders by HTTP; None if it does not."""
        return self._service.control_url

    @property
    def certificates(self) -> Certificates | None:
        """What a client needs to speak TLS with it; None if it speaks plain HTTP. They are gone when it is closed."""
        return self._service.tls.certificates

    @property
    def tls(self) -> Tls:
        """How it speaks."""
        return self._service.tls

    @property
    def requests(self) -> list[Asked]:
        """The last 10,000 requests, in order."""
        return self._loop.call(self._service.journal.entries)

    def count(
        self,
        endpoint: str | None = None,
        *,
        method: str | None = None,
        grant_type: str | None = None,
        status: int | None = None,
    ) -> int:
        """How many requests there were, of those of the last 10,000.

        Args:
            endpoint: To this endpoint; to all if None.
            method: Of this method.
            grant_type: Of a token endpoint: for this grant, such as `refresh_token`.
            status: That were answered with this status.
        """
        return self._loop.call(
            self._service.journal.count, endpoint, method=method, grant_type=grant_type, status=status
        )

    def behave_well(self) -> None:
        """Misbehave no more."""
        self._loop.run(self._service.behave_well())

    def reset(self) -> None:
        """Be as at first."""
        self._loop.run(self._service.reset())
