"""Time-outs of many awaited calls, watched by one timer, where a timer for each would cost more than the rest."""

from __future__ import annotations

import asyncio
from typing import Final

from restwright.wire.alert import Protocol

TICK: Final = 0.1
"""A call may overstep its time by so many seconds."""


class Watch:
    """One call: when it must have moved on, and whether it has a connection yet.

    If it has not, its task is cancelled, as by `asyncio.timeout`, which would cost more.
    """

    __slots__ = ("_cancelling", "_has_run_out", "_latest", "_loop", "_task", "connected", "due", "opened", "patience")

    def __init__(self, patience: float | None, until_deadline: float) -> None:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("an awaited call has to be made within a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._has_run_out = False
        self._latest = self._loop.time() + until_deadline
        self.due = self._latest
        """Loop time, in seconds."""
        self.patience = patience
        """Seconds that the answer's header section may take once all is sent."""
        self.opened: tuple[Protocol, ...] = ()
        """Connections that were opened for it, be it that TLS has yet to begin."""
        self.connected = False

    def allow(self, seconds: float | None) -> None:
        """So many seconds from now, None: for ever; but not beyond the deadline."""
        self.due = self._latest if seconds is None else min(self._loop.time() + seconds, self._latest)

    def run_out(self) -> None:
        """The time is up."""
        self._has_run_out = True
        self._task.cancel()

    def is_of(self, task: asyncio.Task[object] | None) -> bool:
        """Does this task make the call?"""
        return self._task is task

    def is_time_out(self, error: BaseException) -> bool:
        """Has the call ended with this error because its time was up?  To be asked once."""
        if not self._has_run_out:
            return False
        # If somebody else has cancelled the task too, it is to end (`asyncio.Task.uncancel`).
        return self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError)

    def forget(self) -> None:
        """It is over: let go of the task, with its result."""
        del self._task


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
        watch.forget()  # a connection that was opened by this call keeps its context, with the watch

    def note_opened(self, connection: Protocol) -> None:
        """The running task has opened a connection."""
        task = asyncio.current_task()
        for watch in self._watches:
            if watch.is_of(task):
                watch.opened += (connection,)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for watch in [watch for watch in self._watches if watch.due <= now]:
            watch.run_out()
            self._watches.discard(watch)
        self._handle = loop.call_later(TICK, self._look) if self._watches else None
