from __future__ import annotations

import asyncio

import pytest

from restwright import (
    AsyncClient,
    BatchClient,
    NotFound,
    Operation,
    Operations,
    Request,
    Response,
    SyncClient,
    fetch,
    operation,
)
from restwright.errors import api_error
from restwright.testing import Reply, serve


class Numbers(Operations):
    @operation
    def get(self, number: int) -> Operation[int]:
        response = yield from fetch(Request("GET", f"/{number}"))
        return response.json()

    @operation
    def add(self, one: int, other: int) -> Operation[int]:
        return (yield from self.get(one)) + (yield from self.get(other))


class Blocking(SyncClient, Numbers): ...


class Awaited(AsyncClient, Numbers): ...


class Together(BatchClient, Numbers): ...


def combine(requests):
    response = yield from fetch(Request("POST", "/", json=[request.url for request in requests]))
    return [Response(200, json=value) if value is not None else api_error(Response(404)) for value in response.json()]


def app(request):
    numbers = [int(path[1:]) for path in request.json()]
    return Reply(json=[number if number < 100 else None for number in numbers])


def test_a_batch_in_rounds():
    with serve(app) as server, Blocking(server.url) as client:
        with Together(client, Numbers(), combine) as batch:
            seven, five, bad = batch.get(7), batch.add(2, 3), batch.get(100)
            assert repr(batch) == f"<Together of <Blocking {server.url}>: 3 waiting>"
            with pytest.raises(RuntimeError, match="not been sent"):
                seven.result()
        assert (seven.result(), five.result()) == (7, 5)
        with pytest.raises(NotFound):
            bad.result()
        assert [request.json() for request in server.requests] == [["/7", "/2", "/100"], ["/3"]]


def test_the_same_awaited():
    async def main():
        async with Awaited(server.url) as client:
            async with Together(client, Numbers(), combine) as batch:
                seven, five = batch.get(7), batch.add(2, 3)
            return seven.result(), five.result()

    with serve(app) as server:
        assert asyncio.run(main()) == (7, 5)
        assert len(server.requests) == 2


def test_a_block_that_fails_sends_nothing():
    with serve(app) as server, Blocking(server.url) as client:
        with pytest.raises(RuntimeError, match="not been sent"), Together(client, Numbers(), combine) as batch:
            batch.get(7).result()
        assert server.requests == []


def test_the_wrong_kind_of_block_is_refused():
    async def awaited():
        async with Together(Blocking("http://h"), Numbers(), combine):
            pass

    with pytest.raises(TypeError, match="async with"), Together(Awaited("http://h"), Numbers(), combine):
        pass
    with pytest.raises(TypeError, match="plain `with`"):
        asyncio.run(awaited())


def test_one_number_for_both_time_outs():
    assert Blocking("http://h", timeout=5).transport.timeout == (5, 5)
