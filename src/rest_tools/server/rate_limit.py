"""Rate limits: a caller that asks too often is answered with 429, and told when to come back.

    limiter = RateLimiter(limit=100, window=60.0)

    class Fruits(RestHandler):
        @rate_limited(limiter)
        def get(self):
            ...

All answers of such a method tell the limit and what is left of it, in `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers-11).
"""

from __future__ import annotations

import functools
import logging
import math
import re
import time
from collections.abc import Callable
from typing import Any, Final

from rest_tools.server.callers import digest, user_or_address
from rest_tools.server.decorators import AsyncMethod, HandlerT, Method, P, result_of
from rest_tools.server.handler import RestHandler
from rest_tools.server.rate_limit_store import MemoryRateLimitStore, RateLimitStore, RedisRateLimitStore
from rest_tools.server.redaction import traceback_of
from rest_tools.server.refusal import Refusal
from rest_tools.server.told import Refused, Told, tell

__all__ = ["MemoryRateLimitStore", "RateLimitStore", "RateLimiter", "RedisRateLimitStore", "rate_limited"]

_SPARED: Final = 5.0  # seconds for which a store that failed is not asked
_NAME = re.compile(r"[ !#-\[\]-~]+")  # what a structured field string (RFC 9651, 3.3.3) has without escapes
_MICROSECONDS: Final = 1_000_000

_log = logging.getLogger(__name__)


class RateLimiter:
    """How many requests a caller may make: `limit` at once, and one more each time that `window / limit` has passed.

    So in no window there are more than twice the limit, and over time there are `limit` in each.  It may be shared by
    many methods: they use up one limit together.

    Args:
        store: Where it is kept; in the memory of this process if not given.
        limit: Requests in a window.
        window: Seconds.
        name: Tells limiters on one store apart, and clients which limit they are told of.
        key: Tells callers apart: by user, else by address, if not given.  For None there is no limit.
        store_required: Answer 503 when the store cannot be asked; if not, requests pass then.
        clock: Seconds that only grow; tells when a store that failed is asked again.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        store: RateLimitStore | None = None,
        *,
        limit: int = 100,
        window: float = 60.0,
        name: str = "default",
        key: Callable[[RestHandler], str | None] = user_or_address,
        store_required: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if limit < 1:
            raise ValueError(f"limit must be 1 or more, got {limit!r}")
        if not limit <= window * _MICROSECONDS < math.inf:
            raise ValueError(f"window must be finite, and a microsecond or more a request, got {window!r} s")
        if not _NAME.fullmatch(name):
            raise ValueError(f"name must be printable ASCII without quotes and backslashes, got {name!r}")
        self.name = name
        self.limit = limit
        self.window = window
        self._store = MemoryRateLimitStore() if store is None else store
        self._key = key
        self._store_required = store_required
        self._clock = clock
        self._cost = int(window * _MICROSECONDS / limit)
        self._spared_until = -math.inf

    async def admit(self, handler: RestHandler) -> None:
        """Count the handler's request, and set the header fields of its answer.

        Raises:
            Refusal: 429, there were too many; 503, the store cannot be asked and is required.
        """
        key = self._key(handler)
        poured = None if key is None else await self._pour(key)
        if poured is None:
            return
        fits, level = poured
        left = (self.limit * self._cost - level) // self._cost
        # The next one will be free when there is room for one more than that.
        wait = math.ceil((level - (self.limit - left - 1) * self._cost) / _MICROSECONDS)
        window = f";w={int(self.window)}" if self.window == int(self.window) else ""
        handler.keep_header("RateLimit-Policy", f'"{self.name}";q={self.limit}{window}')
        handler.keep_header("RateLimit", f'"{self.name}";r={left};t={wait}')
        if not fits:
            raise Refusal(429, "too many requests", headers={"Retry-After": str(wait)})

    async def _pour(self, key: str) -> tuple[bool, int] | None:
        """None if the store cannot be asked, and need not."""
        if self._clock() >= self._spared_until:
            try:
                # The same name with another limit is another limiter, and has its own buckets.
                bucket = digest(self.name, str(self.limit), str(self._cost), key)
                return await self._store.pour(bucket, self._cost, self.limit * self._cost)
            except Exception as error:  # noqa: BLE001  # whatever it is, requests go on without limits
                # One that fails slowly would hold up each request otherwise.
                if self._clock() >= self._spared_until:
                    _log.error("rate limits cannot be checked\n%s", traceback_of(error))
                self._spared_until = self._clock() + _SPARED
        if self._store_required:
            raise Refusal(503, "rate limits cannot be checked", headers={"Retry-After": str(int(_SPARED))})
        return None


_TOLD: Final = Told(
    (
        Refused(
            429, "There were too many requests.", (("Retry-After", "Seconds to wait."), ("RateLimit", "What is left."))
        ),
    )
)


def rate_limited(*limiters: RateLimiter) -> Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]:
    """A decorator for methods of handlers: each request is counted by all these limiters, in this order.

    On `prepare` it counts the requests of all methods.  Above a decorator that asks who calls, it also counts those
    who are refused there.
    """
    if not limiters:
        raise TypeError("rate_limited takes one limiter or more")

    def decorate(method: Method[HandlerT, P]) -> AsyncMethod[HandlerT, P]:
        @functools.wraps(method)
        async def wrapper(self: HandlerT, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            for limiter in limiters:
                await limiter.admit(self)
            return await result_of(method(self, *args, **kwargs))

        tell(wrapper, _TOLD)
        return wrapper

    return decorate
