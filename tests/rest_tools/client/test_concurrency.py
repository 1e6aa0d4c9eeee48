"""One client used from everywhere at once; what it costs in connections, threads and time."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.timing import until_async

from rest_tools.client import RestClient
from restwright.testing import Reply, faults, serve


@pytest.fixture
def echo():
    with serve(lambda request: Reply(json={"target": request.target})) as server:
        yield server


def test_awaited_and_blocking_calls_of_one_client_at_the_same_time(echo):
    async def main():
        async with RestClient(echo.url, "t0ken") as client:
            with ThreadPoolExecutor(4) as threads:
                loop = asyncio.get_running_loop()
                blocking = [
                    loop.run_in_executor(threads, client.request_seq, "GET", "/seq", {"n": n}) for n in range(40)
                ]
                awaited = [client.request("GET", "/awaited", {"n": n}) for n in range(40)]
                streams = [
                    loop.run_in_executor(threads, lambda n=n: list(client.request_stream("GET", "/stream", {"n": n})))
                    for n in range(10)
                ]
                answers = await asyncio.gather(*awaited, *blocking, *streams)
                client.request_seq("GET", "/within")
        assert [answer["target"] for answer in answers[:80]] == [
            *[f"/awaited?n={n}" for n in range(40)],
            *[f"/seq?n={n}" for n in range(40)],
        ]
        assert [answer[0]["target"] for answer in answers[80:]] == [f"/stream?n={n}" for n in range(10)]

    asyncio.run(main())
    assert {request.headers["Authorization"] for request in echo.requests} == {"Bearer t0ken"}


def test_blocking_calls_use_one_connection(echo, connect):
    client = connect(echo.url)
    for _ in range(20):
        client.request_seq("GET", "/x")
        list(client.request_stream("GET", "/x"))
    assert echo.connections == 1


def test_awaited_calls_one_after_the_other_too(echo):
    async def main():
        async with RestClient(echo.url) as client:
            for _ in range(20):
                await client.request("GET", "/x")

    asyncio.run(main())
    assert echo.connections == 1


def test_awaited_calls_need_no_threads(echo):
    async def main():
        async with RestClient(echo.url) as client:
            before = threading.active_count()
            tasks = [asyncio.create_task(client.request("GET", "/x")) for _ in range(50)]
            await asyncio.gather(*tasks)
            threads = [thread.name for thread in threading.enumerate()]
            assert len([name for name in threads if not name.startswith(echo.url)]) <= before

    asyncio.run(main())


def test_waits_between_attempts_hold_up_nobody():
    """The contract's 14th defect: eight calls that wait fill the pool, and all others wait with them."""

    def app(request):
        return Reply(503, headers={"Retry-After": "30"}) if request.path == "/down" else Reply(json=[1])

    async def main(url):
        async with RestClient(url, timeout=30) as client:
            waiting = [asyncio.create_task(client.request("GET", "/down")) for _ in range(20)]
            await until_async(lambda: len(server.requests) == 20)
            started = time.perf_counter()
            assert await client.request("GET", "/up") == [1]
            assert time.perf_counter() - started < 20
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    with serve(app) as server:
        asyncio.run(main(server.url))


def test_a_call_that_is_cancelled_is_not_repeated(connect):
    async def main(url):
        async with RestClient(url, backoff_factor=0.05, timeout=30) as client:
            task = asyncio.create_task(client.request("GET", "/x"))
            await until_async(lambda: server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            count = len(server.requests)
            await asyncio.sleep(0.3)
            assert len(server.requests) <= count + 1  # one may have been on its way

    with serve([Reply(503)]) as server:
        asyncio.run(main(server.url))
    with serve([faults.hang_before()]) as server:
        asyncio.run(main(server.url))
        assert server.wait_for_open_connections(0)


def test_a_client_outlives_its_event_loop(echo):
    client = RestClient(echo.url)
    for n in range(3):
        assert asyncio.run(client.request("GET", f"/{n}")) == {"target": f"/{n}"}
    client.close()


def test_fifty_calls_at_once_take_little_more_time_than_one():
    async def main(url):
        async with RestClient(url, timeout=30) as client:
            started = time.perf_counter()
            await asyncio.gather(*[client.request("GET", "/x") for _ in range(50)])
            assert time.perf_counter() - started < 15

    with serve([faults.late(0.5, Reply(json=[1]))]) as server:
        asyncio.run(main(server.url))
