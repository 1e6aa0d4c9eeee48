"""Ours, for a Keystone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from benchmarks.peers.contract import AsyncCall, Call, Json
from keystone_client import AsyncKeystoneClient, KeystoneClient


@contextmanager
def sync_call(url: str, path: str = "") -> Iterator[Call]:
    del path  # it knows the path
    with KeystoneClient(url, era="session") as client:
        client.login("user", "pass")

        def call() -> Json:
            answer = client.retrieve_cluster(pk=1)
            assert answer is not None
            return answer

        yield call


@asynccontextmanager
async def async_call(url: str, in_flight: int, path: str = "") -> AsyncIterator[AsyncCall]:
    del in_flight, path
    async with AsyncKeystoneClient(url, era="session") as client:
        await client.login("user", "pass")

        async def call() -> Json:
            answer = await client.retrieve_cluster(pk=1)
            assert answer is not None
            return answer

        yield call
