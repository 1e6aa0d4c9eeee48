"""Repeat what failed, where repeating is safe.

Safe is an idempotent method (RFC 9110, 9.2.2), a request with an idempotency key, one whose connection never
opened, and what the caller declares so (`Request.repeatable`).  Between attempts stands the server's
`Retry-After`, or a random part of a doubling delay ("full jitter").  The request's deadline is never
overstepped: rather than wait beyond it, the last failure is handed on.  A budget that all calls of
a client share keeps retries from multiplying the load on a server that is down.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

import requests

from restwright.errors import NotConnected, TransportError
from restwright.headers.retry_after import parse_retry_after
from restwright.message import Request
from restwright.plan import Operation, Policy, Wait, exchange
from restwright.policies.layer import Layer

TRANSIENT: Final = frozenset({429, 502, 503, 504})


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
    wait: float | None = None,
    delay_first: float = 0.1,
    delay_max: float = 20.0,
    budget: RetryBudget | None = None,
    clock: Callable[[], float] = time.monotonic,
    chance: Callable[[], float] = random.random,
) -> Layer:
    """Send a request again when the server or the network failed.

    Args:
        attempts: How often a request is sent at most if it is answered with one of `statuses`.
        network_attempts: How often at most if the network fails; the same as `attempts` unless given.
        any_method: Repeat after a status also what is not safe to repeat (the service promises that it is).
        wait: Seconds between attempts, whatever the server asks for; None: as the server says, else backing off.
        delay_first: Longest wait after the first failure, in seconds; it doubles from there up to `delay_max`.
    """
    if attempts < 1 or (network_attempts is not None and network_attempts < 1):
        raise ValueError(f"attempts must be 1 or more, got {attempts!r} and {network_attempts!r}")
    tries_network = attempts if network_attempts is None else network_attempts
    purse = RetryBudget() if budget is None else budget

    def delay_after(failures: int, response: requests.Response | None) -> float:
        if wait is not None and response is not None:
            return wait
        asked = None if response is None else parse_retry_after(response.headers.get("Retry-After", ""))
        own = backoff(failures, first=delay_first, most=delay_max, chance=chance)
        return own if asked is None else asked

    def layer(request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        purse.earn()
        answered = unanswered = 0
        while True:
            response: requests.Response | None = None
            error: requests.RequestException | None = None
            try:
                response = yield from inner(request)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as caught:
                error = caught
                unanswered += 1
                again = unanswered < tries_network and (request.may_repeat or isinstance(error, NotConnected))
            else:
                if response.status_code not in statuses:
                    if answered or unanswered:
                        vars(response)["attempts"] = answered + unanswered + 1
                    return response
                answered += 1
                again = answered < attempts and (any_method or request.may_repeat)
            count = answered + unanswered
            delay = delay_after(count, response) if again else 0.0
            reason = ""
            if again and request.deadline is not None and clock() + delay >= request.deadline:
                again, reason = False, f"gave up after {count} attempts: the next, in {delay:.1f} s, is past the deadline"
            elif again and not purse.spend():
                again, reason = False, f"gave up after {count} attempts: the retry budget is spent"
            if again:
                yield Wait(delay)
            elif error is not None:
                if isinstance(error, TransportError):
                    error.attempts = count
                if reason:
                    error.add_note(reason)
                raise error
            elif response is not None:
                vars(response)["attempts"] = count
                if reason:
                    vars(response)["gave_up"] = reason
                return response

    return layer
