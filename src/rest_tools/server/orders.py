"""What a process that serves is told from outside: to stop, to stop at once, or to make way for another one."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import signal
import threading
from collections.abc import Callable, Coroutine, Generator
from types import FrameType
from typing import Any, TypeAlias

__all__ = ["Handler", "Order", "Orders", "handling", "refuse_to_block"]

Handler: TypeAlias = Callable[[int, FrameType | None], object]


class Order(enum.Enum):
    """What to do."""

    STOP = enum.auto()
    MAKE_WAY = enum.auto()


class Orders:
    """The orders that came, and who waits for them.  Orders may be given at any time, by signal handlers too.

    Args:
        on_ready: Called when the process serves.
        only_one: Nothing counts after the first one.
    """

    def __init__(self, on_ready: Callable[[], object] = lambda: None, *, only_one: bool = False) -> None:
        self._on_ready = on_ready
        self._only_one = only_one
        self._came: list[Order] = []
        self._is_ready = False
        self._task: asyncio.Task[None] | None = None
        self._news: asyncio.Event | None = None

    def give(self, order: Order) -> int:
        """The first one ends the serving; one that comes before it began, ends the beginning.

        Returns:
            How many came by now.
        """
        if self._came and self._only_one:
            return 1
        self._came.append(order)
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.get_loop().call_soon_threadsafe(self._notice)
        return len(self._came)

    def _notice(self) -> None:
        assert self._task is not None
        assert self._news is not None
        self._news.set()
        if not self._is_ready:
            self._task.cancel()

    def run(self, serving: Coroutine[Any, Any, None]) -> None:
        """Run it in an event loop of its own."""

        async def main() -> None:
            self._news = asyncio.Event()
            self._task = asyncio.current_task()
            if self._came:
                serving.close()
            else:
                await serving

        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            if not self._came:
                raise

    def ready(self) -> None:
        """The process serves: orders are waited for from now on."""
        self._is_ready = True
        self._on_ready()

    async def first(self) -> Order:
        """What to do, as soon as there is something."""
        return await self._nth(0)

    async def second(self) -> Order:
        """The order that says not to take so long."""
        return await self._nth(1)

    async def _nth(self, index: int) -> Order:
        assert self._news is not None
        while len(self._came) <= index:
            self._news.clear()
            await self._news.wait()
        return self._came[index]


@contextlib.contextmanager
def handling(handlers: dict[signal.Signals, Handler]) -> Generator[None]:
    """Signals are handled so within the block, and afterwards as before."""
    before = {number: signal.getsignal(number) for number in handlers}
    try:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, signal.SIG_DFL if handler_before is None else handler_before)


def refuse_to_block() -> None:
    """Return where one may block and handle signals.

    Raises:
        RuntimeError: This is not the main thread, or there is an event loop in it.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("run() handles signals, so it is for the main thread; elsewhere, use startup()")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("run() has an event loop of its own; within one, use startup()")
