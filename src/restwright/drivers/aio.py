"""The awaited driver: the same loops with one `await` in them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

import requests

from restwright.message import Request
from restwright.plan import Errand, Join, Listing, Operation, Page, Wait, advance

T = TypeVar("T")
ItemT = TypeVar("ItemT")

SendAsync = Callable[[Request], Awaitable[requests.Response]]
SleepAsync = Callable[[float], Awaitable[object]]
Outcome: TypeAlias = requests.Response | Exception | None


async def pause(seconds: float) -> None:
    """Wait by what `asyncio.sleep` is at this moment: tests replace it."""
    await asyncio.sleep(seconds)


async def run_async(send: SendAsync, plan: Operation[T], *, sleep: SleepAsync = pause) -> T:
    """Drive `plan` to its end; what `send` raises is raised inside the plan, which is closed on cancellation."""
    try:
        step = next(plan)
        while True:
            if isinstance(step, Request):
                try:
                    outcome: Outcome = await send(step)
                except Exception as error:  # noqa: BLE001 - it is raised in the plan
                    outcome = error
            else:
                outcome = await _run_errand(sleep, step)
            step = advance(plan, outcome)
            del outcome  # an error whose traceback has this frame would hold itself
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        plan.close()


async def _run_errand(sleep: SleepAsync, step: Errand) -> Exception | None:
    if isinstance(step, Wait):
        await sleep(step.seconds)
        return None
    if isinstance(step, Join):
        await _wait_for(step)
        return None
    call = step.call
    try:
        result = call() if inspect.iscoroutinefunction(call) else await asyncio.to_thread(call)
        step.result = await result if inspect.isawaitable(result) else result
    except Exception as error:  # noqa: BLE001 - it is raised in the plan
        return error
    return None


async def _wait_for(step: Join) -> None:
    done = asyncio.wrap_future(step.future)
    done.add_done_callback(_seen)
    # Unlike `wait_for` and a plain `await`, it leaves the future as it is when it ends early: others wait for it too.
    await asyncio.wait([done], timeout=max(0.0, step.seconds))


def _seen(done: asyncio.Future[Any]) -> None:
    """Its outcome is told by the future that it wraps, if anybody asks."""
    if not done.cancelled():
        done.exception()


class AsyncPages(Generic[ItemT]):
    """Items of a listing, for `async for`; each loop begins anew."""

    def __init__(self, send: SendAsync, start: Callable[[], Listing[ItemT]], *, sleep: SleepAsync = pause) -> None:
        self._send = send
        self._start = start
        self._sleep = sleep

    def pages(self) -> AsyncIterator[Page[ItemT]]:
        """The pages, each with its items and the header fields that it came with."""
        return _PageIterator(self._send, self._sleep, self._start())

    def __aiter__(self) -> AsyncIterator[ItemT]:
        return _ItemIterator(self.pages())


# Classes, not async generators: a caller that leaves the loop early leaves nothing for the event loop to finalise.
class _PageIterator(Generic[ItemT]):
    def __init__(self, send: SendAsync, sleep: SleepAsync, plan: Listing[ItemT]) -> None:
        self._send = send
        self._sleep = sleep
        self._plan = plan

    def __aiter__(self) -> _PageIterator[ItemT]:
        return self

    async def __anext__(self) -> Page[ItemT]:
        try:
            step = next(self._plan)
            while not isinstance(step, Page):
                if isinstance(step, Request):
                    try:
                        outcome: Outcome = await self._send(step)
                    except Exception as error:  # noqa: BLE001 - it is raised in the plan
                        outcome = error
                else:
                    outcome = await _run_errand(self._sleep, step)
                step = advance(self._plan, outcome)
                del outcome
        except StopIteration:
            raise StopAsyncIteration from None
        except BaseException:
            self._plan.close()  # cancelled: it will not get its answer
            raise
        page: Page[ItemT] = step
        return page


class _ItemIterator(Generic[ItemT]):
    def __init__(self, pages: AsyncIterator[Page[ItemT]]) -> None:
        self._pages = pages
        self._items: Iterator[ItemT] = iter(())

    def __aiter__(self) -> _ItemIterator[ItemT]:
        return self

    async def __anext__(self) -> ItemT:
        while True:
            for item in self._items:
                return item
            self._items = iter((await anext(self._pages)).items)
