"""Where it is kept how much callers have used: in the memory of this process, or in Redis.

The algorithm is GCRA, a leaky bucket.  A bucket drains by itself, each request pours its cost in, and one that would
make it overflow is refused and pours nothing.  All that is kept is the moment at which the bucket will be empty: one
number a caller, whatever the limit is.  The unit is a microsecond of draining.

The package `limits` is not used: its moving window keeps one number for each request, takes two round trips to Redis
that others may come between, goes by the clock of each process there, and its store in memory grows without bound.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from rest_tools.server.redis_store import RedisStore

__all__ = ["MemoryRateLimitStore", "RateLimitStore", "RedisRateLimitStore"]


class RateLimitStore(Protocol):
    """Buckets by key."""

    async def pour(self, key: str, cost: int, size: int) -> tuple[bool, int]:
        """Pour into a bucket, if it does not overflow by that; in one step, also for other processes.

        Args:
            key: Of the bucket; one that there is not is empty.
            cost: How much, in microseconds of draining.
            size: Of the bucket, in the same.

        Returns:
            Whether it was poured in, and what is in the bucket now.
        """
        ...


class MemoryRateLimitStore:
    """Buckets of this process alone.

    Args:
        max_keys: Beyond so many, the bucket that was not used for longest is forgotten, as if it were empty.
        clock: Seconds that only grow.

    Raises:
        ValueError: There would be room for nobody.
    """

    def __init__(self, *, max_keys: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        if max_keys < 1:
            raise ValueError(f"max_keys must be 1 or more, got {max_keys!r}")
        self.max_keys = max_keys
        self._clock = clock
        self._empty_at: OrderedDict[str, int] = OrderedDict()  # in order of last use

    async def pour(self, key: str, cost: int, size: int) -> tuple[bool, int]:
        """See `RateLimitStore`."""
        now = int(self._clock() * 1_000_000)
        level = min(size, max(0, self._empty_at.get(key, 0) - now))
        fits = level + cost <= size
        if fits:
            level += cost
            self._empty_at[key] = now + level
            self._empty_at.move_to_end(key)
            self._forget(now)
        return fits, level

    def _forget(self, now: int) -> None:
        """Two at a time: so they become fewer, and no request pays for all."""
        for _ in range(2):
            oldest = next(iter(self._empty_at))
            if self._empty_at[oldest] > now and len(self._empty_at) <= self.max_keys:
                break
            del self._empty_at[oldest]


_POUR: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local level = math.min(size, math.max(0, tonumber(redis.call('GET', KEYS[1]) or 0) - now))
if level + cost > size then return {0, level} end
level = level + cost
redis.call('SET', KEYS[1], string.format('%.0f', now + level), 'PX', math.ceil(level / 1000))
return {1, level}
"""


class RedisRateLimitStore(RedisStore):
    """Buckets of all processes together, by the clock of Redis."""

    usual_prefix = "rate-limit:"

    async def pour(self, key: str, cost: int, size: int) -> tuple[bool, int]:
        """See `RateLimitStore`."""
        fits, level = await self._run(_POUR, key, cost, size)
        return bool(fits), level
