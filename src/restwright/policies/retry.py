"""Repeat what failed, where repeating is safe.

Safe is an idempotent method (RFC 9110, 9.2.2), a request with an idempotency key, one whose connection never
opened, and what the caller declares so (`Request.repeatable`).  Between attempts stands the server's
`Retry-After`, or a random part of a doubling delay ("full jitter").  The request's deadline is never
overstepped: rather than wait beyond it, the last failure is handed on.  A certificate that does not hold is not tried
again.  A budget that all calls of a client share keeps retries from multiplying the load on a server that is down.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

import requests

from restwright.errors import CertificateError, DeadlineExceeded, RestwrightError, surely_not_sent
from restwright.headers.retry_after import parse_retry_after
from restwright.message import Request
from restwright.plan import Operation, Policy, Wait, exchange
from restwright.policies.layer import Layer

TRANSIENT: Final = frozenset({429, 502, 503, 504})
NETWORK: Final = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
Outcome: TypeAlias = requests.Response | requests.RequestException


class RetryBudget:
    """How many retries a client may still make: each call earns a part of one, each retry costs one."""

    def __init__(self, capacity: float = 100.0, earned_per_call: float = 0.1) -> None:
        self.capacity = self.left = capacity
        self.earned_per_call = earned_per_call
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A call has been made."""
        if self.left < self.capacity:  # the usual case, a full budget, needs no lock
            with self._lock:
                self.left = min(self.capacity, self.left + self.earned_per_call)

    def spend(self) -> bool:
        """May one more retry be made?"""
        with self._lock:
            if self.left < 1.0:
                return False
            self.left -= 1.0
            return True


def backoff(
    failures: int, *, first: float = 0.1, most: float = 20.0, chance: Callable[[], float] = random.random
) -> float:
    """Seconds to wait after so many failures: a random part of a delay that doubles each time."""
    return min(most, first * 2.0 ** min(failures - 1, 30)) * chance()


def retry(
    attempts: int = 3,
    *,
    network_attempts: int | None = None,
    statuses: Collection[int] = TRANSIENT,
    any_method: bool = False,
    worth_repeating: Callable[[Request, requests.Response], bool] | None = None,
    wait: float | None = None,
    retry_after_max: float = 300.0,
    delay_first: float = 0.1,
    delay_max: float = 20.0,
    delay: Callable[[int], float] | None = None,
    budget: RetryBudget | None = None,
    clock: Callable[[], float] = time.monotonic,
    chance: Callable[[], float] = random.random,
) -> Layer:
    """Send a request again when the server or the network failed.

    Args:
        attempts: How often a request is sent at most, as long as it is answered with one of `statuses` or the
            network fails.
        network_attempts: How often the network may fail at most; counted apart from `attempts` if given.
        any_method: Repeat after a status also what is not safe to repeat (the service promises that it is).
        worth_repeating: Says of an answer whether its request may and should be sent again; in the place of `statuses`
            and `any_method`.
        wait: Seconds between attempts, whatever the server asks for; None: as the server says, else backing off.
        retry_after_max: Longest wait that is granted to the server, in seconds; if it asks for more, give up at once.
        delay_first: Longest wait after the first failure, in seconds; it doubles from there up to `delay_max`.
        delay: Seconds to wait after so many failures, from 1, where the server does not say; in the place of
            `delay_first` and `delay_max`.
        budget: One to share with other policies; each has its own otherwise.
    """
    if attempts < 1 or (network_attempts is not None and network_attempts < 1):
        raise ValueError(f"attempts must be 1 or more, got {attempts!r} and {network_attempts!r}")

    def delay_after(failures: int, outcome: Outcome) -> float:
        own = delay(failures) if delay else backoff(failures, first=delay_first, most=delay_max, chance=chance)
        if isinstance(outcome, Exception):
            return own
        if wait is not None:
            return wait
        asked = parse_retry_after(outcome.headers.get("Retry-After", ""))
        return own if asked is None else asked

    def is_worth_it(request: Request, response: requests.Response) -> bool:
        return response.status_code in statuses and (request.may_repeat or any_method)

    return _Retry(
        attempts=attempts,
        network_attempts=network_attempts,
        worth_repeating=worth_repeating or is_worth_it,
        longest=retry_after_max if wait is None else float("inf"),
        delay_after=delay_after,
        budget=RetryBudget() if budget is None else budget,
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class _Retry:
    attempts: int
    network_attempts: int | None
    worth_repeating: Callable[[Request, requests.Response], bool]
    longest: float
    delay_after: Callable[[int, Outcome], float]
    budget: RetryBudget
    clock: Callable[[], float]

    def __call__(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        self.budget.earn()
        answered = unanswered = 0
        while True:
            outcome: Outcome
            try:
                outcome = yield from inner(request)
                answered += 1
            except requests.RequestException as error:
                outcome = error
                unanswered += 1
            count = answered + unanswered
            reason = ""
            if self._is_transient(request, outcome) and self._has_more(outcome, answered, unanswered):
                delay = self.delay_after(count, outcome)
                reason = self._objection(request, delay)
                if not reason:
                    yield Wait(delay)
                    continue
            try:
                return _ended(outcome, count, reason)
            finally:
                del outcome  # an error whose traceback has this frame would hold itself

    def _is_transient(self, request: Request, outcome: Outcome) -> bool:
        """May it come out better the next time, and is it safe to try?"""
        if isinstance(outcome, Exception):
            is_final = isinstance(outcome, (DeadlineExceeded, CertificateError))
            is_transient = isinstance(outcome, NETWORK) and not is_final
            return is_transient and (request.may_repeat or surely_not_sent(outcome))
        return self.worth_repeating(request, outcome)

    def _has_more(self, outcome: Outcome, answered: int, unanswered: int) -> bool:
        """Are there attempts left?"""
        if self.network_attempts is None:
            return answered + unanswered < self.attempts
        return unanswered < self.network_attempts if isinstance(outcome, Exception) else answered < self.attempts

    def _objection(self, request: Request, delay: float) -> str:
        """Why there will be no further attempt; empty if there will."""
        if request.deadline is not None and self.clock() + delay >= request.deadline:
            return f"the next, in {delay:.1f} s, is past the deadline"
        if delay > self.longest:
            return f"the server asks to wait {delay:.0f} s"
        return "" if self.budget.spend() else "the retry budget is spent"


def _ended(outcome: Outcome, count: int, reason: str) -> requests.Response:
    """The answer or the error, which knows how often the request was sent, and why not once more."""
    note = f"gave up after {count} attempt{'s' if count > 1 else ''}: {reason}" if reason else ""
    if isinstance(outcome, Exception):
        if isinstance(outcome, RestwrightError):
            outcome.attempts = count
        elif count > 1:
            outcome.add_note(f"{count} attempts")
        if note:
            outcome.add_note(note)
        try:
            raise outcome
        finally:
            del outcome
    if count > 1:
        vars(outcome)["attempts"] = count
    if note:
        vars(outcome)["gave_up"] = note
    return outcome
