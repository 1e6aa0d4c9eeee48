"""Hold back where the server asks for it, by `Retry-After` (RFC 9110, 10.2.3) or `Backoff` (Kinto), or to a rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import requests

from restwright.errors import DeadlineExceeded, outline
from restwright.headers.retry_after import parse_retry_after
from restwright.message import Request
from restwright.plan import Operation, Policy, Wait, exchange


class Throttle:
    """A layer, shared by all calls of a client, that delays requests while the server wants to be left alone.

    A request whose deadline comes first is refused with `DeadlineExceeded` instead of being delayed.
    """

    def __init__(self, *, per_second: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        if per_second is not None and not per_second > 0:
            raise ValueError(f"per_second must be more than 0, got {per_second!r}")
        self.interval = 0.0 if per_second is None else 1.0 / per_second
        self.not_before = 0.0
        """Reading of the clock, in seconds, before which nothing is sent."""
        self._clock = clock
        self._lock = threading.Lock()

    def __call__(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        """The exchange, when its turn has come."""
        if self.not_before or self.interval:
            delay = self._take_turn(request)
            if delay > 0:
                yield Wait(delay)
        response = yield from inner(request)
        self.learn(response)
        return response

    def learn(self, response: requests.Response) -> None:
        """Keep the later of the deadlines that servers have set."""
        headers = response.headers
        asked = parse_retry_after(headers.get("Backoff", ""))
        if response.status_code in (429, 503):
            asked = max(asked or 0.0, parse_retry_after(headers.get("Retry-After", "")) or 0.0)
        if asked:
            with self._lock:
                self.not_before = max(self.not_before, self._clock() + asked)

    def _take_turn(self, request: Request) -> float:
        """Seconds until this request may go."""
        with self._lock:
            now = self._clock()
            turn = max(self.not_before, now)
            if request.deadline is not None and turn >= request.deadline:
                raise DeadlineExceeded(
                    f"not sent, for it is held back for {turn - now:.1f} s", request=outline(request)
                )
            self.not_before = turn + self.interval if self.interval or turn > now else 0.0
            return turn - now


def throttle(*, per_second: float | None = None, clock: Callable[[], float] = time.monotonic) -> Throttle:
    """Obey `Retry-After` and `Backoff` across calls; with `per_second`, also send no faster than that."""
    return Throttle(per_second=per_second, clock=clock)
