from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from restwright.errors import TokenStoreError
from restwright.oauth2 import FileStore, TokenSet

TOKENS = TokenSet("access", refresh_token="refresh")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tokens.json"


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_it_is_for_its_owner_alone_whatever_the_umask(tmp_path, umask, mask):
    store = FileStore(tmp_path / "new" / "deep" / "tokens.json")
    umask(mask)
    with store.lock(1):
        store.save(TOKENS)
    umask(0o022)
    assert mode(store.path) == 0o600
    assert mode(store.path.parent) == mode(store.path.parent.parent) == 0o700
    assert all(mode(each) & 0o077 == 0 for each in store.path.parent.iterdir())
    with store.lock(1):
        assert store.load() == TOKENS


def test_a_file_that_all_may_read_is_for_its_owner_alone_once_it_was_read(path):
    path.write_bytes(TOKENS.to_json())
    path.chmod(0o644)
    assert FileStore(path).load() == TOKENS
    assert mode(path) == 0o600


def test_a_file_that_all_may_read_is_replaced_and_not_written_to(path):
    path.write_text("")
    path.chmod(0o666)
    with path.open() as seen_by_others:
        FileStore(path).save(TOKENS)
        assert seen_by_others.read() == ""
    assert mode(path) == 0o600


def test_nobody_can_have_it_write_into_a_file_of_theirs(path):
    target = path.with_name("target")
    target.touch()
    path.with_name("tokens.json.new").symlink_to(target)
    FileStore(path).save(TOKENS)
    assert target.read_bytes() == b""
    assert not path.is_symlink()


def test_the_home_directory_has_a_short_name(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FileStore("~/tokens.json").path == tmp_path / "tokens.json"


def test_readers_see_old_tokens_or_new_ones_whole(path):
    """While another thread replaces them all the time."""
    store = FileStore(path)
    texts = ["a" * 20_000, "b" * 20_000]
    store.save(TokenSet(texts[0]))
    stop = threading.Event()

    def write():
        turn = 0
        while not stop.is_set():
            turn += 1
            store.save(TokenSet(texts[turn % 2]))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {store.load().access_token for _ in range(500)}
    finally:
        stop.set()
        writer.join()
    assert seen <= set(texts)


def test_an_empty_file_holds_nothing(path):
    path.write_text("\n")
    assert FileStore(path).load() is None


@pytest.mark.parametrize("content", [b"canary", b"[]", b'{"access_token": 7, "canary": 1}', b"\xff\xfe"])
def test_a_file_that_holds_something_else_is_named(path, content):
    path.write_bytes(content)
    with pytest.raises(
        TokenStoreError, match=r"tokens\.json holds no tokens .*: remove it, and log in again"
    ) as caught:
        FileStore(path).load()
    assert "canary" not in str(caught.value)


def test_a_file_that_cannot_be_had_is_named(tmp_path):
    (tmp_path / "file").touch()
    store = FileStore(tmp_path / "file" / "tokens.json")
    for attempt in (store.load, lambda: store.save(TOKENS), lambda: store.lock(1).__enter__()):
        with pytest.raises(TokenStoreError, match=r"the tokens in .*tokens\.json cannot be"):
            attempt()
    directory = FileStore(tmp_path)
    with pytest.raises(TokenStoreError, match="cannot be read: Is a directory"):
        directory.load()


def test_what_was_written_when_the_process_was_killed_is_found(path):
    """After the first write, before it came in its place."""
    store = FileStore(path)
    store.save(TOKENS)
    path.with_name("tokens.json.new").write_bytes(TokenSet("next").to_json())
    assert store.load() == TOKENS
    with store.lock(1):
        assert store.load() == TokenSet("next")
    assert not path.with_name("tokens.json.new").exists()


def test_what_was_half_written_when_the_process_was_killed_is_dropped(path):
    store = FileStore(path)
    store.save(TOKENS)
    path.with_name("tokens.json.new").write_bytes(TokenSet("next").to_json()[:-5])
    with store.lock(1):
        assert store.load() == TOKENS
    assert not path.with_name("tokens.json.new").exists()


def test_logging_out_removes_what_was_half_done_too(path):
    store = FileStore(path)
    store.save(TOKENS)
    path.with_name("tokens.json.new").write_bytes(TokenSet("next").to_json())
    store.clear()
    with store.lock(1):
        assert store.load() is None


HOLDER = """
import sys, time
from restwright.oauth2 import FileStore
with FileStore(sys.argv[1]).lock(5):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_process_that_is_killed_is_free(path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(TokenStoreError, match="locked by another process"), FileStore(path).lock(0.05):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    started = time.monotonic()
    with FileStore(path).lock(60):
        assert time.monotonic() - started < 30


def test_a_path_may_be_text(path):
    assert repr(FileStore(str(path))) == f"FileStore({str(path)!r})"
    assert isinstance(FileStore(str(path)).path, Path)
