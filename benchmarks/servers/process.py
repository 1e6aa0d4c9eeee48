"""A server in a process of its own: `python -m benchmarks.servers.process MODULE PORT [observed]`.

Whenever a line comes on its standard input, it tells what it used so far; it ends when that is closed.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import sys
import time

from benchmarks.child import peak_rss_mb


async def main(module: str, port: int, *, observed: bool) -> None:
    server = importlib.import_module(f"benchmarks.servers.{module}")
    # Of every server alike: nothing is formatted, or all that it has to say, and thrown away then.
    logging.basicConfig(filename=os.devnull, level=logging.INFO if observed else logging.WARNING, force=True)
    server.start(port, observed=observed)
    loop = asyncio.get_running_loop()
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    while await asked.readline():
        print(json.dumps({"cpu": time.process_time(), "rss_mb": peak_rss_mb()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), observed="observed" in sys.argv[3:]))
