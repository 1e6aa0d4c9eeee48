"""Client bases: settings, policies and a driver.  A service's client adds its operations class.

>>> from restwright import Operations
>>> class UserOperations(Operations): ...
>>> class UserClient(SyncClient, UserOperations): ...
>>> class AsyncUserClient(AsyncClient, UserOperations): ...
>>> UserClient("https://api.example.org/v1/", UserOperations())
<UserClient https://api.example.org/v1>
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import requests

from restwright.closing import AsyncClosing, Closing
from restwright.drivers import AsyncPages, Pages, run, run_async
from restwright.drivers.batch import Batch, Combine, Pending
from restwright.operation import AsyncMode, BatchMode, SyncMode
from restwright.plan import Listing, Operation, Policy, under
from restwright.policies import Layer, deadline, redirect, retry, stack
from restwright.transport import CONNECT_TIMEOUT, MAX_BYTES, READ_TIMEOUT, Transport, as_timeouts

T = TypeVar("T")
ItemT = TypeVar("ItemT")


def default_policy(*layers: Layer) -> Policy:
    """What a client does unless told otherwise: two minutes for a call, three attempts where safe, safe redirects.

    Args:
        layers: What else to do, inside the deadline and around the attempts: a login, say.
    """
    return stack(deadline(120.0), *layers, retry(3), redirect())


class Settings:
    """What the two kinds of client share.

    Args:
        url: Root of the service; the paths of operations lie below it.
        operations: The plain operations object whose plans are run.
        auth: A (user, password) pair or any `requests` auth policy; goes to the origin of `url` only.
        policy: A stack of policies around each exchange.
        timeout: Seconds to connect and between bytes of an answer, or a (connect, read) pair; None waits for ever.
        max_bytes: The largest answer that is taken.
        session: A `requests.Session` to send through; it is not closed with the client.
    """

    def __init__(
        self,
        url: str,
        operations: Any = None,
        *,
        auth: Any = None,
        policy: Policy | None = None,
        timeout: float | tuple[float | None, float | None] | None = (CONNECT_TIMEOUT, READ_TIMEOUT),
        max_bytes: int = MAX_BYTES,
        session: requests.Session | None = None,
    ) -> None:
        self.session = requests.Session() if session is None else session
        self.operations = operations
        self.transport = Transport(self.session, url, auth=auth, timeout=as_timeouts(timeout), max_bytes=max_bytes)
        self.policy = default_policy() if policy is None else policy

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.transport.root}>"


class SyncClient(Settings, SyncMode, Closing):
    """Calls return results."""

    def run(self, plan: Operation[T]) -> T:
        """Drive a plan of one's own, with the client's policies around each exchange."""
        return run(self.transport.send, under(self.policy, plan))

    def pages(self, start: Callable[[], Listing[ItemT]]) -> Pages[ItemT]:
        """The items of a listing of one's own."""
        return Pages(self.transport.send, lambda: under(self.policy, start()))

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self.transport.close()


class AsyncClient(Settings, AsyncMode, AsyncClosing):
    """Calls are awaited."""

    def run(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """Drive a plan of one's own, with the client's policies around each exchange."""
        return run_async(self.transport.send_async, under(self.policy, plan))

    def pages(self, start: Callable[[], Listing[ItemT]]) -> AsyncPages[ItemT]:
        """The items of a listing of one's own."""
        return AsyncPages(self.transport.send_async, lambda: under(self.policy, start()))

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self.transport.aclose()


class BatchClient(BatchMode):
    """Calls wait, and are sent together at the end of a `with` block, or `async with` for an awaited client.

    If the block ends with an exception, nothing is sent.

    Args:
        client: What sends.
        operations: The plain operations object whose plans are run.
        combine: The service's way of making one request of many: a plan that is given the requests of a round, and
            ends with an answer or an error for each.
    """

    def __init__(self, client: SyncClient | AsyncClient, operations: Any, combine: Combine) -> None:
        self.operations = operations
        self._client = client
        self._combine = combine
        self._batch = Batch()

    def queue(self, plan: Operation[T]) -> Pending[T]:
        """Let a plan of one's own wait."""
        return self._batch.add(Pending(plan))

    def send(self) -> Any:
        """Send what waits; to be awaited if the client's calls are."""
        return self._client.run(self._batch.rounds(self._combine))

    def __enter__(self) -> Self:
        if isinstance(self._client, AsyncClient):
            raise TypeError("the batch of an awaited client wants `async with`")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.send()

    async def __aenter__(self) -> Self:
        if not isinstance(self._client, AsyncClient):
            raise TypeError("the batch of a blocking client wants a plain `with`")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self.send()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}: {len(self._batch.waiting)} waiting>"
