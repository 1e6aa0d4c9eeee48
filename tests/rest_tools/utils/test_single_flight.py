from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rest_tools.utils.single_flight import SingleFlight


class Work:
    """Counts its runs; each lasts until it is let go."""

    def __init__(self, error=None):
        self.runs = 0
        self.error = error
        self.go = threading.Event()

    def __call__(self):
        self.runs += 1
        self.go.wait(5)
        if self.error:
            raise self.error

    async def awaited(self):
        await asyncio.to_thread(self)


def test_one_after_the_other_is_two_runs():
    work, flight = Work(), SingleFlight(5)
    work.go.set()
    flight.run(work)
    asyncio.run(flight.run_async(work.awaited))
    assert work.runs == 2


def test_nothing_is_done_that_may_not_begin():
    work, flight = Work(), SingleFlight(5)
    flight.run(work, lambda: False)
    asyncio.run(flight.run_async(work.awaited, lambda: False))
    assert work.runs == 0


def test_all_who_wait_share_a_failure_and_the_next_one_begins_anew():
    work, flight = Work(OSError("away")), SingleFlight(5)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(flight.run, work) for _ in range(4)]
        waiting += [pool.submit(lambda: asyncio.run(flight.run_async(work.awaited))) for _ in range(4)]
        time.sleep(0.1)
        work.go.set()
        assert [str(future.exception()) for future in waiting] == ["away"] * 8
    assert work.runs == 1
    with pytest.raises(OSError, match="away"):
        flight.run(work)
    assert work.runs == 2


def test_a_failure_that_nobody_waits_for_is_silent(caplog):
    async def main():
        work, flight = Work(OSError("away")), SingleFlight(5)
        work.go.set()
        flight.begin(work.awaited)
        await asyncio.sleep(0.1)
        assert work.runs == 1

    asyncio.run(main(), debug=True)
    assert "away" not in caplog.text


def test_whoever_is_cancelled_the_others_get_their_result():
    async def main():
        work, flight = Work(), SingleFlight(5)
        waiting = [asyncio.create_task(flight.run_async(work.awaited)) for _ in range(3)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()
        waiting[1].cancel()
        await asyncio.sleep(0)
        work.go.set()
        await waiting[2]
        assert work.runs == 1

    asyncio.run(main())


def test_a_run_whose_loop_stands_still_counts_as_lost():
    lost, work, flight = Work(), Work(), SingleFlight(0.2)
    work.go.set()
    loop = asyncio.new_event_loop()
    task = loop.create_task(flight.run_async(lost.awaited))
    loop.run_until_complete(asyncio.sleep(0.05))
    with pytest.raises(TimeoutError):
        flight.run(work)  # there is a run, so this one waits
    flight.run(work)
    assert work.runs == 1
    lost.go.set()
    loop.run_until_complete(asyncio.wait([task]))
    task.exception()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_the_loop_that_runs_it_does_not_wait_for_itself():
    async def main():
        flight = SingleFlight(5)
        slow, quick = Work(), Work()
        quick.go.set()
        task = asyncio.create_task(flight.run_async(slow.awaited))
        await asyncio.sleep(0.05)
        flight.run(quick)
        assert quick.runs == 1
        flight.run(quick, lambda: False)
        assert quick.runs == 1
        slow.go.set()
        await task

    asyncio.run(asyncio.wait_for(main(), 3))


def test_a_failure_is_silent_for_a_waiter_that_was_cancelled(caplog):
    work, flight = Work(ValueError("no")), SingleFlight(5)

    async def main():
        waiting = asyncio.create_task(flight.run_async(work.awaited))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.sleep(0)
        work.go.set()
        await asyncio.sleep(0.1)

    asyncio.run(main())
    gc.collect()
    assert work.runs == 1
    assert caplog.text == ""
