"""Health for those who run the service: is the process alive, and is it ready for requests?

Alive is who answers. Ready is who is not draining, and whose checks all pass in time. A check runs once at a time,
however many ask: one that hangs costs one thread, not one a probe.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from rest_tools.server.handler import RestHandler
from rest_tools.server.redaction import traceback_of

__all__ = ["Check", "CheckFunction", "LiveHandler", "Readiness", "ReadyHandler"]

_log = logging.getLogger(__name__)

CheckFunction: TypeAlias = Callable[[], object]
"""Fails by an exception or by False. It may be async; if it is not, it runs in a thread."""

Verdict: TypeAlias = Literal["ok", "failed", "timed out"]


class Check:
    """Something that has to work for the service to work.

    Args:
        name: Shown to whoever asks.
        function: Does it work?
        timeout: Seconds after which the answer is no.
    """

    def __init__(self, name: str, function: CheckFunction, *, timeout: float) -> None:
        self.name = name
        self._function = function
        self._timeout = timeout
        self._verdict: asyncio.Task[Verdict] | None = None
        self._run: asyncio.Future[object] | None = None

    async def verdict(self) -> Verdict:
        """How it went; who asks while it runs gets the same answer."""
        if self._verdict is None or self._verdict.done():
            self._verdict = asyncio.create_task(self._judge())
        return await asyncio.shield(self._verdict)

    async def _judge(self) -> Verdict:
        if self._run is None or self._run.done():
            self._run = asyncio.ensure_future(self._call())
        # Not `wait_for`: that waits for the end of what it cancels, and a thread cannot be cancelled at all.
        await asyncio.wait({self._run}, timeout=self._timeout)
        if not self._run.done():
            if _is_async(self._function):
                self._run.cancel()
                self._run = None
            _log.warning("check %s took more than %.1f s", self.name, self._timeout)
            return "timed out"
        try:
            result = self._run.result()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # whatever it is, it does not work
            _log.warning("check %s failed\n%s", self.name, traceback_of(error))
            return "failed"
        return "failed" if result is False else "ok"

    async def _call(self) -> object:
        result = self._function() if _is_async(self._function) else await _in_thread(self._function)
        return await result if inspect.isawaitable(result) else result


def _is_async(function: CheckFunction) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


async def _in_thread(function: CheckFunction) -> object:
    """The result of a function, from a thread that nobody waits for when the program ends.

    Those of the loop's executor are waited for, and there are only so many of them for the rest of the program.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()

    def tell(result: object, error: BaseException | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = function()
        except Exception as error:  # noqa: BLE001  # told where it is awaited
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=run, name="health check", daemon=True).start()
    return await future


class Readiness:
    """Whether a server should get requests.

    Args:
        checks: Functions by name, see `CheckFunction`.
        timeout: Seconds for each of them.
        is_draining: Whether the server is about to stop.
    """

    def __init__(self, checks: Mapping[str, CheckFunction], *, timeout: float, is_draining: Callable[[], bool]) -> None:
        self._checks = [Check(name, function, timeout=timeout) for name, function in checks.items()]
        self._is_draining = is_draining

    async def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether it is ready, and `{"status": "ready" | "not ready" | "draining", "checks": {name: verdict}}`."""
        if self._is_draining():  # the checks do not matter any more
            return False, {"status": "draining", "checks": {}}
        verdicts = await asyncio.gather(*(check.verdict() for check in self._checks))
        checks = {check.name: verdict for check, verdict in zip(self._checks, verdicts, strict=True)}
        is_ready = all(verdict == "ok" for verdict in verdicts)
        return is_ready, {"status": "ready" if is_ready else "not ready", "checks": checks}


class LiveHandler(RestHandler):
    """200 as long as the event loop turns."""

    is_documented = False

    def get(self) -> None:
        """That is all."""
        self.set_header("Cache-Control", "no-store")
        self.write({"status": "alive"})

    head = get


class ReadyHandler(RestHandler):
    """200 if the server is ready, else 503."""

    is_documented = False

    def initialize(self, *args: Any, readiness: Readiness, **kwargs: Any) -> None:  # type: ignore[override]  # by keyword alone
        """Take whom to ask."""
        super().initialize(*args, **kwargs)
        self._readiness = readiness

    async def get(self) -> None:
        """Ask all checks."""
        is_ready, report = await self._readiness.report()
        self.set_status(200 if is_ready else 503)
        self.set_header("Cache-Control", "no-store")
        self.write(report)

    head = get
