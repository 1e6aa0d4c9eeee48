"""Time-outs of many awaited calls, watched by one timer, where a timer for each would cost more than the rest."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Final

TICK: Final = 0.1
"""A call may overstep its time by so many seconds."""


class Watch:
    """One call: when it must have moved on, and whether it has a connection yet."""

    __slots__ = ("connected", "due", "patience", "timer")

    def __init__(self, patience: float | None) -> None:
        self.timer = asyncio.timeout(None)
        self.due: float | None = None
        """Loop time, in seconds; None: no hurry."""
        self.patience = patience
        """Seconds that the answer's header section may take once there is a connection."""
        self.connected = False

    def allow(self, seconds: float | None) -> None:
        """So many seconds from now; None: for ever."""
        self.due = None if seconds is None else asyncio.get_running_loop().time() + seconds


# The call that the current task makes, for the connector, which aiohttp does not tell.
current: ContextVar[Watch | None] = ContextVar("current", default=None)


class Watchman:
    """Looks after the calls of one event loop, as long as there are any."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._handle: asyncio.TimerHandle | None = None

    def add(self, watch: Watch) -> None:
        """Begin to look after a call."""
        self._watches.add(watch)
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(TICK, self._look)

    def remove(self, watch: Watch) -> None:
        """It is over."""
        self._watches.discard(watch)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for watch in [watch for watch in self._watches if watch.due is not None and watch.due <= now]:
            watch.timer.reschedule(now)
            self._watches.discard(watch)
        self._handle = loop.call_later(TICK, self._look) if self._watches else None
