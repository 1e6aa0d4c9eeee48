"""A bound for those who guess (RFC 8628, 5.1)."""

from __future__ import annotations

from collections import deque

__all__ = ["Attempts"]


class Attempts:
    """Counts what failed.

    Args:
        limit: How many may fail,
        within: in so many seconds.
    """

    def __init__(self, limit: int, *, within: float) -> None:
        self._limit = limit
        self._within = within
        self._failed: dict[str, deque[float]] = {}

    def are_used_up(self, whose: str, now: float) -> bool:
        """Whether no more are let through for now."""
        failed = self._failed.get(whose)
        return failed is not None and len(failed) == self._limit and now - failed[0] < self._within

    def failed(self, whose: str, now: float) -> None:
        """One more has failed."""
        if whose not in self._failed and len(self._failed) >= 1000:
            del self._failed[next(iter(self._failed))]
        self._failed.setdefault(whose, deque(maxlen=self._limit)).append(now)
