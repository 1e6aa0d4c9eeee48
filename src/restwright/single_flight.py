"""One run for all who need it at the same time: threads, tasks, and the tasks of several event loops.

Who comes first begins it, in a thread of its own; who comes while it runs waits for the same outcome.  Since it
belongs to none of them, it goes on to its end when a caller is cancelled or an event loop closes, and no caller
can hold up another.  Waiting is a step of the plan (`Join`), so a thousand tasks that wait hold no thread.
"""

from __future__ import annotations

import atexit
import copy
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Generic, TypeVar

import requests

from restwright.errors import DeadlineExceeded
from restwright.plan import Join, Operation

T = TypeVar("T")

_AT_EXIT: Final = 5.0
"""Seconds for which a program that ends waits for runs that have begun."""
_running: Final[weakref.WeakSet[threading.Thread]] = weakref.WeakSet()
_flights: Final[weakref.WeakSet[SingleFlight[Any]]] = weakref.WeakSet()


class SingleFlight(Generic[T]):
    """Runs one thing at a time, and shares its outcome.

    Args:
        name: What runs, for the name of its thread and for the error that it takes too long.
        is_awaited_at_exit: Is a program that ends to wait for it, a few seconds at most?
    """

    def __init__(self, name: str, *, is_awaited_at_exit: bool = True) -> None:
        self._name = name
        self._is_awaited_at_exit = is_awaited_at_exit
        self._future: Future[T] | None = None
        self._lock = threading.Lock()
        _flights.add(self)

    def join(self, work: Callable[[], T], *, within: float) -> Operation[T]:
        """What `work` returns, or the run of it that is under way: `outcome` of what `begin` gives.

        Args:
            work: Called in a thread; it must end by itself.
            within: Seconds to wait at most.
        """
        return self.outcome(self._begin(work), within=within)

    def begin(self, work: Callable[[], T], may_begin: Callable[[], bool]) -> Future[T] | None:
        """The run that is under way, or a new one if it may begin.

        Args:
            work: Called in a thread; it must end by itself.
            may_begin: Asked, under a lock, when there is no run; if it says no, there is none.
        """
        with self._lock:
            return self._future if self._future is not None or not may_begin() else self._started(work)

    def outcome(self, run: Future[T], *, within: float) -> Operation[T]:
        """What came of a run.

        Raises:
            DeadlineExceeded: It takes longer than `within` seconds; it goes on nonetheless.
            Exception: It failed; each who waits gets an error of his own.
        """
        yield Join(run, within)
        if not run.done():
            raise DeadlineExceeded(f"{self._name} takes longer than {within:.1f} s")
        error = run.exception()
        if error is None:
            return run.result()
        try:
            raise _own(error)
        finally:
            del error, run  # else the error held itself, by way of its traceback and this frame

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            return self._started(work) if self._future is None else self._future

    def _started(self, work: Callable[[], T]) -> Future[T]:
        future = self._future = Future()
        thread = threading.Thread(target=self._run, args=(work, future), name=self._name, daemon=True)
        if self._is_awaited_at_exit:
            _running.add(thread)
        try:
            thread.start()
        except BaseException:
            self._future = None
            raise
        return future

    def _run(self, work: Callable[[], T], future: Future[T]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            self._end(future)
            future.set_exception(error)
        else:
            self._end(future)
            future.set_result(result)

    def _end(self, future: Future[T]) -> None:
        # Before its outcome is told: who then comes has reason to begin anew.
        with self._lock:
            if self._future is future:
                self._future = None

    def forget(self) -> None:
        """After a fork: the thread that runs is the parent's."""
        self._lock = threading.Lock()
        self._future = None


def _own(error: BaseException) -> BaseException:
    """A copy, to be raised by one of those who wait: each raise changes the traceback of what it raises."""
    try:
        own = copy.copy(error)
    except Exception:  # noqa: BLE001  # whatever a foreign exception does when it is copied
        own = requests.RequestException(str(error))
        own.__cause__ = error
        return own
    own.__cause__, own.__context__ = error.__cause__, error.__context__
    own.__suppress_context__ = error.__suppress_context__
    return own.with_traceback(error.__traceback__)


def _finish() -> None:
    for thread in list(_running):
        thread.join(_AT_EXIT)


def _after_fork() -> None:
    for flight in list(_flights):
        flight.forget()


atexit.register(_finish)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
