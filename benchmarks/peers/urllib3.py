"""Bare urllib3: the engine under every synchronous peer, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

from benchmarks.peers.contract import HEADERS, RECORD, RECORDS, Call, Json


@contextmanager
def sync_call(url: str, path: str = RECORD) -> Iterator[Call]:
    target = f"{url}{path}"
    with urllib3.PoolManager() as pool:

        def call() -> Json:
            answer: Json = json.loads(pool.request("GET", target, headers=HEADERS).data)
            return answer

        yield call


def streamed(url: str) -> Iterator[Json]:
    target: str | None = f"{url}{RECORDS}?_limit=100"
    with urllib3.PoolManager() as pool:
        while target:
            response = pool.request("GET", target, headers=HEADERS)
            yield from json.loads(response.data)["data"]
            target = response.headers.get("Next-Page")
