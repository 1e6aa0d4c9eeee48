"""The blocking and the awaited driver: the same promises, so the same tests."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
import traceback
import weakref
from concurrent.futures import Future
from unittest.mock import patch

import pytest

from restwright import Operation, Request, Response, Wait, fetch
from restwright.drivers import run, run_async
from restwright.errors import NotFound, ReadTimeout
from restwright.plan import Join, Work


def run_blocking(send, plan, **settings):
    return run(send, plan, **settings)


def run_awaited(send, plan, *, sleep=None):
    async def send_async(request):
        await asyncio.sleep(0)
        return send(request)

    async def sleep_async(seconds):
        await asyncio.sleep(0)
        sleep(seconds)

    return asyncio.run(run_async(send_async, plan, **({} if sleep is None else {"sleep": sleep_async})))


@pytest.fixture(params=[run_blocking, run_awaited], ids=["sync", "async"])
def drive(request):
    return request.param


def echo(request: Request) -> Response:
    return Response(200, json={"url": request.url})


def failing(request: Request) -> Response:
    if request.url == "/bad":
        raise ReadTimeout(f"no answer from {request.url}")
    return echo(request)


def test_a_plan_is_driven_to_its_result(drive):
    def plan() -> Operation[list[str]]:
        one = yield Request("GET", "/1")
        two = yield Request("GET", "/2")
        return [one.json()["url"], two.json()["url"]]

    assert drive(echo, plan()) == ["/1", "/2"]


def test_a_plan_may_end_at_once_or_without_a_result(drive):
    def immediate() -> Operation[int]:
        return 3
        yield

    def silent() -> Operation[None]:
        yield Request("GET", "/")

    assert drive(echo, immediate()) == 3
    assert drive(echo, silent()) is None


def test_waits_are_slept(drive):
    slept = []

    def plan() -> Operation[list[object]]:
        got = yield Wait(0.5)
        yield Wait(1.5)
        return [got]

    assert drive(echo, plan(), sleep=slept.append) == [None]
    assert slept == [0.5, 1.5]


@pytest.mark.parametrize(("drive", "name"), [(run_blocking, "time.sleep"), (run_awaited, "asyncio.sleep")])
def test_tests_that_replace_the_sleep_of_the_standard_library_do_not_wait(drive, name):
    def plan() -> Operation[str]:
        yield Wait(3600)
        return "done"

    with patch(name) as sleep:
        assert drive(lambda request: None, plan()) == "done"
    sleep.assert_called_once_with(3600)


def test_waiting_takes_real_time(drive):
    def plan() -> Operation[None]:
        yield Wait(0.001)

    assert drive(echo, plan()) is None


def test_work_is_done_and_its_failure_raised_in_the_plan(drive):
    def plan() -> Operation[tuple[object, str]]:
        done = Work(lambda: 7)
        yield done
        try:
            yield Work(lambda: 1 / 0)
        except ZeroDivisionError as error:
            return done.result, str(error)
        raise AssertionError

    assert drive(echo, plan()) == (7, "division by zero")


def test_work_does_not_block_an_event_loop():
    threads = []

    def plan() -> Operation[None]:
        yield Work(lambda: threads.append(threading.current_thread()))

    run_awaited(echo, plan())
    assert threads != [threading.current_thread()]
    run(echo, plan())
    assert threads[1] is threading.current_thread()


def joining(future: Future[str], seconds: float) -> Operation[bool]:
    yield Join(future, seconds)
    return future.done()


def test_a_plan_waits_for_what_a_thread_does(drive):
    future: Future[str] = Future()
    threading.Timer(0.03, future.set_result, ["done"]).start()
    assert drive(echo, joining(future, 30.0))


def test_a_plan_waits_no_longer_than_it_wants_to(drive):
    future: Future[str] = Future()
    started = time.monotonic()
    assert not drive(echo, joining(future, 0.02))
    assert not drive(echo, joining(future, -1.0))
    assert time.monotonic() - started < 30
    assert not future.cancelled()


def test_the_failure_of_what_is_waited_for_is_the_plans_to_read(drive):
    future: Future[str] = Future()
    future.set_exception(OSError("away"))
    assert drive(echo, joining(future, 1.0))
    cancelled: Future[str] = Future()
    cancelled.cancel()
    assert drive(echo, joining(cancelled, 1.0))


def test_who_is_cancelled_does_not_cancel_what_is_waited_for():
    future: Future[str] = Future()

    async def echo_async(request):
        return echo(request)

    async def main():
        waiting = asyncio.create_task(run_async(echo_async, joining(future, 30.0)))
        other = asyncio.create_task(run_async(echo_async, joining(future, 30.0)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        future.set_result("done")
        return waiting.cancelled(), await other

    assert asyncio.run(main()) == (True, True)


def test_what_is_done_after_the_loop_has_closed_harms_nobody(caplog):
    future: Future[str] = Future()
    run_awaited(echo, joining(future, 0.01))
    future.set_exception(OSError("late"))
    assert caplog.records == []


def test_what_sending_raises_is_raised_in_the_plan_which_may_recover(drive):
    def plan() -> Operation[str]:
        try:
            yield Request("GET", "/bad")
        except ReadTimeout:
            response = yield Request("GET", "/mirror")
            return str(response.json()["url"])
        return "no error"

    assert drive(failing, plan()) == "/mirror"


def test_the_traceback_shows_the_operation(drive):
    def inner_operation() -> Operation[None]:
        yield from fetch(Request("GET", "/bad"))

    def outer_operation() -> Operation[None]:
        yield from inner_operation()

    with pytest.raises(ReadTimeout) as raised:
        drive(failing, outer_operation())
    frames = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert frames.index("outer_operation") < frames.index("inner_operation") < frames.index("failing")


def test_an_error_of_the_plan_is_the_callers(drive):
    with pytest.raises(NotFound):
        drive(lambda _: Response(404), fetch(Request("GET", "/")))


class Abort(BaseException):
    pass


@pytest.mark.parametrize("end", [ReadTimeout("late"), Abort(), KeyboardInterrupt()], ids=repr)
def test_a_plan_is_closed_however_it_ends(drive, end):
    closed = []

    def plan() -> Operation[None]:
        try:
            yield Request("GET", "/")
        finally:
            closed.append(True)

    def send(_: Request) -> Response:
        raise end

    with pytest.raises(type(end)):
        drive(send, plan())
    assert closed == [True]


def test_a_sleep_that_is_interrupted_closes_the_plan(drive):
    closed = []

    def plan() -> Operation[None]:
        try:
            yield Wait(1.0)
        finally:
            closed.append(True)

    def sleep(_: float) -> None:
        raise Abort

    with pytest.raises(Abort):
        drive(echo, plan(), sleep=sleep)
    assert closed == [True]


@pytest.mark.parametrize("step", [Request("GET", "/"), Wait(60.0)])
def test_a_cancelled_call_closes_its_plan(step):
    closed = []

    def plan() -> Operation[None]:
        try:
            yield step
        finally:
            closed.append(True)

    async def never(_: Request) -> Response:
        await asyncio.sleep(60)
        raise AssertionError

    async def main() -> None:
        task = asyncio.create_task(run_async(never, plan()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed == [True]

    asyncio.run(main())


def test_an_error_holds_nothing_once_it_is_handled():
    """No reference cycle: the memory of a failed call is free without the garbage collector."""

    class Result:
        pass

    def plan() -> Operation[None]:
        result = Result()
        held.append(weakref.ref(result))
        yield Request("GET", "/bad")

    held: list[weakref.ref[Result]] = []
    with pytest.raises(ReadTimeout):
        run(failing, plan())
    assert held[0]() is None


def test_ten_thousand_exchanges_in_one_plan(drive):
    def plan() -> Operation[int]:
        count = 0
        for number in range(10_000):
            response = yield Request("GET", f"/{number}")
            count += response.status_code == 200
        return count

    assert drive(lambda _: Response(200), plan()) == 10_000


def work(call):
    step = Work(call)
    yield step
    return step.result


def test_work_may_be_a_coroutine_function(drive):
    async def add(a, b):
        await asyncio.sleep(0)
        return a + b

    assert drive(None, work(lambda: add(1, 2))) == 3
    assert drive(None, work(functools.partial(add, 1, 2))) == 3


def test_what_it_raises_is_raised_in_the_plan(drive):
    async def fail():
        await asyncio.sleep(0)
        raise KeyError("x")

    def plan():
        try:
            yield Work(fail)
        except KeyError:
            return "caught"

    assert drive(None, plan()) == "caught"


def test_a_coroutine_function_is_awaited_on_the_loop_of_its_plan():
    async def here():
        return asyncio.get_running_loop()

    async def main():
        return await run_async(None, work(here)) is asyncio.get_running_loop()

    assert asyncio.run(main())


def test_a_blocking_driver_runs_one_also_while_a_loop_waits_for_it():
    async def add():
        await asyncio.sleep(0)
        return 3

    async def main():
        return run(None, work(add))

    assert asyncio.run(main()) == 3
