"""The blocking driver."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from concurrent import futures
from inspect import isawaitable
from typing import Generic, TypeVar

import requests

from restwright.message import Request
from restwright.plan import Errand, Join, Listing, Operation, Page, Wait, Work, advance

T = TypeVar("T")
ItemT = TypeVar("ItemT")

Send = Callable[[Request], requests.Response]
Sleep = Callable[[float], object]


def pause(seconds: float) -> None:
    """Wait by what `time.sleep` is at this moment: tests replace it."""
    time.sleep(seconds)


def run(send: Send, plan: Operation[T], *, sleep: Sleep = pause) -> T:
    """Drive `plan` to its end; what `send` raises is raised inside the plan, which may recover."""
    try:
        step = next(plan)
        while True:
            step = advance(plan, _outcome(send, sleep, step))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        plan.close()


def _outcome(send: Send, sleep: Sleep, step: Request | Errand) -> requests.Response | Exception | None:
    """What came of one step of a plan."""
    if isinstance(step, Wait):
        sleep(step.seconds)
        return None
    if isinstance(step, Join):
        futures.wait([step.future], max(0.0, step.seconds))
        return None
    try:
        if isinstance(step, Work):
            result = step.call()
            step.result = _awaited(result) if isawaitable(result) else result
            return None
        return send(step)
    except Exception as error:  # noqa: BLE001 - it is raised in the plan
        return error


def _awaited(result: Awaitable[T]) -> T:
    """What comes of an awaitable, on an event loop of its own."""
    import asyncio  # a blocking client needs none else
    from concurrent.futures import ThreadPoolExecutor

    async def wait() -> T:
        return await result

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    with ThreadPoolExecutor(1) as thread:  # this thread's loop stands still as long as we do
        return thread.submit(asyncio.run, wait()).result()


class Pages(Generic[ItemT]):
    """Items of a listing, fetched page by page as they are consumed; each loop begins anew."""

    def __init__(self, send: Send, start: Callable[[], Listing[ItemT]], *, sleep: Sleep = pause) -> None:
        self._send = send
        self._start = start
        self._sleep = sleep

    def pages(self) -> Generator[Page[ItemT]]:
        """The pages, each with its items and the header fields that it came with."""
        plan = self._start()
        try:
            step = next(plan)
            while True:
                if isinstance(step, Page):
                    yield step
                    step = next(plan)
                else:
                    step = advance(plan, _outcome(self._send, self._sleep, step))
        except StopIteration:
            return
        finally:
            plan.close()

    def __iter__(self) -> Iterator[ItemT]:
        for page in self.pages():
            yield from page.items
