"""One script for `wipac-rest-tools` and for ours, which takes its place."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from benchmarks.peers.contract import RECORD_ID, RECORDS, AsyncCall, Call, Json

# By name: two distributions have it, and only one of them is typed.
client = importlib.import_module("rest_tools.client")
PATH = f"{RECORDS}/{RECORD_ID}"


@contextmanager
def sync_call(url: str) -> Iterator[Call]:
    api = client.RestClient(url, token="t0ken")

    def call() -> Json:
        answer: Json = api.request_seq("GET", PATH)
        return answer

    yield call
    api.close()


@asynccontextmanager
async def async_call(url: str, in_flight: int) -> AsyncIterator[AsyncCall]:
    del in_flight  # no setting of it: a client has to cope
    api = client.RestClient(url, token="t0ken")

    async def call() -> Json:
        answer: Json = await api.request("GET", PATH)
        return answer

    yield call
    api.close()
