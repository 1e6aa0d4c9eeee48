from __future__ import annotations

import asyncio
import time

import pytest
import redis.exceptions
from tests.timing import PATIENCE

from rest_tools.server.idempotency_store import Known, MemoryIdempotencyStore, RedisIdempotencyStore
from restwright.testing.clock import FakeClock

ANSWER = b"\x00\xff answer\r\n"


@pytest.fixture
def keys(store_or_memory, async_client):
    """A store of keys, in memory or in Redis."""
    if store_or_memory is None:
        return MemoryIdempotencyStore()
    return RedisIdempotencyStore(async_client(store_or_memory[0]), timeout=PATIENCE)


def test_a_key_is_taken_once(keys, loop):
    assert loop.do(keys.begin("k", "me", "print", 30)) is None
    assert loop.do(keys.begin("k", "you", "other print", 30)) == Known("print", None)
    assert loop.do(keys.begin("another", "you", "other print", 30)) is None


def test_of_many_at_once_one_gets_the_key(keys, loop):
    async def run():
        return await asyncio.gather(*(keys.begin("k", str(n), "print", 30) for n in range(50)))

    found = loop.do(run())
    assert found.count(None) == 1
    assert found.count(Known("print", None)) == 49


def test_an_answer_is_kept_for_its_lifetime(keys, loop):
    loop.do(keys.begin("k", "me", "print", 30))
    assert loop.do(keys.complete("k", "me", ANSWER, 30)) is True
    assert loop.do(keys.begin("k", "you", "other print", 30)) == Known("print", ANSWER)
    loop.do(keys.begin("brief", "me", "print", 30))
    assert loop.do(keys.complete("brief", "me", ANSWER, 0.05)) is True
    time.sleep(0.1)
    assert loop.do(keys.begin("brief", "you", "other print", 30)) is None


def test_an_answer_is_given_once(keys, loop):
    loop.do(keys.begin("k", "me", "print", 30))
    loop.do(keys.complete("k", "me", ANSWER, 30))
    assert loop.do(keys.complete("k", "me", b"other", 30)) is False
    assert loop.do(keys.extend("k", "me", 0.01)) is False
    loop.do(keys.release("k", "me"))
    time.sleep(0.02)
    assert loop.do(keys.begin("k", "you", "print", 30)) == Known("print", ANSWER)


def test_a_key_is_freed_by_its_owner_alone(keys, loop):
    loop.do(keys.begin("k", "me", "print", 30))
    loop.do(keys.release("k", "you"))
    assert loop.do(keys.complete("k", "you", ANSWER, 30)) is False
    assert loop.do(keys.begin("k", "you", "print", 30)) == Known("print", None)
    loop.do(keys.release("k", "me"))
    assert loop.do(keys.begin("k", "you", "print", 30)) is None


def test_a_lease_ends_and_its_owner_owns_nothing_any_more(keys, loop):
    loop.do(keys.begin("k", "me", "print", 0.05))
    time.sleep(0.1)
    assert loop.do(keys.extend("k", "me", 30)) is False
    assert loop.do(keys.complete("k", "me", ANSWER, 30)) is False
    assert loop.do(keys.begin("k", "you", "other print", 30)) is None
    loop.do(keys.release("k", "me"))
    assert loop.do(keys.begin("k", "me", "print", 30)) == Known("other print", None)


def test_a_lease_is_extended(keys, loop):
    loop.do(keys.begin("k", "me", "print", 3))
    assert loop.do(keys.extend("k", "me", 30)) is True
    time.sleep(3.1)
    assert loop.do(keys.begin("k", "you", "print", 30)) == Known("print", None)


# ------------------------------------------------------------------------------------------------ in memory


def answered(store, key, size=1):
    async def run():
        await store.begin(key, "me", "print", 30)
        await store.complete(key, "me", b"x" * size, 30)

    asyncio.run(run())


def known(store, *keys):
    async def run():
        return [key for key in keys if (found := await store.begin(key, "you", "print", 30)) and found.answer]

    return asyncio.run(run())


def test_the_memory_holds_so_many_answers():
    store = MemoryIdempotencyStore(max_answers=2)
    for key in "abc":
        answered(store, key)
    assert known(store, "a", "b", "c") == ["b", "c"]


def test_the_memory_holds_so_many_bytes():
    store = MemoryIdempotencyStore(max_bytes=100)
    for key in "abc":
        answered(store, key, size=40)
    answered(store, "too large", size=101)
    assert known(store, "a", "b", "c", "too large") == []
    answered(store, "d", size=100)
    assert known(store, "d") == ["d"]


def test_what_has_ended_makes_room_when_it_is_asked_for():
    clock = FakeClock()
    store = MemoryIdempotencyStore(max_bytes=100, clock=clock)
    answered(store, "a", size=60)
    clock.now += 31
    assert known(store, "a") == []  # and is at work now
    answered(store, "b", size=100)
    assert known(store, "b") == ["b"]


# ------------------------------------------------------------------------------------------------ in Redis


def test_processes_share_their_keys(store, loop, async_client):
    mine, yours = (RedisIdempotencyStore(async_client(store[0]), timeout=PATIENCE) for _ in range(2))
    assert loop.do(mine.begin("k", "me", "print", 30)) is None
    assert loop.do(yours.begin("k", "you", "print", 30)) == Known("print", None)


def test_a_key_in_redis_always_has_an_end(store, loop, async_client):
    keys = RedisIdempotencyStore(async_client(store[0]), timeout=PATIENCE, prefix="shop:")
    loop.do(keys.begin("k", "me", "print", 30))
    assert store[1].keys() == ["shop:k"]
    assert 25_000 < store[1].pttl("shop:k") <= 30_000
    loop.do(keys.complete("k", "me", b"answer", 60))
    assert 55_000 < store[1].pttl("shop:k") <= 60_000


def test_a_client_that_decodes_does_no_harm(store, loop, async_client):
    keys = RedisIdempotencyStore(async_client(store[0], decode_responses=True), timeout=PATIENCE)
    loop.do(keys.begin("k", "me", "print", 30))
    loop.do(keys.complete("k", "me", ANSWER, 30))
    assert loop.do(keys.begin("k", "you", "print", 30)) == Known("print", ANSWER)


def test_a_store_that_hangs_is_not_waited_for(hanging_store, loop, async_client):
    keys = RedisIdempotencyStore(async_client(hanging_store), timeout=0.2)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        loop.do(keys.begin("k", "me", "print", 30))
    assert time.monotonic() - begun < 15


def test_after_a_store_was_slow_no_answer_is_taken_for_another(store, loop, async_client):
    """What was given up must not be read as the answer to the next step."""
    port, client = store
    keys = RedisIdempotencyStore(async_client(port, max_connections=1), timeout=PATIENCE)
    loop.do(keys.begin("k", "me", "print", 30))
    keys._timeout = 0.2
    client.client_pause(4000)  # which the next command waits for
    with pytest.raises((TimeoutError, redis.exceptions.RedisError)):
        loop.do(keys.begin("k", "you", "print", 30))
    keys._timeout = PATIENCE
    client.client_unpause()
    assert loop.do(keys.begin("new", "you", "print", 30)) is None
    assert loop.do(keys.begin("k", "you", "print", 30)) == Known("print", None)
