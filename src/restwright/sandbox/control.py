"""Orders by HTTP, for tests that are not written in Python, or run in another process.

They have a port of their own: so they are not counted, and the service can be woken up when it plays dead.  A page
in a browser cannot give orders: they have to come as JSON, which a page may send only where that is allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

from tornado.web import HTTPError

from rest_tools.server import RestHandler
from rest_tools.server.refusal import Refusal
from restwright.sandbox.journal import Journal
from restwright.sandbox.listener import Listener, server_of

__all__ = ["CONTROL_ROUTES", "Control", "Controlled", "Order"]


class Controlled(Protocol):
    """A service that takes orders."""

    @property
    def journal(self) -> Journal:
        """What it was asked."""
        ...

    @property
    def behave(self) -> Callable[..., Awaitable[None]]:
        """Called with endpoint, times and what else, it misbehaves."""
        ...

    async def behave_well(self) -> None:
        """Misbehave no more."""
        ...

    async def reset(self) -> None:
        """Be as at first."""
        ...


class Order(RestHandler):
    """An order; those that are given with a body, by `obey`."""

    service: Controlled

    def initialize(self, *args: Any, service: Controlled, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, **kwargs)
        self.service = service

    def check_xsrf_cookie(self) -> None:
        """The content type says enough."""

    async def obey(self, order: Callable[..., Any], **types: type) -> None:
        """Call it with the members of the body; what it does not like, or what has another type, is a bad request."""
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPError(415)
        try:
            _check_types(self.json_body_arguments, types)
            done = order(**self.json_body_arguments)
            if isinstance(done, Awaitable):
                await done
        except (TypeError, ValueError) as error:
            raise Refusal(400, str(error)) from None
        self.set_status(204)
        self.finish()


def _check_types(members: dict[str, Any], types: dict[str, type]) -> None:
    for name, value in members.items():
        if not isinstance(value, types.get(name, object)):
            raise TypeError(f"{name} must be of type {types[name].__name__}, got {value!r}")


class _Behave(Order):
    async def post(self) -> None:
        def behave(endpoint: str | None = None, times: int | None = None, **how: Any) -> Awaitable[None]:
            return self.service.behave(endpoint, times, **how)

        await self.obey(behave)

    async def delete(self) -> None:
        await self.service.behave_well()
        self.set_status(204)
        self.finish()


class _Reset(Order):
    async def post(self) -> None:
        await self.obey(self.service.reset)


class _Requests(Order):
    def get(self) -> None:
        entries = self.service.journal.entries()
        # Without headers and forms, which hold secrets.
        members = [
            {"endpoint": one.endpoint, "method": one.method, "grant_type": one.grant_type, "status": one.status}
            for one in entries
        ]
        self.finish({"requests": members})


CONTROL_ROUTES: Final = (("/behave", _Behave), ("/reset", _Reset), ("/requests", _Requests))


class Control:
    """The port for orders, if there is to be one; belongs to an event loop.

    Args:
        name: Of the service, for the log.
        service: That takes the orders.
        address: To listen on.
        is_wanted: Whether there is to be one.
        routes: Of the orders.

    Attributes:
        url: Where orders are taken; None if they are not.
    """

    def __init__(
        self,
        name: str,
        service: Controlled,
        address: str,
        *,
        is_wanted: bool,
        routes: Iterable[tuple[str, type[Order]]] = CONTROL_ROUTES,
    ) -> None:
        self.url: str | None = None
        orders = server_of(name, ((path, handler, {"service": service}) for path, handler in routes))
        self._listener = Listener(orders, address, 0) if is_wanted else None

    def start(self) -> None:
        """Listen on a free port.

        Raises:
            OSError: The address is not ours.
        """
        if self._listener is not None:
            self._listener.start()
            self.url = self._listener.url

    async def stop(self) -> None:
        """Listen no longer."""
        if self._listener is not None:
            await self._listener.stop()
