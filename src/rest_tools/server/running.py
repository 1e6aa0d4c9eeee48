"""A server that runs until it is told to stop, in this process or in workers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypeAlias

from tornado.ioloop import PeriodicCallback

from rest_tools.server.metrics import Metrics
from rest_tools.server.orders import Order, Orders, handling
from rest_tools.server.shared_metrics import Snapshots

if TYPE_CHECKING:
    from rest_tools.server.server import RestServer

__all__ = ["Lifespan", "Run", "cores"]

Lifespan: TypeAlias = Callable[["RestServer"], AbstractAsyncContextManager[object]]
"""Opens what a service needs in its process, before it serves, and closes it after the last answer."""

_SNAPSHOT_EVERY = 1.0  # seconds


@contextlib.asynccontextmanager
async def _nothing(_: RestServer) -> AsyncGenerator[None]:
    yield


@dataclass
class Run:
    """How a server runs.

    Attributes:
        server: Which.
        listener: What it accepts from.
        drain: Seconds, see `RestServer.stop`.
        notice: Seconds, see there.
        lifespan: What is open while it serves.
    """

    server: RestServer
    listener: socket.socket
    drain: float
    notice: float
    lifespan: Lifespan | None

    def here(self) -> None:
        """Return after SIGTERM or SIGINT, when all is answered; at once after the second one."""
        orders = Orders()

        def handle(number: int, _: FrameType | None) -> None:
            if orders.give(Order.STOP) > 1:
                signal.signal(number, signal.SIG_DFL)  # the third one ends what even then does not end

        with handling({signal.SIGTERM: handle, signal.SIGINT: handle}):
            orders.run(self._serve(orders))

    def in_workers(self, count: int) -> None:
        """Return after SIGTERM or SIGINT, when all workers have answered all.

        Raises:
            RuntimeError: A worker kept dying, or this system has no fork.
        """
        if not hasattr(os, "fork"):
            raise RuntimeError("several processes need os.fork, which this system does not have")
        from rest_tools.server.processes import Supervisor

        folder = Path(tempfile.mkdtemp(prefix="rest-server-"))
        snapshots = Snapshots(folder)

        def work(orders: Orders, number: int) -> None:
            orders.run(self._work(orders, number, snapshots, supervisor.watch_over))
            if supervisor.is_gone():
                snapshots.leave(number)

        supervisor = Supervisor(
            work,
            count=count,
            stopping=self.notice + self.drain,
            making_way=self.drain,
            on_stop=self.listener.close,
            on_death=snapshots.bury,
        )
        try:
            supervisor.run()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _work(
        self, orders: Orders, number: int, snapshots: Snapshots, watch_over: Callable[[Orders], None]
    ) -> None:
        watch_over(orders)
        await self._serve(orders, lambda: _sharing(self.server.metrics, number, snapshots))

    async def _serve(
        self, orders: Orders, while_serving: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    ) -> None:
        async with (self.lifespan or _nothing)(self.server):
            with while_serving():
                await self._serve_until_told(orders)

    async def _serve_until_told(self, orders: Orders) -> None:
        self.server.accept_from(self.listener)
        orders.ready()
        order = await orders.first()
        if order is Order.STOP:
            stopping = asyncio.ensure_future(self.server.stop(drain=self.drain, notice=self.notice))
        else:
            stopping = asyncio.ensure_future(self.server.make_way(drain=self.drain))
        hurry = asyncio.ensure_future(orders.second())
        await asyncio.wait({stopping, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if stopping.done():
            await stopping
        else:
            stopping.cancel()
            await self.server.stop(drain=0)


@contextlib.contextmanager
def _sharing(metrics: Metrics | None, number: int, snapshots: Snapshots) -> Generator[None]:
    """The metrics of a worker are those of all of them."""
    if metrics is None:
        yield
        return
    share = metrics.share(number, snapshots)
    regularly = PeriodicCallback(share, 1000 * _SNAPSHOT_EVERY)
    regularly.start()
    try:
        yield
    finally:
        regularly.stop()
        share()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
