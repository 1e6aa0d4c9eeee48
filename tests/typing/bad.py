"""Misuse that both type checkers must reject: a line with both comments must not check.  Nothing in here runs."""

from __future__ import annotations

from typing import TypedDict, Unpack

from restwright import (
    AsyncClient,
    Listing,
    Operation,
    Operations,
    Page,
    Request,
    Response,
    SyncClient,
    Wait,
    deadline,
    fetch,
    listing,
    operation,
    retry,
    stack,
)
from restwright.oauth2 import OAuth2, TokenKeeper, TokenSet
from restwright.operation import BatchMode


class Record(TypedDict):
    id: str
    title: str


class Changes(TypedDict, total=False):
    title: str


class RecordOperations(Operations):
    @operation
    def get_record(self, record_id: str, *, collection: str = "tasks") -> Operation[Record]:
        response = yield from fetch(Request("GET", f"/{collection}/{record_id}"))
        record: Record = response.json()
        return record

    @operation
    def update(self, record_id: str, **changes: Unpack[Changes]) -> Operation[Record]:
        return (yield from self.get_record(record_id))

    @listing
    def records(self, *, limit: int = 100) -> Listing[Record]:
        response = yield from fetch(Request("GET", "/tasks", {"limit": str(limit)}))
        items: list[Record] = response.json()
        yield Page(items)


class RecordClient(SyncClient, RecordOperations): ...


class AsyncRecordClient(AsyncClient, RecordOperations): ...


class RecordBatch(BatchMode, RecordOperations): ...


def sync_misuse(client: RecordClient) -> None:
    client.get_record()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.get_record(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.get_record("r1", "notes")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.get_record("r1", colection="notes")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.update("r1", titel="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.update("r1", title=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(client.get_record("r1").nothing)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
    client.get_record("r1")["titel"]  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    client.records(limit="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.no_such_operation()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    number: int = client.get_record("r1")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    for page in client.records().pages():
        print(page.itmes)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
    print(number)


async def async_misuse(client: AsyncRecordClient) -> None:
    record: Record = client.get_record("r1")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    client.get_record("r1")["title"]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    await client.get_record(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    for _ in client.records():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    await client.records()  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    with client:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        print(record)


async def sync_awaited(client: RecordClient) -> None:
    await client.get_record("r1")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    async for _ in client.records():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    async with client:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass


def batch_misuse(batch: RecordBatch) -> None:
    batch.get_record("r1")["title"]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    batch.get_record(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    batch.records()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    batch.records(limit=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    number: int = batch.get_record("r1").result()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(number)


def yields_the_wrong_thing() -> Operation[None]:
    yield 0.5  # type: ignore[misc]  # pyright: ignore[reportReturnType]


def waits_for_an_answer() -> Operation[int]:
    response = yield Request("GET", "/")
    yield Wait("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return response.text  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def pages_in_an_operation() -> Operation[None]:
    yield Page([1])  # type: ignore[misc]  # pyright: ignore[reportReturnType]


def a_listing_of_other_items() -> Listing[int]:
    yield Page(["1"])  # type: ignore[list-item]  # pyright: ignore[reportReturnType]


def not_a_plan() -> Operation[None]:
    fetch(Request("GET", "/")).send(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return None
    yield


class NotOperations(Operations):
    @operation  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def plain(self) -> int:
        return 3

    @listing  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def flat(self) -> Operation[int]:
        yield Wait(1.0)
        return 3


def misused_values(request: Request) -> None:
    request.url = "/other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    request.headers["A"] = "b"  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    Request("GET")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Request("GET", "/", {"limit": 5})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    Response("200")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def misused_policies() -> None:
    stack(deadline("60"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stack(retry)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stack(deadline(60.0), fetch)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RecordClient("https://h", policy=deadline)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RecordClient("https://h", timeout="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RecordClient("https://h", colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def logins(login: OAuth2, tokens: TokenSet) -> None:
    OAuth2("https://h", "app", grant="password")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OAuth2("https://h", "app", client_auth="post")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OAuth2("https://h", "app", store="tokens.json")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    tokens.access_token = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    login.run(login.tokens)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TokenKeeper(renew=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
