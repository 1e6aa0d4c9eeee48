"""One loop for all repetitions of a request, be it that it failed or that its answer lacks what is expected.

Both share the delays of one generator, one number of tries and one span of time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from restwright.errors import CertificateError, RestwrightError, surely_not_sent
from restwright.headers.retry_after import parse_retry_after
from restwright.message import Request, without_credentials
from restwright.plan import Operation, Wait
from sequoia.error import ClientError, ConnectionError, HttpError, Timeout
from sequoia.expectation import Expectation
from sequoia.response import HttpResponse
from sequoia.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Repeat:
    """How a request is repeated, and until what.

    Attributes:
        strategy: How often and how long.
        expectation: What an answer must have in it; None for nothing.
        writes: Repeat also what is not idempotent (RFC 9110, 9.2.2), whether or not it has been carried out?
        clock: Tells the time, in seconds.
    """

    strategy: Strategy
    expectation: Expectation | None = None
    writes: bool = True
    clock: Callable[[], float] = time.monotonic

    def about(self, resource: str) -> Repeat:
        """The same for another resource."""
        old = self.expectation
        expectation = None if old is None else Expectation(old.wanted, resource)
        return Repeat(self.strategy, expectation, self.writes, self.clock)

    def __call__(
        self, request: Request, attempt: Callable[[Request], Operation[HttpResponse]]
    ) -> Operation[HttpResponse]:
        """The answer; the last one if none is as expected.

        Raises:
            ClientError: The last failure.
        """
        strategy, clock = self.strategy, self.clock
        began = clock()
        max_time = now(strategy.max_time)
        max_tries = now(strategy.max_tries)
        delays = None
        tries = 0
        while True:
            outcome: HttpResponse | ClientError
            # An attempt that begins in time is not cut short, so that this is what counts.
            elapsed = clock() - began
            tries += 1
            try:
                outcome = yield from attempt(request)
            except ClientError as error:
                outcome = error
            try:
                if not self._is_worth_repeating(request, outcome):
                    return self._ended(outcome, tries, began)
                delay = None
                if elapsed < max_time and (max_tries is None or tries < max_tries):
                    delays = strategy.delays() if delays is None else delays
                    delay = self._delay(delays.after(outcome), outcome, max_time - (clock() - began))
                if delay is None:
                    strategy.logger.error("Giving up %s after %d tries: %s", _shown(request), tries, _said(outcome))
                    return self._ended(outcome, tries, began)
                strategy.logger.warning(
                    "Backing off %.1fs after try %d of %s: %s", delay, tries, _shown(request), _said(outcome)
                )
            finally:
                del outcome  # an error whose traceback has this frame would hold itself
            yield Wait(delay)

    def _is_worth_repeating(self, request: Request, outcome: HttpResponse | ClientError) -> bool:
        if isinstance(outcome, HttpResponse):
            return self.expectation is not None and not self.expectation.is_met_by(outcome.full_json)
        cause = outcome.cause
        if isinstance(outcome, HttpError):
            status = outcome.status_code
            is_transient = status == 429 or status >= 500 or status in self.strategy.statuses
        else:
            # A certificate that does not hold does not get better.
            is_transient = isinstance(outcome, (ConnectionError, Timeout)) and not isinstance(cause, CertificateError)
        return is_transient and (self.writes or request.may_repeat or surely_not_sent(cause))

    @staticmethod
    def _delay(delay: float | None, outcome: HttpResponse | ClientError, left: float) -> float | None:
        """Seconds to wait; None to give up."""
        if delay is None:
            return None
        asked = 0.0
        if isinstance(outcome, HttpError) and outcome.status_code in (429, 503):
            asked = parse_retry_after(outcome.headers.get("Retry-After")) or 0.0
        if asked > left:
            return None
        return max(asked, min(delay, max(0.0, left)))

    def _ended(self, outcome: HttpResponse | ClientError, tries: int, began: float) -> HttpResponse:
        if isinstance(outcome, HttpResponse):
            vars(outcome.raw)["attempts"] = tries
            for tell in self.strategy.on_success:
                tell({"tries": tries, "elapsed": self.clock() - began, "value": outcome})
            return outcome
        if isinstance(outcome.cause, RestwrightError):
            outcome.cause.attempts = max(tries, outcome.cause.attempts)
        try:
            raise outcome
        finally:
            del outcome


def now(value: Any) -> Any:
    """Limits may be functions, so that they can change."""
    return value() if callable(value) else value


def _shown(request: Request) -> str:
    return f"{request.method} {without_credentials(request.url).partition('?')[0]}"


def _said(outcome: HttpResponse | ClientError) -> str:
    if isinstance(outcome, HttpResponse):
        return f"{outcome.status}, but what is expected is not in it"
    return str(outcome.status_code) if isinstance(outcome, HttpError) else type(outcome).__name__
