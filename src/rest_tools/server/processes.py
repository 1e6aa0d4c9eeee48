"""Several processes at one port: a supervisor forks workers, and does nothing else but to look after them.

All workers accept from one socket, which was bound before they were forked.  With a socket for each of them
(SO_REUSEPORT), clients would wait in the queue of one worker, and be lost when it closes; the queue of a shared socket
lives on as long as any worker has it.

The supervisor has no event loop, for a fork must not happen within one.  It waits for signals, for workers that say
that they are ready, and for the time to do something.  A worker that dies is replaced, one that keeps dying ends it
all.  To replace a worker that is well, its successor is started first, and the old one makes way when that is ready.
Workers hold the end of a pipe that closes with the supervisor, whatever ends it: then they stop too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from multiprocessing.connection import wait
from types import FrameType
from typing import NoReturn

from rest_tools.server.orders import Order, Orders, handling
from rest_tools.server.redaction import traceback_of

__all__ = ["Supervisor"]

_START = 60.0  # seconds that a worker may take until it is ready
_QUICK = 5.0  # seconds; who dies sooner would die again
_TOO_OFTEN = 5  # times in a row, in one place
_FIRST_PAUSE = 0.1  # seconds before a place is filled again, doubled each time
_GRACE = 5.0  # seconds beyond those to drain, to close what a service has open
_NEVER = float("inf")
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Worker:
    number: int  # no other worker ever has
    place: int
    pid: int
    born: float
    pipe: int  # says that it is ready
    kill_at: float
    is_ready: bool = False
    makes_way: bool = False


@dataclass
class _Place:
    deaths: int = 0  # quick ones, in a row
    free_until: float = 0.0


class Supervisor:
    """Keeps workers alive.

    Args:
        work: Called in each worker, with its orders and its number; it returns when the work is done.
        count: Of workers.
        stopping: Seconds that a worker may take to stop.
        making_way: Seconds that it may take to make way.
        on_stop: Called when all is to stop.
        on_death: Called with the number of each worker that is gone.
    """

    def __init__(
        self,
        work: Callable[[Orders, int], None],
        *,
        count: int,
        stopping: float,
        making_way: float,
        on_stop: Callable[[], None],
        on_death: Callable[[int], None],
    ) -> None:
        self._work = work
        self._places = [_Place() for _ in range(count)]
        self._stopping = stopping + _GRACE
        self._making_way = making_way + _GRACE
        self._on_stop = on_stop
        self._on_death = on_death
        self._workers: dict[int, _Worker] = {}  # by process id
        self._born = 0
        self._old: list[_Worker] = []  # to be replaced
        self._successor: _Worker | None = None
        self._is_stopping = False
        self._failure: str | None = None

    def run(self) -> None:
        """Return when all workers have stopped, as they were told.

        Raises:
            RuntimeError: A worker kept dying.
        """
        self._life, self._alive = os.pipe()
        try:
            with _signals() as self._signals:
                while self._workers or not self._is_stopping:
                    self._fill_places()
                    self._replace_one()
                    wait([self._signals, *self._pipes()], self._until_something())
                    # Signals first: workers that were told to stop together with us are not dead for no reason.
                    self._obey()
                    self._hear()
                    self._bury()
                    self._kill_late()
        finally:
            for worker in self._workers.values():
                os.kill(worker.pid, signal.SIGKILL)
                os.waitpid(worker.pid, 0)
                os.close(worker.pipe)
            os.close(self._life)
            os.close(self._alive)
        if self._failure is not None:
            raise RuntimeError(self._failure)

    # -------------------------------------------------------------------------------------------- births

    def _fill_places(self) -> None:
        taken = {worker.place for worker in self._workers.values() if not worker.makes_way}
        for index, place in enumerate(self._places):
            if index not in taken and not self._is_stopping and time.monotonic() >= place.free_until:
                self._fork(index)

    def _replace_one(self) -> None:
        if self._is_stopping:
            return
        if self._successor is not None:
            if self._successor.is_ready:
                for worker in self._workers.values():
                    if worker.place == self._successor.place and worker is not self._successor:
                        self._tell(worker, signal.SIGHUP, self._making_way)
                        worker.makes_way = True
                self._successor = None
            return
        if any(worker.makes_way for worker in self._workers.values()):
            return  # one after another: there is never more than one worker too many
        while self._old and self._successor is None:
            worker = self._old.pop(0)
            if worker.pid in self._workers:
                self._successor = self._fork(worker.place)

    def _fork(self, place: int) -> _Worker:
        pipe, its_pipe = os.pipe()
        # A signal that the child gets before it has handlers of its own would be taken for one of ours.
        _flush()  # what is printed already, must not be printed by the child again
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._born += 1
        pid = os.fork()
        if pid == 0:
            self._live(its_pipe, mask, [pipe, *self._pipes()])
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(its_pipe)
        now = time.monotonic()
        worker = _Worker(self._born, place, pid, now, pipe, kill_at=now + _START)
        self._workers[pid] = worker
        return worker

    def _live(self, pipe: int, mask: set[signal.Signals | int], foreign: list[int]) -> NoReturn:
        """What happens in the child, to its end."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            # Who signals the whole group means us as well, and the supervisor passes it on: that is one order.
            orders = Orders(on_ready=lambda: os.write(pipe, b"!"), only_one=True)
            signal.signal(signal.SIGTERM, lambda _number, _frame: orders.give(Order.STOP))
            signal.signal(signal.SIGHUP, lambda _number, _frame: orders.give(Order.MAKE_WAY))
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells all; the supervisor passes it on
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for fd in (self._alive, *foreign):
                os.close(fd)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._work(orders, self._born)
            status = 0
        except BaseException as error:  # noqa: BLE001  # nothing of the supervisor's may run here
            _log.critical("worker %d failed\n%s", os.getpid(), traceback_of(error))
        finally:
            with contextlib.suppress(Exception):
                logging.shutdown()
            _flush()
            os._exit(status)

    def watch_over(self, orders: Orders) -> None:
        """In the event loop of a worker: stop it when the supervisor is gone."""
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(self._life)
            _log.warning("worker %d stops, for its supervisor is gone", os.getpid())
            orders.give(Order.STOP)

        loop.add_reader(self._life, gone)

    def is_gone(self) -> bool:
        """In a worker: is there no supervisor any more?  The pipe tells sooner than the id of the parent."""
        return bool(wait([self._life], 0))

    # -------------------------------------------------------------------------------------------- news

    def _pipes(self) -> list[int]:
        return [worker.pipe for worker in self._workers.values() if not worker.is_ready]

    def _until_something(self) -> float | None:
        now = time.monotonic()
        taken = {worker.place for worker in self._workers.values() if not worker.makes_way}
        times = [worker.kill_at for worker in self._workers.values()]
        times += [place.free_until for index, place in enumerate(self._places) if index not in taken]
        soonest = min(times, default=_NEVER)
        return None if soonest == _NEVER else max(0.0, soonest - now)

    def _obey(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in self._signals.recv(100):
                if number in {signal.SIGTERM, signal.SIGINT}:
                    if self._is_stopping:
                        self._kill(*self._workers.values())
                    self._stop()
                elif number == signal.SIGHUP:
                    self._old = [worker for worker in self._workers.values() if not worker.makes_way]

    def _hear(self) -> None:
        for worker in self._workers.values():
            if not worker.is_ready and wait([worker.pipe], 0) and os.read(worker.pipe, 1):
                worker.is_ready = True
                if not self._is_stopping:
                    worker.kill_at = _NEVER

    def _bury(self) -> None:
        for worker in tuple(self._workers.values()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid == worker.pid:
                del self._workers[pid]
                os.close(worker.pipe)
                self._on_death(worker.number)
                self._mourn(worker, os.waitstatus_to_exitcode(status))

    def _mourn(self, worker: _Worker, code: int) -> None:
        how = f"worker {worker.pid} ended " + (f"by signal {-code}" if code < 0 else f"with status {code}")
        if self._is_stopping or worker.makes_way:
            if code:
                _log.warning("%s", how)
        elif worker is self._successor:
            _log.error("%s before it was ready, so the others stay as they are", how)
            self._successor, self._old = None, []
        else:
            self._replace_dead(worker, how)

    def _replace_dead(self, worker: _Worker, how: str) -> None:
        lived = time.monotonic() - worker.born
        place = self._places[worker.place]
        place.deaths = place.deaths + 1 if lived < _QUICK or not worker.is_ready else 0
        _log.error("%s after %.1f s, another one takes its place", how, lived)
        if place.deaths:
            place.free_until = time.monotonic() + _FIRST_PAUSE * 2 ** (place.deaths - 1)
        if place.deaths == _TOO_OFTEN:
            self._failure = f"{how} soon after its start, as {_TOO_OFTEN - 1} before it: see their log"
            self._stop()

    # -------------------------------------------------------------------------------------------- deaths

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._on_stop()
            for worker in self._workers.values():
                self._tell(worker, signal.SIGTERM, self._stopping)

    def _tell(self, worker: _Worker, number: signal.Signals, within: float) -> None:
        os.kill(worker.pid, number)
        worker.kill_at = time.monotonic() + within

    def _kill_late(self) -> None:
        now = time.monotonic()
        for worker in self._workers.values():
            if now >= worker.kill_at:
                _log.error("worker %d takes too long and is killed", worker.pid)
                self._kill(worker)

    def _kill(self, *workers: _Worker) -> None:
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
            worker.kill_at = _NEVER


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # there may be none, or nobody who reads it
            stream.flush()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The number is in the socket, and that is all."""


@contextlib.contextmanager
def _signals() -> Generator[socket.socket]:
    """A socket from which the numbers of signals can be read that came within the block."""
    ours, wakeup = socket.socketpair()
    with ours, wakeup:
        ours.setblocking(False)
        wakeup.setblocking(False)
        before = signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        try:
            with handling(dict.fromkeys(_SIGNALS, _nothing)):
                yield ours
        finally:
            signal.set_wakeup_fd(before)
