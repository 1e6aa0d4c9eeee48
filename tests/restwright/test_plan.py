"""Plans by hand: no client, no socket, no mock."""

from __future__ import annotations

import pytest

from restwright import Listing, Operation, Page, Request, Response, Wait, fetch
from restwright.errors import NotFound, ReadTimeout
from restwright.plan import advance, exchange, paged, under
from restwright.testing import play


def greet(name: str) -> Operation[str]:
    response = yield from fetch(Request("GET", f"/users/{name}"))
    yield Wait(0.5)
    response = yield from fetch(Request("POST", "/greetings", json=response.json()))
    return str(response.json())


def test_a_plan_is_driven_with_next_and_send():
    plan = greet("ann")
    assert next(plan) == Request("GET", "/users/ann")
    assert plan.send(Response(200, json={"id": 7})) == Wait(0.5)
    assert next(plan) == Request("POST", "/greetings", json={"id": 7})
    with pytest.raises(StopIteration) as stop:
        plan.send(Response(201, json="hello"))
    assert stop.value.value == "hello"


def test_an_error_status_is_raised_in_the_operation():
    plan = greet("ann")
    next(plan)
    with pytest.raises(NotFound):
        plan.send(Response(404))


def test_advance_begins_sends_throws_and_ends():
    def plan() -> Operation[str]:
        try:
            yield Request("GET", "/1")
        except ReadTimeout:
            yield Request("GET", "/2")
        return "end"

    running = plan()
    assert advance(running, None) == Request("GET", "/1")
    assert advance(running, ReadTimeout("late")) == Request("GET", "/2")
    with pytest.raises(StopIteration) as stop:
        advance(running, Response())
    assert stop.value.value == "end"


def signed(request: Request) -> Operation[Response]:
    response = yield request.with_header("X-Signed", "yes")
    return response


def twice(request: Request) -> Operation[Response]:
    try:
        yield request
    except ReadTimeout:
        yield Wait(1.0)
    response = yield request
    return response


def test_every_exchange_of_a_plan_goes_through_its_policy():
    plan = under(signed, greet("ann"))
    assert next(plan) == Request("GET", "/users/ann", headers={"X-Signed": "yes"})
    assert plan.send(Response(200, json=7)) == Wait(0.5)
    assert next(plan) == Request("POST", "/greetings", json=7, headers={"X-Signed": "yes"})
    with pytest.raises(StopIteration) as stop:
        plan.send(Response(200, json="hello"))
    assert stop.value.value == "hello"


def test_a_policy_may_send_more_than_was_asked_for():
    plan = under(twice, fetch(Request("GET", "/")))
    assert next(plan) == Request("GET", "/")
    assert plan.throw(ReadTimeout("late")) == Wait(1.0)
    assert next(plan) == Request("GET", "/")
    with pytest.raises(StopIteration) as stop:
        plan.send(Response(204))
    assert stop.value.value.status_code == 204


def refuse(request: Request) -> Operation[Response]:
    raise ReadTimeout(f"refused: {request.url}")
    yield


def test_what_a_policy_raises_is_raised_in_the_plan():
    def patient() -> Operation[str]:
        try:
            yield Request("GET", "/1")
        except ReadTimeout as error:
            return str(error)
        return "no error"

    plan = under(refuse, patient())
    with pytest.raises(StopIteration) as stop:
        next(plan)
    assert stop.value.value == "refused: /1"


def test_pages_and_waits_pass_by_the_policy():
    def listing() -> Listing[int]:
        yield Page([1])
        yield Wait(2.0)
        response = yield Request("GET", "/")
        yield Page([response.status_code])

    plan = under(signed, listing())
    assert next(plan) == Page([1])
    assert next(plan) == Wait(2.0)
    assert next(plan) == Request("GET", "/", headers={"X-Signed": "yes"})
    assert plan.send(Response(203)) == Page([203])
    with pytest.raises(StopIteration):
        next(plan)


@pytest.mark.parametrize("wrap", [lambda plan: under(exchange, plan), lambda plan: paged(plan, lambda page: page)])
def test_a_plan_that_is_closed_closes_what_is_inside(wrap):
    closed = []

    def watched() -> Operation[None]:
        try:
            yield Request("GET", "/")
        finally:
            closed.append(True)

    plan = wrap(watched())
    next(plan)
    plan.close()
    assert closed == [True]


def test_ten_thousand_exchanges_under_a_policy_deepen_no_stack():
    def many() -> Operation[int]:
        for _ in range(10_000):
            yield Request("GET", "/")
        return 10_000

    assert play(under(signed, many()), *[Response()] * 10_000) == 10_000


def test_pages_can_be_changed_and_dropped_on_their_way():
    def listing() -> Listing[int]:
        response = yield Request("GET", "/")
        yield Page([response.status_code])
        yield Page([])
        try:
            yield Request("GET", "/late")
        except ReadTimeout:
            yield Page([2])

    def take(page: Page[int]) -> Page[str] | None:
        return Page([str(item) for item in page.items]) if page.items else None

    plan = paged(listing(), take)
    assert next(plan) == Request("GET", "/")
    assert plan.send(Response(200)) == Page(["200"])
    assert next(plan) == Request("GET", "/late")
    assert plan.throw(ReadTimeout("late")) == Page(["2"])
    with pytest.raises(StopIteration):
        next(plan)
