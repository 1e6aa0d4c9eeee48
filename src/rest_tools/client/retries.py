"""How often a call is repeated, after what, and how long it waits in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import requests

from restwright.message import Request
from restwright.policies import RetryBudget, retry
from restwright.policies.layer import Layer

__all__ = ["MAX_RETRIES", "CalcRetryFromBackoffMax", "CalcRetryFromWaittimeMax"]

MAX_RETRIES: Final = 30
"""Repetitions of one call at most."""
BACKOFF_MAX: Final = 120.0
"""Longest wait between two attempts that the client chooses itself, in seconds."""
METHODS: Final = ("HEAD", "TRACE", "GET", "POST", "PATCH", "PUT", "OPTIONS", "DELETE")
STATUSES: Final = (408, 429, 500, 502, 503, 504)
# The server did not get the request as a whole (RFC 9110, 15.5.9), or did not look at it (RFC 6585, 4).
_REFUSED: Final = frozenset({408, 429})
_LEAST_TOTAL: Final = 600.0


@dataclass
class CalcRetryFromBackoffMax:
    """As many retries as it takes until a wait between two would be longer than `backoff_max` seconds, at most 120."""

    backoff_max: float

    def __post_init__(self) -> None:
        if not 0 <= self.backoff_max <= BACKOFF_MAX:
            raise ValueError(f"backoff_max must be 0 to {BACKOFF_MAX:.0f} seconds, got {self.backoff_max!r}")

    def calculate_retries(self, backoff_factor: float) -> int:
        """The number of retries for a client with this `backoff_factor`.

        >>> CalcRetryFromBackoffMax(10).calculate_retries(0.3)
        6
        """
        steps = self.backoff_max / backoff_factor
        return max(0, int(math.log2(steps) + 1)) if steps else 0


@dataclass
class CalcRetryFromWaittimeMax:
    """As many retries as end within `waittime_max` seconds, even if each attempt lasts until its time-out."""

    waittime_max: float

    def calculate_retries(self, timeout: float, backoff_factor: float) -> int:
        """The number of retries for a client with this `timeout` and `backoff_factor`.

        >>> CalcRetryFromWaittimeMax(600).calculate_retries(timeout=60, backoff_factor=0.3)
        7

        Raises:
            ValueError: Not even one attempt ends in this time.
        """
        if self.waittime_max < timeout:
            raise ValueError(f"waittime_max must be at least the timeout of {timeout!r}, got {self.waittime_max!r}")
        retries = 0
        last = 2 * timeout  # when the last attempt ends: two of them, with no wait in between
        while last < self.waittime_max and retries <= MAX_RETRIES:
            retries += 1
            last += timeout + backoff(retries + 1, backoff_factor)
        return retries


def backoff(failures: int, factor: float) -> float:
    """Seconds to wait after so many failures: none after the first, then doubling.

    >>> [backoff(failures, 0.5) for failures in (1, 2, 3, 9, 10)]
    [0.0, 1.0, 2.0, 120.0, 120.0]
    """
    return 0.0 if failures < 2 else min(BACKOFF_MAX, factor * 2.0 ** (failures - 1))


def resolve_retries(
    retries: int | CalcRetryFromBackoffMax | CalcRetryFromWaittimeMax, timeout: float, backoff_factor: float
) -> int:
    """The number of retries meant.

    Raises:
        ValueError: It is no number of 0 or more, or more than `MAX_RETRIES`.
    """
    match retries:
        case CalcRetryFromBackoffMax():
            number = retries.calculate_retries(backoff_factor)
        case CalcRetryFromWaittimeMax():
            number = retries.calculate_retries(timeout, backoff_factor)
        case int() if retries >= 0:
            number = retries
        case _:
            raise ValueError(f"retries must be a number of 0 or more, or a CalcRetryFrom..., got {retries!r}")
    if number > MAX_RETRIES:
        raise ValueError(f"retries must be {MAX_RETRIES} or less, got {number}")
    return number


def retry_layer(retries: int, backoff_factor: float) -> Layer:
    """The policy that repeats a request so often, if it may be repeated."""
    return retry(
        retries + 1,
        worth_repeating=is_worth_repeating,
        delay=lambda failures: backoff(failures, backoff_factor),
        retry_after_max=float("inf"),  # the total deadline says what is too long
        budget=RetryBudget(float("inf")),  # each call has its own retries, whatever became of others
    )


def is_worth_repeating(request: Request, response: requests.Response) -> bool:
    """Should the request be sent again after this answer, and does that do no harm?"""
    status = response.status_code
    if status == 413:  # RFC 9110, 15.5.14: a condition that passes, if the server says when
        return "Retry-After" in response.headers
    if status not in STATUSES:
        return False
    return request.may_repeat or status in _REFUSED or (status == 503 and "Retry-After" in response.headers)


def total_timeout_of(retries: int, timeout: float, backoff_factor: float) -> float:
    """Seconds for a whole call: never fewer than all its attempts and waits take, and ten minutes at least."""
    waits = sum(backoff(failures, backoff_factor) for failures in range(1, retries + 1))
    return max(_LEAST_TOTAL, waits + (retries + 1) * 2 * timeout)
