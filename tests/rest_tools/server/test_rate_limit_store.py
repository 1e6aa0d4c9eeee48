from __future__ import annotations

import asyncio
import time

import pytest
from tests.timing import PATIENCE

from rest_tools.server.rate_limit_store import MemoryRateLimitStore, RedisRateLimitStore
from restwright.testing.clock import FakeClock

SECOND = 1_000_000


@pytest.fixture
def buckets(store_or_memory, async_client):
    """A store of buckets, in memory or in Redis."""
    if store_or_memory is None:
        return MemoryRateLimitStore()
    return RedisRateLimitStore(async_client(store_or_memory[0]), timeout=PATIENCE)


def test_a_bucket_fills_and_overflows(buckets, loop):
    poured = [loop.do(buckets.pour("k", 20 * SECOND, 60 * SECOND)) for _ in range(5)]
    assert [fits for fits, _ in poured] == [True, True, True, False, False]
    expected = [20, 40, 60, 60, 60]
    for (_, level), full in zip(poured, expected, strict=True):
        assert 0 <= full * SECOND - level < 5 * SECOND


def test_each_key_has_a_bucket(buckets, loop):
    assert loop.do(buckets.pour("a", SECOND, SECOND))[0] is True
    assert loop.do(buckets.pour("a", SECOND, SECOND))[0] is False
    assert loop.do(buckets.pour("b", SECOND, SECOND))[0] is True


def test_a_bucket_drains_as_time_passes(buckets, loop):
    size, small = 5 * SECOND, SECOND // 20
    assert loop.do(buckets.pour("k", size, size))[0] is True
    assert loop.do(buckets.pour("k", size, size))[0] is False
    time.sleep(0.6)
    fits, level = loop.do(buckets.pour("k", size // 10, size))
    assert fits is True
    assert size // 10 < level <= size
    loop.do(buckets.pour("small", small, small))
    time.sleep(0.1)
    assert loop.do(buckets.pour("small", small, small)) == (True, small)


def test_of_many_at_once_as_many_get_in_as_there_is_room(buckets, loop):
    async def run():
        return await asyncio.gather(*(buckets.pour("k", 10 * SECOND, 100 * SECOND) for _ in range(50)))

    assert [fits for fits, _ in loop.do(run())].count(True) == 10


# ------------------------------------------------------------------------------------------------ in memory


def pour(store, key, cost=1, size=10):
    return asyncio.run(store.pour(key, cost * SECOND, size * SECOND))


def test_what_was_refused_costs_nothing():
    clock = FakeClock()
    store = MemoryRateLimitStore(clock=clock)
    pour(store, "k", 10)
    for _ in range(100):
        assert pour(store, "k") == (False, 10 * SECOND)
    clock.sleep(1)
    assert pour(store, "k") == (True, 10 * SECOND)


def test_a_clock_that_jumps_back_locks_nobody_out():
    clock = FakeClock(1000.0)
    store = MemoryRateLimitStore(clock=clock)
    pour(store, "k", 10)
    clock.now = 0.0
    assert pour(store, "k") == (False, 10 * SECOND)
    clock.now = 991.0
    assert pour(store, "k") == (False, 10 * SECOND)
    clock.now = 1001.0
    assert pour(store, "k")[0] is True


def test_the_memory_holds_so_many_keys_and_forgets_what_was_not_used():
    clock = FakeClock()
    store = MemoryRateLimitStore(max_keys=3, clock=clock)
    for key in "abc":
        pour(store, key, 10)
    clock.sleep(1)
    pour(store, "a")
    pour(store, "d")
    assert [pour(store, key, 2)[0] for key in "acd"] == [False, False, True]
    assert pour(store, "b") == (True, SECOND)  # forgotten


def test_no_room_is_a_mistake():
    with pytest.raises(ValueError, match="max_keys must be 1 or more, got 0"):
        MemoryRateLimitStore(max_keys=0)


def test_empty_buckets_are_not_kept():
    clock = FakeClock()
    store = MemoryRateLimitStore(clock=clock)
    for number in range(1000):
        pour(store, str(number))
    clock.sleep(2)
    for number in range(1000):
        pour(store, f"new {number}")
    assert len(store._empty_at) <= 1000


# ------------------------------------------------------------------------------------------------ in Redis


def test_processes_share_their_buckets(store, loop, async_client):
    mine, yours = (RedisRateLimitStore(async_client(store[0]), timeout=PATIENCE) for _ in range(2))
    assert loop.do(mine.pour("k", 6 * SECOND, 10 * SECOND))[0] is True
    assert loop.do(yours.pour("k", 6 * SECOND, 10 * SECOND))[0] is False


def test_a_bucket_in_redis_is_one_number_until_it_is_empty(store, loop, async_client):
    buckets = RedisRateLimitStore(async_client(store[0], decode_responses=True), timeout=PATIENCE, prefix="shop:")
    loop.do(buckets.pour("k", 30 * SECOND, 60 * SECOND))
    assert store[1].keys() == ["shop:k"]
    assert 25_000 < store[1].pttl("shop:k") <= 30_000
    empty_at = int(store[1].get("shop:k"))
    assert abs(empty_at - (time.time() + 30) * SECOND) < 5 * SECOND
    loop.do(buckets.pour("k", 60 * SECOND, 60 * SECOND))
    assert int(store[1].get("shop:k")) == empty_at


def test_a_store_that_hangs_is_not_waited_for(hanging_store, loop, async_client):
    buckets = RedisRateLimitStore(async_client(hanging_store), timeout=0.2)
    with pytest.raises(TimeoutError):
        loop.do(buckets.pour("k", 1, 1))
