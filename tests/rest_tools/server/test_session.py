from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import requests
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from rest_tools.server import RestServer
from rest_tools.server import session as sessions
from rest_tools.server.session import (
    MemorySessionStorage,
    RedisSessionStorage,
    Session,
    SessionEntry,
    SessionMixin,
    SessionWrapper,
    StorageTypes,
)


@contextlib.contextmanager
def sessions_in(store):
    port, _ = store
    session = Session("redis", expiration=30, host="127.0.0.1", port=port)
    yield session
    session.close()


@pytest.fixture
def redis_session(store):
    with sessions_in(store) as session:
        yield session


@pytest.fixture
def session(store_or_memory):
    if store_or_memory is None:
        yield Session(expiration=30)
    else:
        with sessions_in(store_or_memory) as session:
            yield session


def test_a_real_redis_or_its_heir_is_there(store_programs):
    assert store_programs["valkey"]
    assert store_programs["redis"] or sys.version_info >= (3, 12)


def test_a_session_is_what_was_put_in(session):
    session.set("joe", {"fruit": "äpple", "": "empty name"})
    assert session.get_session("joe") == {"fruit": "äpple", "": "empty name"}


def test_no_data_is_an_empty_session(session):
    session.set("joe", None)
    assert session.get_session("joe") == {}


def test_other_data_takes_the_place_of_all(session):
    session.set("joe", {"a": "1", "b": "2"})
    session.set("joe", {"c": "3"})
    assert session.get_session("joe") == {"c": "3"}


def test_an_unknown_session(session):
    with pytest.raises(KeyError):
        session.get_session("joe")


def test_what_is_read_is_a_copy(session):
    data = {"a": "1"}
    session.set("joe", data)
    data["a"] = "2"
    session.get_session("joe")["a"] = "3"
    assert session.get_session("joe") == {"a": "1"}


def test_a_session_is_deleted_once(session):
    session.set("joe", {})
    assert session.delete_session("joe") is True
    assert session.delete_session("joe") is False


def test_clear_ends_all(session):
    for user in ("joe", "ann", "with *?[ and blank"):
        session.set(user, {"a": "1"})
    assert sorted(session.storage) == ["ann", "joe", "with *?[ and blank"]
    assert len(session.storage) == 3
    session.clear()
    assert len(session.storage) == 0


def test_a_session_ends_when_it_is_not_used(session):
    session.expiration = 3
    session.set("joe", {})
    for _ in range(3):
        time.sleep(1.1)
        session.get_session("joe")
    session.expiration = 0.05
    session.get_session("joe")
    time.sleep(0.1)
    with pytest.raises(KeyError):
        session.get_session("joe")
    assert "joe" not in session.storage


def test_cleanup_removes_what_has_ended_only(session):
    session.set("ann", {"a": "1"})
    session.expiration = 0.01
    session.set("joe", {})
    time.sleep(0.05)
    session.cleanup_expired_sessions()
    assert list(session.storage) == ["ann"]


def test_redis_holds_one_key_for_a_session_which_redis_removes(redis_session, store):
    redis_session.set("joe", {"a": "1"})
    _, client = store
    assert client.keys() == ["session:joe"]
    assert client.hget("session:joe", "a") == "1"
    assert 25_000 < client.pttl("session:joe") <= 30_000


def test_reading_from_redis_writes_the_time_only(redis_session, store):
    _, client = store
    redis_session.set("joe", {"a": "1"})
    client.hset("session:joe", "b", "2")  # by another process, meanwhile
    client.pexpire("session:joe", 1000)
    before = client.hgetall("session:joe")
    redis_session.get_session("joe")
    assert client.hgetall("session:joe") == before
    assert client.pttl("session:joe") > 25_000


def test_reading_does_not_bring_back_a_deleted_session(redis_session, store):
    with pytest.raises(KeyError):
        redis_session.get_session("joe")
    assert store[1].keys() == []


def test_clear_leaves_what_is_not_a_session(redis_session, store):
    _, client = store
    client.set("other", "1")
    redis_session.set("joe", {})
    assert len(redis_session.storage) == 1
    redis_session.clear()
    assert client.keys() == ["other"]


def test_two_processes_share_their_sessions(redis_session, store):
    other = Session(StorageTypes.REDIS, host="127.0.0.1", port=store[0])
    redis_session.set("joe", {"a": "1"})
    assert other.get_session("joe") == {"a": "1"}
    other.close()


def test_the_name_of_the_expiration_is_taken(redis_session):
    with pytest.raises(ValueError, match="_expiration"):
        redis_session.set("joe", {"_expiration": "1"})


def test_a_redis_that_does_not_answer_is_waited_for_once(store):
    """Five retries made half a minute of five seconds; each was on a connection of its own."""
    port, client = store
    session = Session("redis", host="127.0.0.1", port=port, timeout=0.3)
    before = client.info("stats")["total_connections_received"]
    client.client_pause(4000)
    with pytest.raises(redis.TimeoutError):
        session.get_session("joe")
    client.client_unpause()  # which waits for the end of the pause, too
    assert client.info("stats")["total_connections_received"] == before
    session.close()


def test_a_redis_that_is_not_there_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(redis.exceptions.ConnectionError):
        RedisSessionStorage(host="127.0.0.1", port=port)


def test_an_unknown_storage():
    with pytest.raises(ValueError, match="disk"):
        Session("disk")


def test_memory_takes_no_notice_of_settings_for_redis():
    assert isinstance(Session("memory", host="store").storage, MemorySessionStorage)


def test_without_the_package_redis_the_memory_is_left(tmp_path):
    """In a process of its own that cannot find the package."""
    program = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "redis" else find(name, *more)
from rest_tools.server import session
assert not session.redis_available and not hasattr(session, "RedisSessionStorage")
session.Session().set("joe", {})
try:
    session.Session("redis")
except RuntimeError as error:
    assert "restwright[redis]" in str(error)
else:
    sys.exit("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


def test_redis_is_there():
    assert sessions.redis_available
    assert "RedisSessionStorage" in sessions.__all__


def test_the_memory_is_bounded_and_keeps_what_is_in_use():
    session = Session(MemorySessionStorage(max_sessions=3))
    for user in ("a", "b", "c"):
        session.set(user, {})
    session.get_session("a")
    session.set("d", {})
    assert list(session.storage) == ["c", "a", "d"]


def test_threads_share_the_sessions_in_memory():
    session = Session(expiration=30)

    def work(number):
        for i in range(300):
            session.set(f"{number}-{i}", {})
            with contextlib.suppress(KeyError):  # cleared by another thread
                session.get_session(f"{number}-{i}")
            session.cleanup_expired_sessions()
            if i % 100 == 0:
                session.clear()  # what a thread raises, pytest makes a failure

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(session.storage) >= 99  # what the last thread to clear has added since


def test_a_wrapper_stores_each_change(session):
    session.set("joe", {"a": "1"})
    wrapper = SessionWrapper("joe", session.get_session("joe"), session)
    wrapper["b"] = "secret"
    assert session.get_session("joe") == {"a": "1", "b": "secret"}
    del wrapper["a"]
    assert session.get_session("joe") == {"b": "secret"} == dict(wrapper)
    assert "secret" not in repr(wrapper)


def test_an_entry_is_frozen():
    entry = SessionEntry({}, 1.0)
    with pytest.raises(AttributeError):
        entry.expiration = 2.0


class Counter(SessionMixin, RequestHandler):
    def get_current_user(self):
        return self.get_query_argument("user", None)

    def get(self):
        if self.session is None:
            self.write({"session": None})
            return
        self.session["count"] = str(int(self.session.get("count", "0")) + 1)
        self.write(dict(self.session))


def test_a_handler_has_the_session_of_its_user(session):
    def ask(url):
        return [requests.get(url + query, timeout=30).json() for query in ("?user=joe", "?user=joe", "?user=ann", "")]

    async def serve():
        sock, port = bind_unused_port()
        server = HTTPServer(Application([("/", Counter, {"session": session})]))
        server.add_sockets([sock])
        try:
            return await asyncio.to_thread(ask, f"http://127.0.0.1:{port}/")
        finally:
            server.stop()
            await server.close_all_connections()

    assert asyncio.run(serve()) == [{"count": "1"}, {"count": "2"}, {"count": "1"}, {"session": None}]
    assert session.get_session("joe") == {"count": "2"}


class Other(RequestHandler):
    def get(self):
        self.write({})


def test_a_redis_that_is_slow_holds_up_those_alone_who_have_a_session(store, serving):
    port, client = store
    session = Session("redis", host="127.0.0.1", port=port, timeout=30)
    server = RestServer()
    server.add_route("/counter", Counter, {"session": session})
    server.add_route("/other", Other)
    with serving(server) as url, ThreadPoolExecutor(1) as thread:
        assert requests.get(f"{url}/counter?user=joe", timeout=30).json() == {"count": "1"}
        client.client_pause(4000)
        waiting = thread.submit(requests.get, f"{url}/counter?user=joe", timeout=30)
        time.sleep(0.1)
        assert requests.get(f"{url}/other", timeout=30).json() == {}
        assert not waiting.done()
        assert waiting.result().json() == {"count": "2"}
    session.close()


class Prepared(Counter):
    def prepare(self):  # which is not awaited, and does not call the inherited one
        self.set_header("X-Seen-Before", str(self.session is not None))


def test_the_prepare_of_a_handler_comes_first_whatever_it_is(redis_session, serving):
    server = RestServer()
    server.add_route("/", Prepared, {"session": redis_session})
    with serving(server) as url:
        answer = requests.get(f"{url}/?user=joe", timeout=30)
        assert (answer.headers["X-Seen-Before"], answer.json()) == ("True", {"count": "1"})
        answer = requests.get(url, timeout=30)
        assert (answer.headers["X-Seen-Before"], answer.json()) == ("False", {"session": None})


class Indifferent(SessionMixin, RequestHandler):
    def get_current_user(self):
        return "joe"

    def get(self):
        self.write({"session": dict(self.session) if self.get_query_argument("ask", None) else None})


def test_who_asks_for_no_session_is_not_told_that_there_is_no_redis(store, serving):
    port, client = store
    session = Session("redis", host="127.0.0.1", port=port, timeout=0.3)
    server = RestServer()
    server.add_route("/", Indifferent, {"session": session})
    with serving(server) as url:
        client.client_pause(4000)
        assert requests.get(url, timeout=30).json() == {"session": None}
        assert requests.get(f"{url}?ask=1", timeout=30).status_code == 500
    client.client_unpause()
    session.close()
