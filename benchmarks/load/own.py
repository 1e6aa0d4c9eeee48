"""Load where there is no wrk: `python -m benchmarks.load.own URL NAME SECONDS CONNECTIONS`.

It does as little as it can for an answer, so that one core of it keeps one core of a Python server busy.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import cast
from urllib.parse import urlsplit

from benchmarks.servers.contract import REQUESTS, Request

_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """Asks on one connection; answers have a `Content-Length`."""

    def __init__(self, asked: bytes, seen: Counter[str]) -> None:
        self._asked = asked
        self._seen = seen
        self._unread = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._unread += data
        end = self._unread.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = _LENGTH.search(self._unread, 0, end)
        if length is None:
            self._seen["bad"] += 1
            self._transport.abort()
        elif len(self._unread) >= end + int(length[1]):
            self._seen["good" if self._unread.startswith(b"HTTP/1.1 2") else "bad"] += 1
            self._unread = b""
            self._transport.write(self._asked)

    def connection_lost(self, exc: Exception | None) -> None:
        self._seen["lost"] += 1


def message(request: Request, url: str) -> bytes:
    """The request as it goes over the wire."""
    server = urlsplit(url)
    body = request.body or b""
    headers = {"Host": server.netloc, **request.headers, **({"Content-Length": str(len(body))} if body else {})}
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} {server.path}{request.target} HTTP/1.1\r\n{fields}\r\n".encode() + body


async def main(url: str, name: str, seconds: float, connections: int) -> dict[str, float]:
    """How many were answered, in how many seconds."""
    server, asked = urlsplit(url), message(REQUESTS[name], url)
    seen: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(asked, seen), server.hostname or "", server.port or 80)
    await asyncio.sleep(seconds)
    if seen["bad"] or seen["lost"]:
        raise SystemExit(f"{seen['bad']} answers were not 2xx, {seen['lost']} connections were lost")
    return {"requests": seen["good"], "seconds": time.perf_counter() - start}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))))
