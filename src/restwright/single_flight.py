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
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._future: Future[T] | None = None
        self._lock = threading.Lock()
        _flights.add(self)

    def join(self, work: Callable[[], T], *, within: float) -> Operation[T]:
        """What `work` returns, or the run of it that is under way.

        Args:
            work: Called in a thread; it must end by itself.
            within: Seconds to wait at most.

        Raises:
            DeadlineExceeded: It takes longer; it goes on nonetheless.
            Exception: It failed: each who waits gets an error of his own, with the run's as its cause.
        """
        future = self._begin(work)
        yield Join(future, within)
        if not future.done():
            raise DeadlineExceeded(f"{self._name} takes longer than {within:.1f} s")
        error = future.exception()
        if error is None:
            return future.result()
        try:
            raise _own(error) from error
        finally:
            del error, future  # else the error held itself, by way of its traceback and this frame

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self._future is not None:
                return self._future
            future = self._future = Future()
            thread = threading.Thread(target=self._run, args=(work, future), name=self._name, daemon=True)
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
        return copy.copy(error)
    except Exception:  # noqa: BLE001  # whatever a foreign exception does when it is copied
        return requests.RequestException(str(error))


def _finish() -> None:
    for thread in list(_running):
        thread.join(_AT_EXIT)


def _after_fork() -> None:
    for flight in list(_flights):
        flight.forget()


atexit.register(_finish)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
