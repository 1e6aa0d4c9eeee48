"""One measurement, in a process of its own: `python -m benchmarks.child JOB`, a JSON object in and one out.

CPU is the process's own, user and system, threads included; memory is what the peak of the resident set
grew by after the libraries were loaded and warm.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import json
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

from benchmarks.peers.contract import CLUSTER, RECORD_ID, AsyncCall, Call, Json

WARM_UP_CALLS = 100
WARM_UP_RECORDS = 300  # three pages


@dataclass(frozen=True)
class Job:
    """What to measure: the module under `peers`, the case, and how much of it."""

    module: str
    case: str  # sync, async, cluster, cluster-async, held, streamed or streamed-async
    url: str
    calls: int = 0
    in_flight: int = 1
    records: int = 0
    cpu: int | None = None


def run(job: Job) -> dict[str, Any]:
    """Measure; `{"cpu_us", "per_second", "growth_mb"}`, or `{"failed"}` with what was reached."""
    if job.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {job.cpu})
    peer = importlib.import_module(f"benchmarks.peers.{job.module}")
    if job.case in ("sync", "sequoia_read", "sequoia_browse"):
        return _sync(getattr(peer, "sync_call" if job.case == "sync" else job.case), job)
    if job.case == "async":
        return asyncio.run(_async(peer.async_call, job))
    if job.case == "cluster":
        return _sync(partial(peer.sync_call, path=CLUSTER), job)
    if job.case == "cluster-async":
        return asyncio.run(_async(partial(peer.async_call, path=CLUSTER), job))
    if job.case == "streamed-async":
        return asyncio.run(_streamed_async(peer.streamed_async, job))
    return _listing(getattr(peer, job.case), job)


class Meter:
    """CPU, wall clock and memory since it was made."""

    def __init__(self) -> None:
        gc.collect()
        self._rss = peak_rss_mb()
        self._cpu = time.process_time()
        self._wall = time.perf_counter()

    def read(self, units: int) -> dict[str, float]:
        """The cost of each of `units` calls or records."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        growth = peak_rss_mb() - self._rss
        return {"cpu_us": cpu / units * 1e6, "per_second": units / wall, "growth_mb": growth}


def peak_rss_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _check(answer: Json) -> None:
    if answer.get("data", answer)["id"] not in (RECORD_ID, 1):
        raise RuntimeError(f"answered another record: {answer}")


def _sync(sync_call: Callable[[str], Any], job: Job) -> dict[str, Any]:
    call: Call
    with sync_call(job.url) as call:
        for _ in range(WARM_UP_CALLS):
            _check(call())
        meter = Meter()
        for _ in range(job.calls):
            call()
        return meter.read(job.calls)


async def _async(async_call: Callable[[str, int], Any], job: Job) -> dict[str, Any]:
    call: AsyncCall
    async with async_call(job.url, job.in_flight) as call:

        async def warm_up(turns: Iterator[int]) -> None:
            for _ in turns:
                _check(await call())

        async def work(turns: Iterator[int]) -> None:
            for _ in turns:
                await call()

        async def share(worker: Callable[[Iterator[int]], Any], calls: int) -> None:
            turns = iter(range(calls))  # one for all workers: each takes the next turn
            async with asyncio.TaskGroup() as group:
                for _ in range(job.in_flight):
                    group.create_task(worker(turns))

        await share(warm_up, max(WARM_UP_CALLS, job.in_flight))
        meter = Meter()
        await share(work, job.calls)
        return meter.read(job.calls)


def _listing(listing: Callable[[str], Any], job: Job) -> dict[str, Any]:
    """A listing, held in a list or streamed; its own failure is a result."""
    warm = importlib.import_module(f"benchmarks.peers.{job.module}").streamed
    for _ in itertools.islice(warm(job.url), WARM_UP_RECORDS):
        pass
    meter = Meter()
    seen = 0
    try:
        answer = listing(job.url)
        if isinstance(answer, list):
            seen = len(answer)
        else:
            for _ in answer:
                seen += 1
    except RecursionError as error:
        return {"failed": f"RecursionError at {_pages_deep(error)} pages"}
    return _all_seen(seen, job) or meter.read(seen)


async def _streamed_async(listing: Callable[[str], AsyncIterator[Json]], job: Job) -> dict[str, Any]:
    stream = listing(job.url)
    for _ in range(WARM_UP_RECORDS):
        await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator
    meter = Meter()
    seen = 0
    async for _ in listing(job.url):
        seen += 1
    return _all_seen(seen, job) or meter.read(seen)


def _pages_deep(error: RecursionError) -> int:
    """How often the function that calls itself, once a page, is on the stack."""
    frames = Counter(frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
    return frames.most_common(1)[0][1]


def _all_seen(seen: int, job: Job) -> dict[str, Any] | None:
    return None if seen == job.records else {"failed": f"{seen} of {job.records} records"}


def _versions() -> dict[str, str]:
    return {distribution.name.lower(): distribution.version for distribution in metadata.distributions()}


if __name__ == "__main__":
    if sys.argv[1] == "versions":
        print(json.dumps(_versions()))
    else:
        print(json.dumps(run(Job(**json.loads(sys.argv[1])))))
