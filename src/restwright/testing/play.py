"""Run a plan by hand: no client, no socket, no mock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import requests

from restwright.drivers.sync import run
from restwright.message import Request
from restwright.plan import Operation
from restwright.testing.clock import FakeClock

T = TypeVar("T")


def play(
    plan: Operation[T],
    *answers: requests.Response | Exception,
    clock: FakeClock | None = None,
    asked: list[Request] | None = None,
) -> T:
    """The result of `plan` when it is given these answers, in order; an exception is raised in the plan.

    Args:
        clock: Takes note of the waits that the plan asks for.
        asked: Takes the requests of the plan, to be looked at afterwards.

    Raises:
        AssertionError: The plan asks for more than there are answers, or ends before it took all of them.
    """
    left: Iterator[requests.Response | Exception] = iter(answers)
    timepiece = FakeClock() if clock is None else clock

    def send(request: Request) -> requests.Response:
        if asked is not None:
            asked.append(request)
        answer = next(left, None)
        if answer is None:
            raise AssertionError(f"the plan asks for more than {len(answers)} answers: {request.method} {request.url}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    result = run(send, plan, sleep=timepiece.sleep)
    unread = len(list(left))
    if unread:
        raise AssertionError(f"the plan ended with {unread} of {len(answers)} answers unread")
    return result
