"""Time in tests. A loaded machine lets a process stand still for seconds, so nothing may hang on how long it took."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

PATIENCE = 30.0  # seconds that what should come true is given; it costs them only where it fails
BEAT = 0.005


def until(condition: Callable[[], Any], within: float = PATIENCE) -> Any:
    """What the condition gives, once that is true."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it did not come true within {within} s"
        time.sleep(BEAT)
    return found


async def until_async(condition: Callable[[], Any], within: float = PATIENCE) -> Any:
    """The same, while the event loop goes on."""
    async with asyncio.timeout(within):
        while not (found := condition()):  # noqa: ASYNC110  # what it looks at sets no event
            await asyncio.sleep(BEAT)
    return found


@contextlib.contextmanager
def running_time() -> Iterator[Callable[[], float]]:
    """A clock of the seconds that this process ran, never ahead of the real one: it stands still when that does.

    A thread that waits or works can be told by it from one that was not let run. It is for upper bounds only.
    """
    beats, over = 0, threading.Event()

    def beat() -> None:
        nonlocal beats
        while not over.wait(BEAT):
            beats += 1

    thread = threading.Thread(target=beat, name="running time", daemon=True)
    thread.start()
    try:
        yield lambda: beats * BEAT
    finally:
        over.set()
        thread.join()


async def set_after_turns(event: threading.Event, begin: Callable[[], Any], turns: int = 5) -> None:
    """Let go on what waits for the event in a thread, once it has begun and the event loop has got round some times."""
    await until_async(begin)
    for _ in range(turns):
        await asyncio.sleep(BEAT)
    event.set()
