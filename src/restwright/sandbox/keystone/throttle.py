"""So many requests in so much time, and no more."""

from __future__ import annotations

import math
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Final, NamedTuple, Self

from restwright.sandbox.keystone.answers import throttled

__all__ = ["Rate", "Throttle"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Rate(NamedTuple):
    """A number of requests in a number of seconds."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of `120/min`; what counts of the unit is its first letter, s, m, h or d.

        Raises:
            ValueError: It is no rate.
        """
        found = re.fullmatch(r"([1-9]\d*)/([smhd])[a-z]*", text.strip().lower())
        if found is None:
            raise ValueError(f"a rate is written as 120/min, with s, min, hour or day for the unit, got {text!r}")
        return cls(int(found[1]), _UNITS[found[2]])


class Throttle:
    """Counts requests by whose they are, and refuses those beyond the rate."""

    def __init__(self, rate: str | None, clock: Callable[[], float]) -> None:
        self._rate = None if rate is None else Rate.parse(rate)
        self._clock = clock
        self._seen: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def check(self, client: str) -> None:
        """Count one more.

        Raises:
            ApiError: 429, with how long to wait.
        """
        if self._rate is None:
            return
        now = self._clock()
        with self._lock:
            seen = self._seen[client]
            while seen and seen[0] <= now - self._rate.seconds:
                seen.popleft()
            if len(seen) >= self._rate.requests:
                raise throttled(math.ceil(seen[0] + self._rate.seconds - now))
            seen.append(now)
