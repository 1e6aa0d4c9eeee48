"""A plan is a generator that asks for HTTP exchanges; a driver performs them.

An operation yields `Request`s, is sent `Response`s and ends with its result.  A policy is a plan around one
exchange.  Waiting is `yield Wait(seconds)`, or `yield Join(future)` for what somebody else does; blocking work is
`yield Work(function)`.  A listing yields `Page`s in between.  A plan never touches a socket or a clock, so a test
drives it by hand with `next` and `send`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import requests

from restwright.errors import api_error
from restwright.message import EMPTY, Request

T = TypeVar("T")
ItemT = TypeVar("ItemT")
StepT = TypeVar("StepT")


@dataclass(frozen=True, slots=True)
class Wait:
    """Asks the driver to pause."""

    seconds: float


class Work:
    """Asks the driver to call a function that may block, such as one on files; an event loop does it in a thread.

    A coroutine function is awaited on the event loop; the blocking driver runs it to its end on a loop of its own.
    """

    __slots__ = ("call", "result")

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.result: Any = None
        """What it returned, once the plan goes on."""


@dataclass(frozen=True, slots=True)
class Join:
    """Asks the driver to pause until a future of a thread is done, or `seconds` have passed; its outcome is not read.

    However many plans of an event loop wait for it, they hold no thread.
    """

    future: Future[Any]
    seconds: float


# What a plan may ask for besides an exchange; the driver has no answer to it.
Errand: TypeAlias = Wait | Work | Join


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """One page of a listing."""

    items: list[ItemT]
    has_more: bool = False
    headers: Mapping[str, str] = EMPTY
    """The header fields it came with (total counts, entity tags)."""


# Operation[T]: asks for HTTP exchanges, ends with a T.
Operation: TypeAlias = Generator[Request | Errand, requests.Response, T]
# Listing[T]: asks for HTTP exchanges and hands out pages of T in between.
Listing: TypeAlias = Generator[Request | Errand | Page[ItemT], requests.Response, None]
# A plan around one exchange.
Policy: TypeAlias = Callable[[Request], Operation[requests.Response]]


def exchange(request: Request) -> Operation[requests.Response]:
    """The innermost policy: the request as it is."""
    return (yield request)


def fetch(request: Request) -> Operation[requests.Response]:
    """One exchange.

    Raises:
        ApiError: The server answered 4xx or 5xx.
    """
    response = yield request
    if response.status_code >= 400:
        raise api_error(response)
    return response


def advance(plan: Generator[StepT, requests.Response, Any], outcome: requests.Response | Exception | None) -> StepT:
    """Tell a plan what came of the step it asked for, None for an errand; what it asks for next.

    Raises:
        StopIteration: The plan has ended; its value is the result.
    """
    if outcome is None:
        return next(plan)
    if isinstance(outcome, Exception):
        try:
            return plan.throw(outcome)
        finally:
            del outcome  # else the error held itself, by way of its traceback and this frame
    return plan.send(outcome)


def under(
    policy: Policy, plan: Generator[Request | Errand | StepT, requests.Response, T]
) -> Generator[Request | Errand | StepT, requests.Response, T]:
    """`plan` with every exchange it asks for passed through `policy`.

    Pages and waits pass as they are; what the policy raises is raised inside the plan.
    """
    try:
        step = next(plan)
        while True:
            try:
                response = (yield from policy(step)) if isinstance(step, Request) else (yield step)
            except Exception as error:  # noqa: BLE001 - it is raised where it belongs
                step = plan.throw(error)
            else:
                step = plan.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        plan.close()


def paged(
    plan: Generator[Any, requests.Response, T], take: Callable[[Any], Page[Any] | None]
) -> Generator[Any, requests.Response, T]:
    """`plan` with each of its pages given to `take`: what that returns is handed out in its place, if anything."""
    try:
        step = next(plan)
        while True:
            if isinstance(step, Page):
                page = take(step)
                if page is not None:
                    yield page
                step = next(plan)
                continue
            try:
                response = yield step
            except Exception as error:  # noqa: BLE001 - it is raised where it belongs
                step = plan.throw(error)
            else:
                step = plan.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        plan.close()
