"""Where the time of our server goes: `python -m benchmarks.profile_request [plain|arguments|declared|json]`."""

from __future__ import annotations

import asyncio
import cProfile
import logging
import pstats
import sys

from benchmarks.saturate import saturate
from benchmarks.servers import rest_tools
from benchmarks.stub.server import free_port

SECONDS = 3


async def main(name: str) -> None:
    logging.basicConfig(level=logging.ERROR)
    port = free_port()
    rest_tools.start(port, observed=False)
    with cProfile.Profile() as profile:
        done = await asyncio.to_thread(saturate, port, name, seconds=SECONDS)
    print(f"{done.requests} requests")
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["plain"]))
