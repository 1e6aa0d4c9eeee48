"""An event loop in a thread of its own, in which the services of a sandbox run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar

__all__ = ["LoopThread"]

_WITHIN: Final = 30.0  # seconds; all that is done in the loop takes far less

P = ParamSpec("P")
T = TypeVar("T")


class LoopThread:
    """Runs until it is closed; what belongs to the loop is done there."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._is_running = threading.Event()
        self._thread = threading.Thread(target=self._run, name="restwright sandbox", daemon=True)
        self._thread.start()
        self._is_running.wait(_WITHIN)

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self._loop is None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine.

        Raises:
            RuntimeError: The loop is closed.
        """
        if self._loop is None:
            coroutine.close()
            raise RuntimeError("this sandbox is closed")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_WITHIN)

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a function.

        Raises:
            RuntimeError: The loop is closed.
        """

        async def call() -> T:
            return function(*args, **kwargs)

        return self.run(call())

    def close(self) -> None:
        """End the loop and all that goes on in it.  Again does no harm."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._end.set)
            self._thread.join(_WITHIN)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_running.set()
        await self._end.wait()
