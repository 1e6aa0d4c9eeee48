"""Servers on free ports, each with an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeAlias

import pytest

from rest_tools.server import RestServer

Serving: TypeAlias = Callable[[RestServer], AbstractContextManager[str]]


class Loop(threading.Thread):
    """An event loop that runs from `start` to `close`."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def do(self, coroutine, within: float = 40):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(within)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join(40)


@pytest.fixture
def loop() -> Iterator[Loop]:
    thread = Loop()
    thread.start()
    try:
        yield thread
    finally:
        thread.close()


@pytest.fixture
def serving(loop: Loop) -> Serving:
    """Called with a server, it gives a context with its URL."""

    @contextlib.contextmanager
    def serve(server: RestServer) -> Iterator[str]:
        async def startup() -> None:
            server.startup(address="127.0.0.1", port=0)

        loop.do(startup())
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            loop.do(server.stop(drain=0))

    return serve
