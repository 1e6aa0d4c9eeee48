"""One client for threads, tasks, successive event loops and forks; what is left behind leaks nothing."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import os
import resource
import subprocess
import sys
import threading
import time
import warnings
import weakref

import pytest
import requests
from requests.structures import CaseInsensitiveDict
from tests.timing import PATIENCE, until_async

from restwright import Request, fetch, retry
from restwright.adapter import Adapter
from restwright.errors import DeadlineExceeded, NotConnected
from restwright.plan import exchange
from restwright.testing import Reply, faults, serve
from restwright.transport import Transport
from restwright.wire import awaited

HELLO = Reply(json="hello")


@pytest.fixture
def quiet(caplog):
    """Fails the test if anything was warned of or logged, also while collecting garbage."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
    assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def many(request):
    return Reply(json=request.target)


@pytest.mark.parametrize("mode", ["sync"], indirect=True)
def test_32_threads_share_a_client(connect):
    with serve(many) as server:
        caller = connect(server.url)
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda n: caller.get(f"/{n}").json(), range(640)))
        assert answers == [f"/{n}" for n in range(640)]
        assert server.connections <= 64


def test_transports_made_by_threads_at_once_share_the_connections_of_their_session(monkeypatch):
    barrier = threading.Barrier(8)
    session = requests.Session()
    made = []
    begin = Adapter.__init__

    def slow(self):
        begin(self)
        time.sleep(0.01)

    monkeypatch.setattr(Adapter, "__init__", slow)

    def make(_):
        barrier.wait(10)
        made.append(Transport(session, "http://localhost"))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(8)))
    assert {id(transport._adapter) for transport in made} == {id(session.get_adapter("http://localhost"))}


@pytest.mark.parametrize("mode", ["async"], indirect=True)
def test_500_tasks_share_a_client(connect):
    with serve(many) as server:
        caller = connect(server.url)

        async def main():
            return await asyncio.gather(*(caller.client.ask("GET", f"/{n}") for n in range(500)))

        assert [answer.json() for answer in caller.run(main())] == [f"/{n}" for n in range(500)]
        assert server.connections <= awaited.CONNECTIONS


@pytest.mark.parametrize("mode", ["async"], indirect=True)
def test_10000_gathered_calls_do_not_exhaust_file_descriptors(connect):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serve(many) as server:
        caller = connect(server.url, timeout=60)

        async def main():
            answers = await asyncio.gather(*(caller.client.ask("GET", "/x") for _ in range(10_000)))
            return len(answers)

        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
        try:
            assert caller.run(main()) == 10_000
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_header_fields_that_change_are_never_sent_in_part(connect, mode):
    """The fields are worked out once; a thread that comes meanwhile must not get those from before."""

    class Slow(CaseInsensitiveDict):
        def items(self):
            time.sleep(0.05)
            return super().items()

    with serve(many) as server:
        caller = connect(server.url)
        caller.session.headers = Slow({"X-Token": "1"})
        if mode == "sync":
            threads = [threading.Thread(target=caller.get) for _ in range(4)]
            for thread in threads:
                thread.start()
                time.sleep(0.01)
            for thread in threads:
                thread.join()
        else:
            caller.get()
        caller.session.headers["X-Token"] = "2"
        caller.get()
        assert [seen.headers["X-Token"] for seen in server.requests][:-1] == ["1"] * (len(server.requests) - 1)
        assert server.requests[-1].headers["X-Token"] == "2"


def asking(client, path="/x"):
    return client.ask("GET", path)


@pytest.fixture
def unclosed(connect):
    """Makes clients that nobody closes."""

    def unclosed(url):
        like = connect("http://127.0.0.1:1").client
        return type(like)(url, like.operations, policy=exchange)

    return unclosed


only_async = pytest.mark.parametrize("mode", ["async"], indirect=True)


@only_async
@pytest.mark.parametrize("closing", [True, False], ids=["closed", "left open"])
def test_two_event_loops_one_after_the_other(unclosed, quiet, closing):
    with serve([HELLO]) as server:
        client = unclosed(server.url)

        async def main():
            assert (await asking(client)).json() == "hello"
            assert (await asking(client)).json() == "hello"
            if closing:
                await client.aclose()

        asyncio.run(main())
        asyncio.run(main())
        assert server.connections == 2
        assert server.wait_for_open_connections(0)


def test_an_idle_connection_does_not_hold_the_answer_that_came_on_it(connect):
    with serve([Reply(content=bytes(1 << 20))]) as server:
        caller = connect(server.url)
        answer = weakref.ref(caller.get())
        gc.collect()
        assert answer() is None
        assert server.open_connections == 1


@only_async
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_loop_that_is_closed_plainly_leaves_nothing_open(unclosed, quiet, tls, certificate):
    with serve([HELLO], tls=certificate.server if tls else None) as server:
        client = unclosed(server.url)
        client.session.verify = certificate.path
        for _ in range(2):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(asking(client)).json() == "hello"
            loop.close()
        assert server.connections == 2
        del client, loop
        gc.collect()
        assert server.wait_for_open_connections(0)


@only_async
def test_the_next_loop_does_not_stumble_over_what_the_server_has_closed_in_the_last_one(unclosed, quiet):
    with serve([faults.close_idle(HELLO)]) as server:
        client = unclosed(server.url)

        async def main():
            assert (await asking(client)).json() == "hello"
            assert await asyncio.to_thread(server.wait_for_open_connections, 0)
            await asyncio.sleep(0.05)  # for the loop to see it

        for _ in range(2):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(main())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
        assert server.connections == 2


@only_async
def test_a_client_that_nobody_holds_any_more_closes_its_connections(unclosed, quiet):
    with serve([HELLO]) as server:

        async def main():
            client = unclosed(server.url)
            await asking(client)
            del client
            gc.collect()
            assert await asyncio.to_thread(server.wait_for_open_connections, 0)

        asyncio.run(main())


@pytest.mark.parametrize("mode", ["sync"], indirect=True)
def test_a_blocking_client_that_nobody_holds_any_more_closes_its_connections(unclosed, quiet):
    with serve([HELLO]) as server:
        client = unclosed(server.url)
        asking(client)
        del client
        gc.collect()
        assert server.wait_for_open_connections(0)


@only_async
def test_a_script_that_ends_without_closing_anything_says_nothing(mode, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, sys\n"
        "from restwright import AsyncClient, Request\n"
        "from restwright.plan import fetch\n"
        "client = AsyncClient(sys.argv[1])\n"
        "loop = asyncio.new_event_loop()\n"
        "print(loop.run_until_complete(client.run(fetch(Request('GET', '/x')))).json())\n"
        "if len(sys.argv) > 2: loop.close()\n"
    )
    with serve([HELLO]) as server:
        for arguments in ([], ["close"]):
            done = subprocess.run(
                [sys.executable, "-W", "ignore", script, server.url, *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "", 0)


@only_async
def test_two_loops_at_once_in_two_threads(unclosed):
    with serve([HELLO]) as server:
        client = unclosed(server.url)

        async def main():
            for _ in range(50):
                assert (await asking(client)).json() == "hello"
            await client.aclose()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(asyncio.run, main()) for _ in range(4)]:
                done.result()
        assert server.connections == 4


def in_child(work):
    """Do `work` in a fork; whether it returned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the server are running: they stay behind
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def test_after_a_fork_each_side_has_connections_of_its_own(connect, mode):
    with serve(many) as server:
        caller = connect(server.url)
        assert caller.get("/parent").json() == "/parent"

        def work():
            gc.collect()
            if mode == "sync":
                answers = [caller.get(f"/child{n}").json() for n in range(3)]
            else:

                async def main():
                    return [(await asking(caller.client, f"/child{n}")).json() for n in range(3)]

                answers = asyncio.run(main())
            assert answers == ["/child0", "/child1", "/child2"]
            caller.client.transport.close()
            gc.collect()

        assert in_child(work)
        assert caller.get("/parent").json() == "/parent"
        by_path = {}
        for seen in server.requests:
            by_path.setdefault(seen.path.rstrip("0123"), set()).add(seen.connection)
        assert by_path == {"/parent": {1}, "/child": {2}}


async def _cancelled(call):
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0.1)
    task.cancel()
    await task


async def _timed(call):
    async with asyncio.timeout(0.1):
        await call


CANCELLERS = {
    "task.cancel": _cancelled,
    "asyncio.timeout": _timed,
    "asyncio.wait_for": lambda call: asyncio.wait_for(call, 0.1),
}


@only_async
@pytest.mark.parametrize("how", CANCELLERS)
@pytest.mark.parametrize(
    "fault",
    [faults.hang_before(), faults.hang_within_body(), faults.endless_body(), Reply(503, headers={"Retry-After": "60"})],
)
def test_a_cancelled_call_leaks_nothing(connect, how, fault):
    ended = []

    def plan():
        try:
            return (yield from fetch(Request("GET", "/x")))
        finally:
            ended.append(True)

    with serve(lambda request: fault if request.path == "/x" else HELLO) as server:
        caller = connect(server.url, policy=retry(), max_bytes=1 << 40)
        with pytest.raises((asyncio.CancelledError, TimeoutError)):
            caller.run(CANCELLERS[how](caller.client.run(plan())))
        assert ended == [True]
        caller.run(asyncio.sleep(0.01))
        if not isinstance(fault, Reply):
            assert server.wait_for_open_connections(0)
        assert caller.get("/well").json() == "hello"


@only_async
def test_cancelled_while_it_waits_for_a_turn(connect, monkeypatch):
    monkeypatch.setattr(awaited, "CONNECTIONS", 1)
    go_on = threading.Event()
    with serve(lambda request: go_on.wait(PATIENCE) and HELLO) as server:
        caller = connect(server.url)

        async def main():
            first = asyncio.ensure_future(asking(caller.client))
            second = asyncio.ensure_future(asking(caller.client))
            await until_async(lambda: server.requests)
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
            go_on.set()
            await first
            return (await asking(caller.client)).json()

        assert caller.run(main()) == "hello"
        assert len(server.requests) == 2


@only_async
def test_the_deadline_counts_while_waiting_for_a_turn(connect, monkeypatch):
    monkeypatch.setattr(awaited, "CONNECTIONS", 1)
    go_on = threading.Event()
    with serve(lambda request: go_on.wait(PATIENCE) and HELLO) as server:
        caller = connect(server.url)

        async def main():
            first = asyncio.ensure_future(asking(caller.client))
            await until_async(lambda: server.requests)
            with pytest.raises(DeadlineExceeded):
                await caller.client.ask("GET", "/x", deadline=time.monotonic() + 0.2)
            assert not first.done()
            go_on.set()
            await first

        caller.run(main())


@only_async
def test_calls_under_way_when_the_client_is_closed_fail_clearly(connect, monkeypatch):
    monkeypatch.setattr(awaited, "CONNECTIONS", 1)
    with serve([faults.hang_before()]) as server:
        caller = connect(server.url)

        async def main():
            calls = [asyncio.ensure_future(asking(caller.client)) for _ in range(2)]
            await until_async(lambda: server.requests)
            await caller.client.aclose()
            return await asyncio.gather(*calls, return_exceptions=True)

        first, second = caller.run(main())
        assert isinstance(first, requests.ConnectionError)
        assert isinstance(second, NotConnected)


def test_a_closed_client_opens_new_connections(connect):
    with serve([HELLO]) as server:
        caller = connect(server.url)
        caller.get()
        caller.close()
        assert server.wait_for_open_connections(0)
        assert caller.get().json() == "hello"
