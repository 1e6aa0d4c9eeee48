"""How long the recent calls of a route took, and whether it should be spared some."""

from __future__ import annotations

import random
import time
from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

_ENOUGH: Final = 4
"""Calls it takes to tell anything."""


class RouteStats:
    """Recent durations of one route.  They are kept in order as they come, so that asking costs nothing.

    Args:
        window_size: How many calls are remembered at most.
        window_time: For how long, in seconds.
        timeout: Seconds beyond which callers are believed to have given up.

    >>> stats = RouteStats(timeout=1)
    >>> for seconds in (4, 4, 4, 4):
    ...     stats.append(seconds)
    >>> stats.get_backoff_time()
    8
    """

    def __init__(
        self,
        window_size: int = 1000,
        window_time: float = 3600,
        timeout: float = 30,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.window_size = window_size
        self.window_time = window_time
        self.timeout = timeout
        self.data: deque[float] = deque()
        """The durations in seconds, oldest first."""
        self.times: deque[float] = deque()
        """When each of them was added, by the clock."""
        self._sorted: list[float] = []
        self._clock = clock
        self._chance = chance

    def __len__(self) -> int:
        return len(self.data)

    def append(self, call_time: float) -> None:
        """Remember a call that took so many seconds."""
        now = self._forget()
        self.data.append(call_time)
        self.times.append(now)
        insort(self._sorted, call_time)
        if len(self.data) > self.window_size:
            self._drop_oldest()

    def clear(self) -> None:
        """Forget all calls."""
        self.data.clear()
        self.times.clear()
        self._sorted.clear()

    def is_overloaded(self) -> bool:
        """Should the next call be refused?  The slower the route, the more of them are.

        A route is slow whose median reaches the timeout, or whose third quartile reaches twice the timeout.
        """
        if not self._sorted or self._sorted[-1] < self.timeout:
            return False  # nearly always, so without a look at the rest
        pressure = self._pressure()
        return pressure >= self.timeout and self._chance() < 1 - self.timeout / pressure

    def get_backoff_time(self) -> int:
        """Seconds after which a refused caller may try again."""
        return int(2 * self._pressure()) if len(self) >= _ENOUGH else 1

    def _pressure(self) -> float:
        """The median, or half the third quartile where that one alone tells that the route is slow."""
        self._forget()
        count = len(self._sorted)
        if count < _ENOUGH:
            return 0.0
        median = (self._sorted[(count - 1) // 2] + self._sorted[count // 2]) / 2
        third_quartile = self._sorted[(3 * count - 1) // 4]
        is_skewed = median < self.timeout and third_quartile >= 2 * self.timeout
        return third_quartile / 2 if is_skewed else median

    def _forget(self) -> float:
        """Drop what is too old; the time now."""
        now = self._clock()
        while self.times and self.times[0] < now - self.window_time:
            self._drop_oldest()
        return now

    def _drop_oldest(self) -> None:
        self.times.popleft()
        del self._sorted[bisect_left(self._sorted, self.data.popleft())]


class RouteStatsMap(defaultdict[str, RouteStats]):
    """Statistics by route pattern, made when first asked for; beyond `max_routes` the oldest ones go.

    Args:
        settings: Keyword arguments of each `RouteStats`.
    """

    def __init__(self, *, max_routes: int = 1000, **settings: Any) -> None:
        RouteStats(**settings)  # wrong ones fail here, and not at the first request
        super().__init__(lambda: RouteStats(**settings))
        self.max_routes = max_routes

    def __missing__(self, route: str) -> RouteStats:
        while len(self) >= self.max_routes:
            del self[next(iter(self))]
        return super().__missing__(route)
