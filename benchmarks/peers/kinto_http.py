"""One script for `kinto-http` and for ours, which takes its place; only streaming is spelled differently."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

from benchmarks.peers.contract import PASSWORD, RECORD_ID, USER, AsyncCall, Call, Json

# By name: two distributions have it, and only one of them is typed.
kinto_http = importlib.import_module("kinto_http")


def _settings(url: str) -> Json:
    return {"server_url": url, "auth": (USER, PASSWORD), "bucket": "default", "collection": "bench"}


@contextmanager
def sync_call(url: str) -> Iterator[Call]:
    client = kinto_http.Client(**_settings(url))
    with client if hasattr(client, "__enter__") else nullcontext():

        def call() -> Json:
            answer: Json = client.get_record(id=RECORD_ID)
            return answer

        yield call


@asynccontextmanager
async def async_call(url: str, in_flight: int) -> AsyncIterator[AsyncCall]:
    del in_flight  # no setting of it: a client has to cope
    client = kinto_http.AsyncClient(**_settings(url))
    async with client if hasattr(client, "__aenter__") else nullcontext():

        async def call() -> Json:
            answer: Json = await client.get_record(id=RECORD_ID)
            return answer

        yield call


def held(url: str) -> list[Json]:
    records: list[Json] = kinto_http.Client(**_settings(url)).get_records(_limit=100, pages=float("inf"))
    return records


def streamed(url: str) -> Iterator[Json]:
    client = kinto_http.Client(**_settings(url))
    if hasattr(client, "records"):
        yield from client.records(_limit=100)
    else:
        for page in client.get_paginated_records(_limit=100):
            yield from page["data"]


async def streamed_async(url: str) -> AsyncIterator[Json]:
    async with kinto_http.AsyncClient(**_settings(url)) as client:
        async for record in client.records(_limit=100):
            yield record
