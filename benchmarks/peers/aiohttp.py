"""Bare aiohttp: the engine of our awaited calls, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from benchmarks.peers.contract import HEADERS, RECORD, RECORDS, AsyncCall, Json


@asynccontextmanager
async def async_call(url: str, in_flight: int, path: str = RECORD) -> AsyncIterator[AsyncCall]:
    target = f"{url}{path}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def call() -> Json:
            async with session.get(target, headers=HEADERS) as response:
                answer: Json = await response.json()
                return answer

        yield call


async def streamed_async(url: str) -> AsyncIterator[Json]:
    target: str | None = f"{url}{RECORDS}?_limit=100"
    async with aiohttp.ClientSession() as session:
        while target:
            async with session.get(target, headers=HEADERS) as response:
                for record in (await response.json())["data"]:
                    yield record
                target = response.headers.get("Next-Page")
