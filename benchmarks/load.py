"""Clients that ask without a pause, on connections that they keep and on new ones, and what became of their requests.

They are as plain as can be: nothing is repeated, so whatever a server does to a request is seen.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

__all__ = ["Load", "percentile"]

_PATIENCE = 15.0  # seconds for an answer


class Load:
    """Asks from the beginning of the block to its end, in a thread.

    Args:
        port: On this host.
        path: What is asked for.
        message: The whole request as it goes over the wire, if it is another one than `GET` of that path.
        kept: Clients that keep their connection as long as the server does.
        fresh: Clients that open one for each request.
        pause: Seconds between the requests of a client.
        leave: A client goes when nobody listens any more; otherwise it tries again.

    Attributes:
        statuses: How many answers of which status.
        seconds: How long each of them took.
        failures: Requests that were not answered, though there was a connection.
        refused: Connections that were not had.
    """

    def __init__(
        self,
        port: int,
        path: str = "/",
        *,
        message: bytes | None = None,
        kept: int = 4,
        fresh: int = 4,
        pause: float = 0.0,
        leave: bool = False,
    ) -> None:
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self.refused = 0
        self._port = port
        self._request = message or f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._keeps = [True] * kept + [False] * fresh
        self._pause = pause
        self._leave = leave
        self._is_over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._thread.join()

    def join(self) -> None:
        """Wait for the clients to leave."""
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(keeps) for keeps in self._keeps))

    async def _client(self, keeps: bool) -> None:
        while not self._is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.refused += 1
                if self._leave:
                    return
                await asyncio.sleep(0.01)
                continue
            try:
                await self._talk(reader, writer, keeps)
            finally:
                writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keeps: bool) -> None:
        count = 0
        while not self._is_over:
            begun = time.monotonic()
            try:
                writer.write(self._request)
                status, stays = await asyncio.wait_for(_answer(reader), _PATIENCE)
            except (OSError, EOFError, TimeoutError) as error:
                self.failures.append(f"{error!r} after {count} answers on this connection")
                return
            self.seconds.append(time.monotonic() - begun)
            self.statuses[status] += 1
            count += 1
            if not (keeps and stays):
                return
            if self._pause:
                await asyncio.sleep(self._pause)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Its status, and whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, rest = head.partition(b"\r\ncontent-length: ")
    await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    return int(head[9:12]), b"\r\nconnection: close" not in head


def percentile(values: list[float], percent: float) -> float:
    """The value that so many of a hundred do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]
