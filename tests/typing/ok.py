"""What both type checkers must see.  Nothing in here runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypedDict, Unpack, assert_type

import requests

from restwright import (
    AsyncClient,
    BasicAuth,
    Listing,
    NotFound,
    Operation,
    Operations,
    Page,
    Policy,
    Request,
    Response,
    RestwrightError,
    SyncClient,
    Wait,
    correlate,
    deadline,
    fetch,
    limit_response,
    listing,
    operation,
    redirect,
    retry,
    stack,
    throttle,
)
from restwright.client import default_policy
from restwright.drivers import AsyncPages, Batch, Pages, Pending, run, run_async
from restwright.oauth2 import (
    DeviceAuthorization,
    FileStore,
    KeyringStore,
    MemoryStore,
    OAuth2,
    ProviderMetadata,
    TokenKeeper,
    TokenSet,
    TokenStore,
    bearer_token,
    discover,
    open_browser,
    show_code,
)
from restwright.operation import BatchMode
from restwright.policies import Layer
from restwright.testing import FakeClock, play


class Record(TypedDict):
    id: str
    title: str


class Changes(TypedDict, total=False):
    title: str
    done: bool


class RecordOperations(Operations):
    @operation
    def get_record(self, record_id: str, *, collection: str = "tasks") -> Operation[Record]:
        response = yield from fetch(Request("GET", f"/{collection}/{record_id}"))
        record: Record = response.json()
        return record

    @operation
    def touch(self, record_id: str) -> Operation[tuple[Record, Record]]:
        before = assert_type((yield from self.get_record(record_id)), Record)
        yield Wait(0.1)
        return before, (yield from self.get_record(record_id))

    @operation
    def update(self, record_id: str, **changes: Unpack[Changes]) -> Operation[Record]:
        yield from fetch(Request("PATCH", f"/tasks/{record_id}", json=changes))
        return (yield from self.get_record(record_id))

    @operation
    def delete_record(self, record_id: str) -> Operation[None]:
        yield from fetch(Request("DELETE", f"/tasks/{record_id}"))

    @listing
    def records(self, *, limit: int = 100) -> Listing[Record]:
        response = yield from fetch(Request("GET", "/tasks", {"limit": str(limit)}))
        items: list[Record] = response.json()
        yield Page(items, headers=response.headers)


class RecordClient(SyncClient, RecordOperations): ...


class AsyncRecordClient(AsyncClient, RecordOperations): ...


class RecordBatch(BatchMode, RecordOperations): ...


def sync_calls(client: RecordClient) -> None:
    assert_type(client.get_record("r1"), Record)
    assert_type(client.get_record("r1", collection="notes"), Record)
    assert_type(client.get_record(record_id="r1"), Record)
    assert_type(client.touch("r1"), tuple[Record, Record])
    assert_type(client.update("r1", title="x", done=True), Record)
    assert_type(client.records(limit=5), Pages[Record])
    client.delete_record("r1")
    for record in client.records():
        assert_type(record, Record)
    for page in client.records().pages():
        assert_type(page, Page[Record])
        assert_type(page.items, list[Record])
    with client as same:
        assert_type(same, RecordClient)


async def async_calls(client: AsyncRecordClient) -> None:
    assert_type(await client.get_record("r1"), Record)
    not_yet = client.get_record("r1")
    _ = assert_type(not_yet, Coroutine[None, None, Record])
    assert_type(await asyncio.create_task(not_yet), Record)
    one, two = await asyncio.gather(client.get_record("r1"), client.touch("r2"))
    assert_type(one, Record)
    assert_type(two, tuple[Record, Record])
    assert_type(await client.update("r1", title="x"), Record)
    assert_type(client.records(limit=5), AsyncPages[Record])
    async for record in client.records():
        assert_type(record, Record)
    async for page in client.records().pages():
        assert_type(page.items, list[Record])
    async with client as same:
        assert_type(same, AsyncRecordClient)


def batch_calls(batch: RecordBatch) -> None:
    assert_type(batch.get_record("r1"), Pending[Record])
    assert_type(batch.get_record("r1").result(), Record)
    assert_type(batch.get_record("r1").error, Exception | None)
    assert_type(batch.delete_record("r1"), Pending[None])


def plans(operations: RecordOperations) -> None:
    assert_type(operations.get_record("r1"), Operation[Record])
    assert_type(operations.records(), Listing[Record])
    assert_type(RecordOperations.get_record(operations, "r1"), Operation[Record])
    assert_type(play(operations.get_record("r1"), Response(200, json={}), clock=FakeClock()), Record)
    assert_type(Batch().add(Pending(operations.get_record("r1"))).result(), Record)


def own_plan() -> Operation[int]:
    response = assert_type((yield from fetch(Request("GET", "/"))), requests.Response)
    return response.status_code


async def plans_of_ones_own(client: RecordClient, aclient: AsyncRecordClient) -> None:
    assert_type(client.run(own_plan()), int)
    assert_type(await aclient.run(own_plan()), int)
    assert_type(run(client.transport.send, own_plan()), int)
    assert_type(await run_async(aclient.transport.send_async, own_plan()), int)


def as_callbacks(client: RecordClient, aclient: AsyncRecordClient) -> Sequence[object]:
    one: Callable[[str], Record] = client.get_record
    two: Callable[[str], Coroutine[Any, Any, Record]] = aclient.get_record
    return one, two


def signed(key: str) -> Layer:
    """A policy of one's own."""

    def layer(request: Request, inner: Policy = fetch, /) -> Operation[requests.Response]:
        response = yield from inner(request.with_header("X-Key", key))
        return response

    return layer


def clients() -> Sequence[object]:
    policy: Policy = stack(
        deadline(60.0), correlate(), throttle(per_second=5), retry(4), redirect(), limit_response(10**6), signed("k")
    )
    auth = BasicAuth("user", "pass")
    return (
        RecordClient("https://h", RecordOperations()),
        RecordClient("https://h/v1", RecordOperations(), auth=("user", "pass"), policy=policy, timeout=(1.0, None)),
        AsyncRecordClient("https://h", RecordOperations(), auth=auth, session=requests.Session(), max_bytes=10**6),
    )


def failures(client: RecordClient) -> None:
    try:
        client.get_record("r1")
    except NotFound as error:
        assert_type(error.status, int)
        assert_type(error.response, requests.Response)
    except RestwrightError as error:
        assert_type(error.attempts, int)
        assert_type(error.correlation_id, str | None)
        assert_type(error.response, requests.Response | None)


def logins() -> None:
    stores: list[TokenStore] = [MemoryStore(), FileStore("~/tokens.json"), KeyringStore("service")]
    login = OAuth2("https://h", "app", "secret", scopes={"a"}, grant="client_credentials", store=stores[0])
    assert_type(login.run(login.tokens()), TokenSet)
    assert_type(login.run(login.client_credentials()), TokenSet)
    assert_type(login.run(login.refresh()), TokenSet)
    assert_type(login.run(login.revoke()), None)
    assert_type(login.run(login.device_login()), TokenSet)
    assert_type(login.run(login.device_login(show=lambda shown: assert_type(shown, DeviceAuthorization))), TokenSet)
    assert_type(login.run(login.device_login(show=show_code)), TokenSet)
    assert_type(login.run(login.browser_login(open=open_browser, timeout=60)), TokenSet)
    assert_type(login.run(discover("https://h")), ProviderMetadata)
    assert_type(login.run(login.keeper.kept()), TokenSet | None)
    policy: Policy = default_policy(login.policy(), signed("k"))
    AsyncRecordClient("https://h", RecordOperations(), policy=policy)


async def alogins(login: OAuth2, client: RecordClient) -> None:
    assert_type(await login.run_async(login.tokens()), TokenSet)
    task = asyncio.create_task(login.run_async(login.revoke()))
    assert_type(await task, None)

    def renew(tokens: TokenSet) -> Operation[TokenSet]:
        response = yield from fetch(Request("POST", "/refresh", json={"refresh": tokens.refresh_token}))
        return TokenSet(str(response.json()["access"]))

    layer: Layer = bearer_token(TokenKeeper(client.transport.send, renew=renew), origins=["https://files"])
    stack(layer)
