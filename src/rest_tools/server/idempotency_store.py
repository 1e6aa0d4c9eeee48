"""Where idempotency keys and the answers to them are kept: in the memory of this process, or in Redis.

A key is held by the request that is at work, its owner, for a lease that the owner extends; if its process dies, the
lease ends.  After that the key has an answer, for its lifetime.  An owner whose lease has ended owns nothing: another
request may have taken the key.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from rest_tools.server.redis_store import RedisStore

__all__ = ["IdempotencyStore", "Known", "MemoryIdempotencyStore", "RedisIdempotencyStore"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a key that is taken."""

    fingerprint: str
    answer: bytes | None
    """None while the request is at work."""


class IdempotencyStore(Protocol):
    """Each of its methods is one step that others see as a whole, also from other processes."""

    async def begin(self, key: str, owner: str, fingerprint: str, lease: float) -> Known | None:
        """Take a key for `lease` seconds: None if it is ours now, else what is known of it."""
        ...

    async def extend(self, key: str, owner: str, lease: float) -> bool:
        """Keep the key for `lease` seconds from now; False if it is ours no longer."""
        ...

    async def complete(self, key: str, owner: str, answer: bytes, lifetime: float) -> bool:
        """Keep the answer for `lifetime` seconds; False if the key is ours no longer."""
        ...

    async def release(self, key: str, owner: str) -> None:
        """Free the key, if it is ours still."""
        ...


@dataclass(slots=True)
class _Entry:
    owner: str
    fingerprint: str
    expiration: float
    answer: bytes | None = None


class MemoryIdempotencyStore:
    """Keys of this process alone.

    Args:
        max_answers: Beyond so many, the oldest answers are forgotten before their time: what they answered would be
            done again.
        max_bytes: The same for the bytes of all answers together.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        *,
        max_answers: int = 10_000,
        max_bytes: int = 64 * 2**20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_answers = max_answers
        self.max_bytes = max_bytes
        self._clock = clock
        self._at_work: dict[str, _Entry] = {}
        self._answered: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0

    async def begin(self, key: str, owner: str, fingerprint: str, lease: float) -> Known | None:
        """See `IdempotencyStore`."""
        now = self._clock()
        entry = self._at_work.get(key) or self._answered.get(key)
        if entry is not None and entry.expiration > now:
            return Known(entry.fingerprint, entry.answer)
        self._forget(key)
        self._at_work[key] = _Entry(owner, fingerprint, now + lease)
        return None

    async def extend(self, key: str, owner: str, lease: float) -> bool:
        """See `IdempotencyStore`."""
        entry = self._owned(key, owner)
        if entry is not None:
            entry.expiration = self._clock() + lease
        return entry is not None

    async def complete(self, key: str, owner: str, answer: bytes, lifetime: float) -> bool:
        """See `IdempotencyStore`."""
        entry = self._owned(key, owner)
        if entry is None:
            return False
        del self._at_work[key]
        entry.answer, entry.expiration = answer, self._clock() + lifetime
        self._answered[key] = entry
        self._bytes += len(answer)
        while len(self._answered) > self.max_answers or self._bytes > self.max_bytes:
            self._forget(next(iter(self._answered)))
        return True

    async def release(self, key: str, owner: str) -> None:
        """See `IdempotencyStore`."""
        if self._owned(key, owner) is not None:
            del self._at_work[key]

    def _owned(self, key: str, owner: str) -> _Entry | None:
        entry = self._at_work.get(key)
        return entry if entry is not None and entry.owner == owner and entry.expiration > self._clock() else None

    def _forget(self, key: str) -> None:
        self._at_work.pop(key, None)
        entry = self._answered.pop(key, None)
        self._bytes -= len(entry.answer or b"") if entry is not None else 0


_BEGIN: Final = """
local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'answer')
if known[1] then return known end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fingerprint', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return false
"""
_EXTEND: Final = """
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_COMPLETE: Final = """
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'owner')
redis.call('HSET', KEYS[1], 'answer', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
_RELEASE: Final = """
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisIdempotencyStore(RedisStore):
    """Keys of all processes together."""

    usual_prefix = "idempotency:"

    async def begin(self, key: str, owner: str, fingerprint: str, lease: float) -> Known | None:
        """See `IdempotencyStore`."""
        known = await self._run(_BEGIN, key, owner, fingerprint, _milliseconds(lease))
        return None if known is None else Known(known[0].decode(), known[1])

    async def extend(self, key: str, owner: str, lease: float) -> bool:
        """See `IdempotencyStore`."""
        return bool(await self._run(_EXTEND, key, owner, _milliseconds(lease)))

    async def complete(self, key: str, owner: str, answer: bytes, lifetime: float) -> bool:
        """See `IdempotencyStore`."""
        return bool(await self._run(_COMPLETE, key, owner, answer, _milliseconds(lifetime)))

    async def release(self, key: str, owner: str) -> None:
        """See `IdempotencyStore`."""
        await self._run(_RELEASE, key, owner)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
