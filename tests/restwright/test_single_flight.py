from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import traceback
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.timing import PATIENCE, until

from restwright import Request
from restwright.drivers import run, run_async
from restwright.errors import DeadlineExceeded, NotConnected
from restwright.single_flight import SingleFlight


class Work:
    """Counts its runs; each lasts until it is let go."""

    def __init__(self, error=None):
        self.runs = 0
        self.callers = []
        self.error = error
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self):
        self.runs += 1
        self.begun.set()
        assert self.go.wait(PATIENCE)
        if self.error:
            raise self.error
        return f"run {self.runs}"


def send(request: Request):
    raise AssertionError(request)


def join(flight, work, within):
    plan = flight.join(work, within=within)
    work.callers.append(plan)
    return plan


def joined(flight, work, within=PATIENCE):
    return run(send, join(flight, work, within))


def awaited(flight, work, within=PATIENCE):
    return run_async(send, join(flight, work, within))


def test_one_after_the_other_is_two_runs():
    work, flight = Work(), SingleFlight("it")
    work.go.set()
    assert joined(flight, work) == "run 1"
    assert asyncio.run(awaited(flight, work)) == "run 2"


def test_nothing_is_done_that_may_not_begin():
    work, flight = Work(), SingleFlight("it")
    assert flight.begin(work, lambda: False) is None
    assert work.runs == 0


def test_what_is_under_way_is_joined_by_who_may_not_begin():
    work, flight = Work(), SingleFlight("it")
    first = flight.begin(work, lambda: True)
    assert flight.begin(work, lambda: False) is first
    work.go.set()
    assert run(send, flight.outcome(first, within=PATIENCE)) == "run 1"


def test_threads_tasks_and_several_event_loops_share_one_run():
    work, flight = Work(), SingleFlight("it")

    async def tasks():
        return await asyncio.gather(*(awaited(flight, work) for _ in range(20)))

    with ThreadPoolExecutor(14) as pool:
        threads = [pool.submit(joined, flight, work) for _ in range(10)]
        loops = [pool.submit(asyncio.run, tasks()) for _ in range(3)]
        until(lambda: len(work.callers) == 70)
        work.go.set()
        assert {future.result() for future in threads} == {"run 1"}
        assert {result for future in loops for result in future.result()} == {"run 1"}
    assert work.runs == 1


def test_a_thousand_tasks_that_wait_hold_one_thread():
    work, flight = Work(), SingleFlight("it")
    before = set(threading.enumerate())

    async def main():
        tasks = [asyncio.create_task(awaited(flight, work)) for _ in range(1000)]
        await asyncio.sleep(0.05)
        threads = len(set(threading.enumerate()) - before)
        work.go.set()
        return threads, set(await asyncio.gather(*tasks))

    assert asyncio.run(main()) == (1, {"run 1"})


def test_a_blocking_call_in_the_event_loop_does_not_wait_for_itself():
    """The run needs no event loop: so one that stands still cannot hold it up."""
    work, flight = Work(), SingleFlight("it")

    async def main():
        task = asyncio.create_task(awaited(flight, work))
        await asyncio.sleep(0)
        threading.Timer(0.05, work.go.set).start()
        return joined(flight, work), await task

    assert asyncio.run(main()) == ("run 1", "run 1")


def test_a_full_pool_of_threads_does_not_hold_it_up():
    work, flight = Work(), SingleFlight("it")

    async def main():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        waiting = [asyncio.to_thread(joined, flight, work) for _ in range(6)]
        threading.Timer(0.05, work.go.set).start()
        return await asyncio.gather(awaited(flight, work), *waiting)

    results = asyncio.run(main())
    assert results[0] == "run 1"
    assert len(results) == 7


def test_who_is_cancelled_leaves_the_run_to_the_others():
    work, flight = Work(), SingleFlight("it")

    async def main():
        first, second = asyncio.create_task(awaited(flight, work)), asyncio.create_task(awaited(flight, work))
        await asyncio.sleep(0.02)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        work.go.set()
        return await second

    assert asyncio.run(main()) == "run 1"


def test_a_run_outlives_the_event_loop_that_began_it():
    work, flight = Work(), SingleFlight("it")

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(awaited(flight, work), 0.02)

    asyncio.run(main())
    work.go.set()
    assert joined(flight, work) in ("run 1", "run 2")  # the second one if the first has just ended


def test_a_failure_is_everybodys_and_the_next_one_begins_anew():
    work, flight, cause = Work(NotConnected("away")), SingleFlight("it"), OSError("why")
    work.error.__cause__ = cause
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(joined, flight, work) for _ in range(4)]
        until(lambda: len(work.callers) == 4)
        work.go.set()
        errors = [future.exception() for future in waiting]
    assert [str(error) for error in errors] == ["away"] * 4
    assert {type(error) for error in errors} == {NotConnected}
    assert len({id(error) for error in errors}) == 4  # each raise changes a traceback
    assert {error.__cause__ for error in errors} == {cause}
    assert all("in __call__" in "".join(traceback.format_exception(error)) for error in errors)
    assert work.runs == 1
    with pytest.raises(NotConnected, match="away"):
        joined(flight, work)
    assert work.runs == 2


def test_an_error_that_cannot_be_copied_is_told_all_the_same():
    class Odd(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} and {two}")

    work, flight = Work(Odd("this", "that")), SingleFlight("it")
    work.go.set()
    with pytest.raises(Exception, match="this and that") as caught:
        joined(flight, work)
    assert caught.value.__cause__ is work.error


def test_who_waits_too_long_gets_an_error_and_the_run_goes_on():
    work, flight = Work(), SingleFlight("the renewal of a token")
    with pytest.raises(DeadlineExceeded, match=r"the renewal of a token takes longer than 0\.0 s"):
        joined(flight, work, within=0.02)
    with pytest.raises(DeadlineExceeded):
        asyncio.run(awaited(flight, work, within=-1.0))
    threading.Timer(0.05, work.go.set).start()
    assert joined(flight, work) == "run 1"


def test_nobody_hears_of_a_failure_that_nobody_waits_for(caplog):
    work, flight = Work(OSError("away")), SingleFlight("it")

    async def main():
        task = asyncio.create_task(awaited(flight, work))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
        work.go.set()
        await asyncio.sleep(0.05)

    asyncio.run(main(), debug=True)
    gc.collect()
    assert not [record for record in caplog.records if "never retrieved" in record.getMessage()]


def test_a_failure_of_a_run_that_nobody_asked_for_is_silent(caplog, capfd):
    work, flight = Work(OSError("away")), SingleFlight("it")
    work.go.set()
    flight.begin(work, lambda: True)
    time.sleep(0.05)
    gc.collect()
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_an_error_is_not_kept_alive_by_those_who_waited():
    error = OSError("away")

    class Held(OSError):
        pass

    work, flight = Work(), SingleFlight("it")
    work.go.set()
    work.error = Held("away")
    gone = weakref.ref(work.error)
    with pytest.raises(Held):
        joined(flight, work)
    work.error = error
    gc.collect()
    assert gone() is None


def test_after_a_fork_the_child_begins_anew():
    work, of_child, flight = Work(), Work(), SingleFlight("it")
    of_child.go.set()
    thread = threading.Thread(target=joined, args=(flight, work))
    thread.start()
    work.begun.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        os._exit(0 if joined(flight, of_child) == "run 1" and of_child.runs == 1 else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    work.go.set()
    thread.join()
    assert status == 0


def test_a_program_that_ends_waits_for_what_has_begun(tmp_path):
    done = tmp_path / "done"
    script = f"""
import pathlib, time
from restwright.drivers import run
from restwright.errors import DeadlineExceeded
from restwright.single_flight import SingleFlight

def work():
    time.sleep(0.3)
    pathlib.Path({str(done)!r}).touch()

try:
    run(None, SingleFlight("it").join(work, within=0.01))
except DeadlineExceeded:
    pass
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=200)
    assert done.exists()
