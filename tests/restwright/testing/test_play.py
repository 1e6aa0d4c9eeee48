from __future__ import annotations

import pytest

from restwright import Operation, Request, Response, Wait, fetch
from restwright.errors import NotFound, ReadTimeout
from restwright.testing import FakeClock, play


def two() -> Operation[list[int]]:
    one = yield from fetch(Request("GET", "/1"))
    yield Wait(1.5)
    other = yield from fetch(Request("GET", "/2"))
    return [one.status_code, other.status_code]


def test_a_plan_is_given_its_answers_in_order():
    clock, asked = FakeClock(10.0), []
    assert play(two(), Response(200), Response(201), clock=clock, asked=asked) == [200, 201]
    assert asked == [Request("GET", "/1"), Request("GET", "/2")]
    assert clock.slept == [1.5]
    assert clock() == 11.5


def test_no_time_passes():
    def patient() -> Operation[None]:
        yield Wait(1e9)

    play(patient())


def test_an_exception_is_raised_in_the_plan():
    with pytest.raises(ReadTimeout, match="late"):
        play(two(), ReadTimeout("late"))
    with pytest.raises(NotFound):
        play(two(), Response(404))


def test_too_few_answers_are_an_error():
    with pytest.raises(AssertionError, match="asks for more than 1 answers: GET /2"):
        play(two(), Response(200))


def test_too_many_answers_are_an_error():
    with pytest.raises(AssertionError, match="ended with 2 of 4 answers unread"):
        play(two(), Response(200), Response(200), Response(200), Response(200))
