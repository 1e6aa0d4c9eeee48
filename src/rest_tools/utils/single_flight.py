"""One run for all who need it at the same time: threads, tasks, and the tasks of several event loops.

Who comes first begins; who comes while it runs waits for its outcome and shares it.  An awaited run is a task of
its own: that a caller is cancelled, the first one included, does not concern the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any


def _always() -> bool:
    return True


@dataclass(slots=True)
class _Flight:
    loop: asyncio.AbstractEventLoop | None
    started: float
    landed: Future[None] = field(default_factory=Future[None])
    task: asyncio.Task[None] | None = None


class SingleFlight:
    """Runs one thing at a time.

    Args:
        longest: Seconds after which a run counts as lost, and another may begin: its event loop may be gone.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._flight: _Flight | None = None
        self._lock = threading.Lock()

    def run(self, work: Callable[[], None], may_begin: Callable[[], bool] = _always) -> None:
        """Do `work`, or wait for the run there is.  It raises what the run raises.

        Args:
            work: What to do.
            may_begin: Asked, under a lock, when there is no run; if False, nothing is done.
        """
        flight, is_ours = self._board(may_begin, None)
        if flight is None:
            return
        if is_ours:
            with self._landing(flight):
                work()
        elif flight.loop is not None and flight.loop is _running_loop():
            if may_begin():  # to wait would keep the run from going on: it needs this thread
                work()
        else:
            flight.landed.result(self._longest)

    async def run_async(
        self, work: Callable[[], Coroutine[Any, Any, None]], may_begin: Callable[[], bool] = _always
    ) -> None:
        """The same, awaited."""
        flight = self.begin(work, may_begin)
        if flight is not None:
            landed = asyncio.wrap_future(flight.landed)
            landed.add_done_callback(_seen)  # a waiter that was cancelled will not ask what came of it
            async with asyncio.timeout(self._longest):
                await asyncio.shield(landed)

    def begin(
        self, work: Callable[[], Coroutine[Any, Any, None]], may_begin: Callable[[], bool] = _always
    ) -> _Flight | None:
        """Begin a run on the running event loop, if there is none; its outcome is nobody's yet."""
        loop = asyncio.get_running_loop()
        flight, is_ours = self._board(may_begin, loop)
        if flight is not None and is_ours:
            flight.task = loop.create_task(self._fly(flight, work))
        return flight

    async def _fly(self, flight: _Flight, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with contextlib.suppress(Exception), self._landing(flight):  # it is in the flight's outcome
            await work()

    def _board(
        self, may_begin: Callable[[], bool], loop: asyncio.AbstractEventLoop | None
    ) -> tuple[_Flight | None, bool]:
        with self._lock:
            now = time.monotonic()
            if self._flight is not None and now - self._flight.started <= self._longest:
                return self._flight, False
            if not may_begin():
                return None, False
            self._flight = _Flight(loop, now)
            return self._flight, True

    @contextlib.contextmanager
    def _landing(self, flight: _Flight) -> Any:
        error: BaseException | None = None
        try:
            yield
        except BaseException as caught:
            error = caught
            raise
        finally:
            with self._lock:
                if self._flight is flight:
                    self._flight = None
            if error is None:
                flight.landed.set_result(None)
            elif isinstance(error, Exception):
                flight.landed.set_exception(error)
            else:
                flight.landed.set_exception(RuntimeError("the run was cancelled"))
            del error


def _seen(landed: asyncio.Future[None]) -> None:
    if not landed.cancelled():
        landed.exception()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
