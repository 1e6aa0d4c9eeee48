"""What becomes of a task whose call has run out of time, and of one that somebody else cancels as well."""

from __future__ import annotations

import asyncio

import pytest

from restwright.wire.watch import TICK, Watch, Watchman


async def watched(watchman, patience, sleep):
    """Sleeps under a watch; True if its time was up."""
    watch = Watch(patience, float("inf"))
    watchman.add(watch)
    watch.allow(patience)
    try:
        await asyncio.sleep(sleep)
    except BaseException as error:
        if watch.is_time_out(error):
            return True
        raise
    finally:
        watchman.remove(watch)
    return False


def test_a_call_that_is_late_is_told_so():
    async def main():
        watchman = Watchman()
        assert await watched(watchman, 0.01, 5) is True
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)  # nothing of it is left
        assert await watched(watchman, 5, 0.01) is False

    asyncio.run(main())


def test_a_task_that_is_cancelled_as_well_ends():
    async def main():
        watchman = Watchman()
        task = asyncio.create_task(watched(watchman, 0.01, 5))
        await asyncio.sleep(0)
        watch = next(iter(watchman._watches))
        watch.run_out()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())


def test_a_cancelled_task_is_not_late():
    async def main():
        watchman = Watchman()
        task = asyncio.create_task(watched(watchman, 5, 5))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_watch_within_a_time_out_of_the_callers_leaves_that_to_it():
    async def main():
        watchman = Watchman()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await watched(watchman, 5, 5)
        async with asyncio.timeout(5):
            assert await watched(watchman, 0.01, 5) is True

    asyncio.run(main())


def test_the_watchman_goes_when_there_is_nobody_to_look_after():
    async def main():
        watchman = Watchman()
        await watched(watchman, 5, 0.01)
        await asyncio.sleep(2 * TICK)
        assert watchman._handle is None

    asyncio.run(main())


def test_outside_a_task_there_is_nobody_to_cancel():
    async def main():
        failed = asyncio.get_running_loop().create_future()

        def make():
            try:
                Watch(1, 1)
            except RuntimeError as error:
                failed.set_result(str(error))

        asyncio.get_running_loop().call_soon(make)
        assert "within a task" in await failed

    asyncio.run(main())
