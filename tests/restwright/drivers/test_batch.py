from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future

import pytest

from restwright import Operation, Request, Response, Wait, fetch
from restwright.drivers import Batch, Pending, run, run_async
from restwright.drivers.batch import Outcome
from restwright.errors import Conflict, NotFound, ReadTimeout
from restwright.plan import Join, Work
from restwright.testing import play


def get(path: str) -> Operation[str]:
    response = yield from fetch(Request("GET", path))
    return str(response.json())


def get_or_create(path: str) -> Operation[str]:
    try:
        return (yield from get(path))
    except NotFound:
        response = yield from fetch(Request("PUT", path))
        return f"new {response.json()}"


class Service:
    """Answers many requests as one, and takes note of each round."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []

    def answer(self, request: Request) -> Outcome:
        if request.url == "/late":
            return ReadTimeout("this one alone")
        if request.method == "GET" and request.url.startswith("/missing"):
            return Response(404)
        return Response(200, json=request.url)

    def combine(
        self, requests: Sequence[Request]
    ) -> Generator[Request, Response, Sequence[Outcome]]:  # one POST for all
        self.rounds.append([f"{request.method} {request.url}" for request in requests])
        yield Request("POST", "/batch")
        return [self.answer(request) for request in requests]


def sent(batch: Batch, combine) -> list[float]:
    slept: list[float] = []
    run(lambda request: Response(200), batch.rounds(combine), sleep=slept.append)
    return slept


def test_results_are_there_after_the_batch_was_sent():
    service, batch = Service(), Batch()
    one, two = batch.add(Pending(get("/1"))), batch.add(Pending(get("/2")))
    assert not one.is_done
    assert repr(one) == "<Pending waiting>"
    with pytest.raises(RuntimeError, match="has not been sent yet"):
        one.result()
    sent(batch, service.combine)
    assert (one.result(), two.result()) == ("/1", "/2")
    assert one.is_done
    assert one.error is None
    assert repr(one) == "<Pending '/1'>"
    assert service.rounds == [["GET /1", "GET /2"]]
    assert batch.waiting == []


def test_plans_advance_in_rounds():
    service, batch = Service(), Batch()
    old = batch.add(Pending(get("/1")))
    new = batch.add(Pending(get_or_create("/missing/2")))
    other = batch.add(Pending(get_or_create("/missing/3")))
    sent(batch, service.combine)
    assert service.rounds == [
        ["GET /1", "GET /missing/2", "GET /missing/3"],
        ["PUT /missing/2", "PUT /missing/3"],
    ]
    assert [old.result(), new.result(), other.result()] == ["/1", "new /missing/2", "new /missing/3"]


def test_the_same_rounds_awaited():
    service, batch = Service(), Batch()
    new = batch.add(Pending(get_or_create("/missing/2")))

    async def send(_: Request) -> Response:
        await asyncio.sleep(0)
        return Response(200)

    asyncio.run(run_async(send, batch.rounds(service.combine)))
    assert new.result() == "new /missing/2"
    assert len(service.rounds) == 2


def test_an_operation_that_fails_fails_alone():
    service, batch = Service(), Batch()
    missing = batch.add(Pending(get("/missing")))
    late = batch.add(Pending(get("/late")))
    good = batch.add(Pending(get("/1")))
    sent(batch, service.combine)
    assert good.result() == "/1"
    with pytest.raises(NotFound):
        missing.result()
    with pytest.raises(ReadTimeout, match="this one alone"):
        late.result()
    assert isinstance(missing.error, NotFound)
    assert "failed: " in repr(missing)


def test_an_error_of_one_item_is_raised_in_its_plan():
    def patient() -> Operation[str]:
        try:
            return (yield from get("/late"))
        except ReadTimeout:
            return (yield from get("/early"))

    service, batch = Service(), Batch()
    pending = batch.add(Pending(patient()))
    sent(batch, service.combine)
    assert pending.result() == "/early"


def test_operations_that_wait_do_so_together():
    def waiting(seconds: float, path: str) -> Operation[str]:
        yield Wait(seconds)
        return (yield from get(path))

    service, batch = Service(), Batch()
    pending = [batch.add(Pending(waiting(seconds, f"/{seconds}"))) for seconds in (1.0, 3.0, 2.0)]
    straight = batch.add(Pending(get("/straight")))
    assert sent(batch, service.combine) == [3.0]
    assert service.rounds == [["GET /straight"], ["GET /1.0", "GET /3.0", "GET /2.0"]]
    assert straight.result() == "/straight"
    assert [one.result() for one in pending] == ["/1.0", "/3.0", "/2.0"]


def test_work_is_done_between_rounds_and_fails_alone():
    def working(call) -> Operation[object]:
        work = Work(call)
        yield work
        yield from get("/after")
        return work.result

    service, batch = Service(), Batch()
    good = batch.add(Pending(working(lambda: 7)))
    bad = batch.add(Pending(working(lambda: 1 / 0)))
    sent(batch, service.combine)
    assert good.result() == 7
    assert isinstance(bad.error, ZeroDivisionError)
    assert service.rounds == [["GET /after"]]


def test_what_a_thread_does_is_waited_for_between_rounds():
    def joining(future: Future[str]) -> Operation[str]:
        yield Join(future, 5.0)
        return future.result() + (yield from get("/after"))

    future: Future[str] = Future()
    service, batch = Service(), Batch()
    first, second = (batch.add(Pending(joining(future))) for _ in range(2))
    threading.Timer(0.03, future.set_result, ["done "]).start()
    sent(batch, service.combine)
    assert [first.result(), second.result()] == ["done /after", "done /after"]
    assert service.rounds == [["GET /after", "GET /after"]]


def test_an_operation_that_asks_for_nothing_is_done_at_once():
    def nothing() -> Operation[int]:
        return 3
        yield

    service, batch = Service(), Batch()
    assert batch.add(Pending(nothing())).result() == 3
    sent(batch, service.combine)
    assert service.rounds == []


def test_an_operation_that_fails_at_once_fails_at_the_call():
    def broken() -> Operation[int]:
        raise ValueError("page size must be 1 or more")
        yield

    batch = Batch()
    with pytest.raises(ValueError, match="page size"):
        batch.add(Pending(broken()))
    assert batch.waiting == []


def watched(path: str, closed: list[str]) -> Operation[str]:
    try:
        return (yield from get(path))
    finally:
        closed.append(path)


def test_a_batch_that_fails_as_a_whole_fails_all_that_have_no_outcome():
    service, batch, closed = Service(), Batch(), []
    first = batch.add(Pending(get("/1")))
    second = batch.add(Pending(get_or_create("/missing")))
    third = batch.add(Pending(watched("/3", closed)))

    def combine(requests: Sequence[Request]) -> Generator[Request, Response, Sequence[Outcome]]:
        if service.rounds:
            raise Conflict("no second round", response=Response(409))
        return (yield from service.combine(requests))

    with pytest.raises(Conflict):
        sent(batch, combine)
    assert (first.result(), third.result()) == ("/1", "/3")
    with pytest.raises(Conflict):
        second.result()
    assert closed == ["/3"]


def test_what_sending_a_batch_raises_fails_all():
    service, batch, closed = Service(), Batch(), []
    pending = [batch.add(Pending(watched(f"/{number}", closed))) for number in range(3)]

    def send(_: Request) -> Response:
        raise ReadTimeout("no answer to the batch")

    with pytest.raises(ReadTimeout) as raised:
        run(send, batch.rounds(service.combine))
    assert [one.error for one in pending] == [raised.value] * 3
    assert closed == ["/0", "/1", "/2"]


def test_too_few_answers_are_an_error_for_all():
    batch = Batch()
    pending = [batch.add(Pending(get(f"/{number}"))) for number in range(3)]

    def combine(_: Sequence[Request]) -> Generator[Request, Response, Sequence[Outcome]]:
        yield Request("POST", "/batch")
        return [Response(200, json=1)]

    with pytest.raises(ValueError, match="1 answers to the 3 requests"):
        play(batch.rounds(combine), Response(200))
    assert all(isinstance(one.error, ValueError) for one in pending)


def test_a_cancelled_batch_closes_its_plans_and_says_so():
    service, batch, closed = Service(), Batch(), []
    pending = batch.add(Pending(watched("/1", closed)))

    async def never(_: Request) -> Response:
        await asyncio.sleep(60)
        raise AssertionError

    async def main() -> None:
        task = asyncio.create_task(run_async(never, batch.rounds(service.combine)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed == ["/1"]
    with pytest.raises(RuntimeError, match="the batch was cancelled"):
        pending.result()


def test_a_batch_can_be_filled_and_sent_again():
    service, batch = Service(), Batch()
    batch.add(Pending(get("/1")))
    sent(batch, service.combine)
    again = batch.add(Pending(get("/2")))
    sent(batch, service.combine)
    assert again.result() == "/2"
    assert service.rounds == [["GET /1"], ["GET /2"]]
