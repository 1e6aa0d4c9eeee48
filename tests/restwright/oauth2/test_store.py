"""What all stores have in common."""

from __future__ import annotations

import threading
import time

import pytest

from restwright.errors import TokenStoreError
from restwright.oauth2 import FileStore, KeyringStore, MemoryStore, TokenSet

TOKENS = TokenSet("access", expires_at=1.5, issued_at=1.0, refresh_token="refresh", scope="a b", id_token="id")


@pytest.fixture(params=["memory", "file", "keyring"])
def store(request, tmp_path, keyring):
    stores = {
        "memory": MemoryStore,
        "file": lambda: FileStore(tmp_path / "tokens.json"),
        "keyring": lambda: KeyringStore("restwright tests"),
    }
    return stores[request.param]()


def test_it_keeps_what_it_is_given(store):
    assert store.load() is None
    store.save(TOKENS)
    assert store.load() == TOKENS
    store.save(TokenSet("other"))
    assert store.load() == TokenSet("other")
    store.clear()
    assert store.load() is None
    store.clear()


def test_its_repr_shows_no_secret(store):
    store.save(TokenSet("canary", refresh_token="canary"))
    assert "canary" not in repr(store)


def test_it_is_locked_by_one_at_a_time(store):
    order = []

    def hold():
        with store.lock(30):
            order.append("first")
            time.sleep(0.1)
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    while not order:
        time.sleep(0.001)
    with store.lock(30):
        order.append("second")
    thread.join()
    assert order == ["first", "first", "second"]


def test_a_lock_that_is_not_to_be_had_is_an_error_in_time(store):
    started = time.monotonic()
    with store.lock(1), pytest.raises(TokenStoreError, match=r"for more than 0\.1 s"), store.lock(0.1):
        pass
    assert time.monotonic() - started < 15
    with store.lock(0.1):
        pass


def test_the_lock_ends_with_an_error_too(store):
    def fail():
        with store.lock(1):
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    with store.lock(0.1):
        pass
