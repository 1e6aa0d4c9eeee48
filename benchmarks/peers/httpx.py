"""httpx: one library with both modes."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from benchmarks.peers.contract import PASSWORD, RECORD, USER, AsyncCall, Call, Json

httpx = importlib.import_module("httpx")  # by name: the project's own environment need not have it


@contextmanager
def sync_call(url: str, path: str = RECORD) -> Iterator[Call]:
    target = f"{url}{path}"
    with httpx.Client(auth=(USER, PASSWORD)) as client:

        def call() -> Json:
            answer: Json = client.get(target).json()
            return answer

        yield call


@asynccontextmanager
async def async_call(url: str, in_flight: int, path: str = RECORD) -> AsyncIterator[AsyncCall]:
    target = f"{url}{path}"
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    # No timeout: with many in flight it waits for its own pool for longer than the default.
    async with httpx.AsyncClient(auth=(USER, PASSWORD), limits=limits, timeout=None) as client:

        async def call() -> Json:
            answer: Json = (await client.get(target)).json()
            return answer

        yield call
