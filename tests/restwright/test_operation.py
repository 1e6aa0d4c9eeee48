"""One operation on every kind of client, against a real server."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any
from unittest.mock import create_autospec

import pytest

from restwright import AsyncClient, Listing, Operation, Operations, Page, Request, SyncClient, fetch, listing, operation
from restwright.drivers import Batch, Pending, run
from restwright.drivers.batch import Outcome
from restwright.errors import NotFound
from restwright.message import Response
from restwright.operation import BatchMode
from restwright.plan import under
from restwright.testing import Reply, SeenRequest, Server, serve


class ThingOperations(Operations):
    @operation
    def get_thing(self, thing_id: str, *, fields: str = "all") -> Operation[dict[str, Any]]:
        """One thing."""
        response = yield from fetch(Request("GET", f"/things/{thing_id}", {"fields": fields}))
        return dict(response.json())

    @operation
    def get_or_create_thing(self, thing_id: str) -> Operation[dict[str, Any]]:
        """The thing, new if there is none."""
        try:
            return (yield from self.get_thing(thing_id))
        except NotFound:
            response = yield from fetch(Request("PUT", f"/things/{thing_id}", json={"id": thing_id}))
            return dict(response.json())

    @listing
    def things(self, *, limit: int = 2) -> Listing[int]:
        """All things."""
        start = 0
        while True:
            response = yield from fetch(Request("GET", "/things", {"from": str(start), "limit": str(limit)}))
            numbers = list(response.json())
            start += len(numbers)
            yield Page(numbers, has_more=bool(numbers))
            if not numbers:
                return


class ThingClient(SyncClient, ThingOperations):
    pass


class AsyncThingClient(AsyncClient, ThingOperations):
    pass


class ThingBatch(BatchMode, ThingOperations):
    """Its service answers many requests as one, which here is one after the other."""

    def __init__(self, client: ThingClient) -> None:
        self.client = client
        self.operations = ThingOperations()
        self.batch = Batch()
        self.rounds: list[int] = []

    def queue(self, plan: Operation[Any]) -> Pending[Any]:
        return self.batch.add(Pending(plan))

    def combine(self, requests: Sequence[Request]) -> Generator[Request, Response, Sequence[Outcome]]:
        self.rounds.append(len(requests))
        outcomes: list[Outcome] = []
        for request in requests:
            response = yield request
            outcomes.append(response)
        return outcomes

    def send(self) -> None:
        run(self.client.transport.send, under(self.client.policy, self.batch.rounds(self.combine)))


def app(request: SeenRequest) -> Reply:
    if request.path == "/v1/things":
        start, limit = int(request.query["from"][0]), int(request.query["limit"][0])
        return Reply(json=list(range(start, min(start + limit, 5))))
    if request.method == "GET" and request.path.startswith("/v1/things/missing"):
        return Reply(404, json={"message": f"no {request.path}"})
    return Reply(json={"method": request.method, "path": request.path, "query": request.query})


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(app) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[ThingClient]:
    with ThingClient(f"{server.url}/v1", ThingOperations()) as client:
        yield client


is_awaited = inspect.iscoroutinefunction if sys.version_info >= (3, 12) else asyncio.iscoroutinefunction
Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async", "batch"])
def call(request: pytest.FixtureRequest, server: Server, client: ThingClient) -> Call:
    """Calls an operation by its name, on a client of each kind."""

    def call_sync(name: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(client, name)(*args, **kwargs)

    def call_async(name: str, *args: Any, **kwargs: Any) -> Any:
        async def main() -> Any:
            async with AsyncThingClient(f"{server.url}/v1", ThingOperations()) as aclient:
                return await getattr(aclient, name)(*args, **kwargs)

        return asyncio.run(main())

    def call_batch(name: str, *args: Any, **kwargs: Any) -> Any:
        batch = ThingBatch(client)
        pending = getattr(batch, name)(*args, **kwargs)
        batch.send()
        return pending.result()

    return {"sync": call_sync, "async": call_async, "batch": call_batch}[request.param]


def test_an_operation_returns_its_result(call):
    expected = {"method": "GET", "path": "/v1/things/7", "query": {"fields": ["name"]}}
    assert call("get_thing", "7", fields="name") == expected
    assert call("get_thing", thing_id="7", fields="name") == expected


def test_an_operation_uses_another(call):
    assert call("get_or_create_thing", "7")["method"] == "GET"
    assert call("get_or_create_thing", "missing")["method"] == "PUT"


def test_an_error_shows_the_operation(call):
    with pytest.raises(NotFound, match=r"GET http://.*/v1/things/missing\?.*404 Not Found: no /v1/things/m") as raised:
        call("get_thing", "missing")
    assert "get_thing" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]


@pytest.mark.parametrize("kind", ["client", "aclient", "batch"])
def test_wrong_arguments_fail_at_the_call(kind, client):
    owner = {
        "client": client,
        "aclient": AsyncThingClient("http://unused.invalid", ThingOperations()),
        "batch": ThingBatch(client),
    }[kind]
    with pytest.raises(TypeError, match="thing_id"):
        owner.get_thing()
    with pytest.raises(TypeError, match="colour"):
        owner.get_thing("7", colour="red")
    if kind != "batch":
        with pytest.raises(TypeError, match="colour"):
            owner.things(colour="red")


def test_a_batch_runs_in_rounds(client, server):
    batch = ThingBatch(client)
    pending = [batch.get_or_create_thing(name) for name in ("1", "missing-2", "missing-3")]
    assert server.requests == []
    batch.send()
    assert [one.result()["method"] for one in pending] == ["GET", "PUT", "PUT"]
    assert batch.rounds == [3, 2]


def test_a_listing_cannot_wait_in_a_batch(client):
    with pytest.raises(TypeError, match=r"things\(\) is read page by page and cannot wait in a batch"):
        ThingBatch(client).things()  # type: ignore[call-overload]


def test_a_listing_is_lazy_and_begins_anew(client, server):
    things = client.things(limit=2)
    assert server.requests == []
    assert list(things) == [0, 1, 2, 3, 4]
    assert [page.items for page in things.pages()] == [[0, 1], [2, 3], [4], []]
    asked = len(server.requests)
    assert next(iter(things)) == 0
    assert len(server.requests) == asked + 1


def test_a_listing_awaited(server):
    async def main() -> None:
        async with AsyncThingClient(f"{server.url}/v1", ThingOperations()) as client:
            things = client.things(limit=2)
            assert server.requests == []
            assert [number async for number in things] == [0, 1, 2, 3, 4]
            assert [page.items async for page in things.pages()] == [[0, 1], [2, 3], [4], []]
            async for _ in things:
                break
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_a_listing_may_be_read_by_several_threads(client):
    things = client.things()
    results: list[list[int]] = []
    threads = [threading.Thread(target=lambda: results.append(list(things))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[0, 1, 2, 3, 4]] * 4


def test_on_the_class_and_on_plain_operations_it_is_the_plan():
    plan = ThingOperations().get_thing("7")
    assert next(plan) == Request("GET", "/things/7", {"fields": "all"})
    assert next(ThingOperations.get_thing(ThingOperations(), "7")) == Request("GET", "/things/7", {"fields": "all"})
    assert next(ThingOperations().things()) == Request("GET", "/things", {"from": "0", "limit": "2"})
    assert inspect.isgeneratorfunction(ThingOperations.get_thing)


def test_a_plan_of_ones_own_runs_with_the_clients_policies(client, server):
    def both() -> Operation[list[str]]:
        one = yield from ThingOperations().get_thing("1")
        two = yield from ThingOperations().get_thing("2")
        return [one["path"], two["path"]]

    assert client.run(both()) == ["/v1/things/1", "/v1/things/2"]


def test_a_forgotten_await_is_noticed():
    client = AsyncThingClient("http://unused.invalid", ThingOperations())
    with pytest.warns(RuntimeWarning, match="never awaited"):
        client.get_thing("7")


def test_what_help_and_editors_see(client):
    assert client.get_thing.__name__ == "get_thing"
    assert client.get_thing.__doc__ == "One thing."
    assert str(inspect.signature(client.get_thing)) == "(thing_id: 'str', *, fields: 'str' = 'all') -> 'dict[str, Any]'"
    assert list(inspect.signature(client.things).parameters) == ["limit"]
    assert inspect.getdoc(ThingClient.get_thing) == "One thing."


def test_mocks_by_specification_know_what_is_awaited(client):
    aclient = AsyncThingClient("http://unused.invalid", ThingOperations())
    assert is_awaited(create_autospec(aclient, instance=True).get_thing)
    assert not is_awaited(create_autospec(client, instance=True).get_thing)
    with pytest.raises(TypeError):
        create_autospec(client, instance=True).get_thing(colour="red")


class Stranger(ThingOperations):
    """Neither client nor batch: its operations are plans."""


def test_operations_need_no_client():
    assert inspect.isgenerator(Stranger().get_thing("7"))


def test_a_class_has_what_its_instances_have():
    """So that `Client.get_thing(client, ...)` in an override is the call, and not a plan that nobody runs."""
    with serve([Reply(json={"id": "a"})]) as server, ThingClient(server.url, ThingOperations()) as client:
        assert ThingClient.get_thing(client, "a") == client.get_thing("a") == {"id": "a"}
        assert inspect.isgenerator(ThingOperations.get_thing(ThingOperations(), "a"))
    assert asyncio.iscoroutinefunction(AsyncThingClient.get_thing)
