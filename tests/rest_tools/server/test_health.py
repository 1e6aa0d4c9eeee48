from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
import time

import pytest
import requests
from tests.timing import PATIENCE, until

from rest_tools.server import RestServer, draining


def server_of(checks=None, **options):
    server = RestServer()
    server.add_standard_routes(checks=checks, **options)
    return server


def get(url, **options):
    return requests.get(url, timeout=10, **options)


def ready(url):
    answer = get(f"{url}/health/ready")
    return answer.status_code, answer.json()


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def fine():
    await asyncio.sleep(0)


def broken():
    raise OSError("no database at password=s3cr3t")


async def broken_async():
    raise OSError


class Ping:
    async def __call__(self):
        return True


def test_alive_and_ready_without_checks(serving):
    with serving(server_of()) as url:
        live = get(f"{url}/health/live")
        assert (live.status_code, live.json(), live.headers["Cache-Control"]) == (200, {"status": "alive"}, "no-store")
        assert ready(url) == (200, {"status": "ready", "checks": {}})
        for path in ("live", "ready"):
            head = requests.head(f"{url}/health/{path}", timeout=30)
            assert (head.status_code, head.content) == (200, b"")


def test_only_where_asked_for(serving):
    with serving(RestServer()) as url:
        assert get(f"{url}/health/live").status_code == 404
    with serving(server_of(health=False)) as url:
        assert get(f"{url}/health/live").status_code == 404


@pytest.mark.parametrize(
    ("function", "verdict"),
    [
        (fine, "ok"),
        (lambda: None, "ok"),
        (lambda: 0, "ok"),
        (lambda: fine(), "ok"),  # noqa: PLW0108
        (Ping(), "ok"),
        (functools.partial(asyncio.sleep, 0, result=False), "failed"),
        (lambda: False, "failed"),
        (broken, "failed"),
        (broken_async, "failed"),
        (asyncio.CancelledError, "ok"),  # merely returned
    ],
)
def test_checks_of_all_kinds(serving, function, verdict):
    with serving(server_of({"other": fine, "it": function})) as url:
        status, report = ready(url)
        assert get(f"{url}/health/live").status_code == 200
    assert report["checks"] == {"other": "ok", "it": verdict}
    assert (status, report["status"]) == ((200, "ready") if verdict == "ok" else (503, "not ready"))


def test_why_a_check_failed_is_logged_and_not_told(serving, caplog):
    with serving(server_of({"database": broken})) as url:
        answer = get(f"{url}/health/ready")
    assert "no database" not in answer.text
    assert "check database failed" in caplog.text
    assert "no database" in caplog.text


def test_checks_run_together_each_with_its_deadline(serving):
    release = threading.Event()
    hanging = {f"hangs {number}": functools.partial(asyncio.sleep, 60) for number in range(8)}
    checks = {
        **hanging,
        "blocks": lambda: release.wait(60),
        "slow": lambda: time.sleep(0.2),
        "quick": fine,
    }
    with serving(server_of(checks, check_timeout=2.5)) as url:
        begun = time.monotonic()
        status, report = ready(url)
        assert 2.4 < time.monotonic() - begun < 15
        release.set()
    assert status == 503
    assert report["checks"] == {**dict.fromkeys([*hanging, "blocks"], "timed out"), "slow": "ok", "quick": "ok"}


def test_a_check_that_hangs_costs_one_thread_and_not_the_event_loop(serving):
    release, calls = threading.Event(), []

    def hang():
        calls.append(threading.current_thread())
        release.wait(60)

    with serving(server_of({"hangs": hang}, check_timeout=0.1)) as url:
        askers = [threading.Thread(target=ready, args=(url,)) for _ in range(5)]
        for asker in askers:
            asker.start()
        assert get(f"{url}/health/live").elapsed.total_seconds() < 30
        for asker in askers:
            asker.join(PATIENCE)
        assert ready(url)[0] == 503
        assert len(calls) == 1
        assert calls[0].daemon  # the end of the program does not wait for it
        release.set()
        calls[0].join(PATIENCE)
        until(lambda: ready(url)[0] == 200)
        assert len(calls) >= 2


def test_an_async_check_that_hangs_is_cancelled(serving):
    cancelled = threading.Event()

    async def hang():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with serving(server_of({"it": hang}, check_timeout=0.1)) as url:
        assert ready(url)[1]["checks"] == {"it": "timed out"}
        assert cancelled.wait(PATIENCE)


def test_an_async_check_that_does_not_let_itself_be_cancelled_is_not_waited_for(serving):
    release, ended = threading.Event(), threading.Event()

    async def stubborn():
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)
        ended.set()

    with serving(server_of({"it": stubborn}, check_timeout=0.1)) as url:
        assert ready(url)[0] == 503
        assert not ended.is_set()
        release.set()
        assert ended.wait(PATIENCE)  # before the loop does


def test_who_asks_together_shares_one_run(serving):
    calls, release = [], threading.Event()

    async def slow():
        calls.append(1)
        while not release.is_set():  # noqa: ASYNC110  # the test is in another thread
            await asyncio.sleep(0.01)

    with serving(server_of({"slow": slow}, check_timeout=PATIENCE)) as url:
        askers = [threading.Thread(target=ready, args=(url,)) for _ in range(4)]
        for asker in askers:
            asker.start()
        waiting = 'http_server_requests_in_progress{route="/health/ready"} 4.0'
        until(lambda: waiting in get(f"{url}/metrics").text)
        release.set()
        for asker in askers:
            asker.join(PATIENCE)
        assert len(calls) == 1
        assert ready(url)[0] == 200
        assert len(calls) == 2


def test_a_server_about_to_stop_says_so_while_it_serves_on(loop):
    server = server_of({"it": fine})

    async def startup():
        server.startup("127.0.0.1", 0)

    loop.do(startup())
    url = f"http://127.0.0.1:{server.port}"
    assert ready(url)[0] == 200
    stopping = asyncio.run_coroutine_threadsafe(server.stop(notice=4.0), loop.loop)
    until(lambda: ready(url)[0] == 503)
    for _ in range(2):  # each on a new connection
        assert ready(url) == (503, {"status": "draining", "checks": {}})
    assert get(f"{url}/health/live").status_code == 200
    stopping.result(PATIENCE)
    with pytest.raises(requests.ConnectionError):
        ready(url)
    loop.do(startup())
    assert ready(f"http://127.0.0.1:{server.port}")[0] == 200
    loop.do(server.stop())


def test_open_connections_are_told_of_the_draining(loop, monkeypatch):
    monkeypatch.setattr(draining, "_QUIET", PATIENCE)
    asked = threading.Event()

    async def slow():
        asked.set()
        await asyncio.sleep(0.5)

    server = server_of({"slow": slow})

    async def startup():
        server.startup("127.0.0.1", 0)

    loop.do(startup())
    url = f"http://127.0.0.1:{server.port}"
    with requests.Session() as session:
        session.get(f"{url}/health/live", timeout=30)
        stopping = asyncio.run_coroutine_threadsafe(server.stop(drain=PATIENCE), loop.loop)
        until(lambda: not is_listening(server.port))
        answer = session.get(f"{url}/health/ready", timeout=30)
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
        assert answer.headers["Connection"] == "close"
    stopping.result(PATIENCE)
    assert not asked.is_set()  # the checks do not matter any more
