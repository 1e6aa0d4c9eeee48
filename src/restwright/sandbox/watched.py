"""What all endpoints of all services have in common: they are counted, and they misbehave on demand."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, Protocol

from tornado.iostream import StreamClosedError
from tornado.web import Finish

from rest_tools.server import RestHandler
from rest_tools.server.refusal import Refusal
from restwright.sandbox.faults import Fault
from restwright.sandbox.journal import Asked, Journal

__all__ = ["WatchedHandler", "Watcher"]

_PIECE: Final = b" " * 2**16
_PAGE: Final = "<!doctype html><title>{0}</title><h1>{0}</h1><p>A proxy might have said this.</p>\n"


class Watcher(Protocol):
    """Notes requests, and knows what is to become of them."""

    @property
    def journal(self) -> Journal:
        """What was asked."""
        ...

    def fault_for(self, endpoint: str) -> Fault | None:
        """What is to become of a request, None if it is to be answered."""
        ...


class WatchedHandler(RestHandler):
    """An endpoint of a service.

    Attributes:
        watcher: Of the service.
    """

    watcher: Watcher
    _asked: Asked | None = None

    def initialize(self, *args: Any, watcher: Watcher, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, **kwargs)
        self.watcher = watcher
        self._is_gone = asyncio.Event()

    @property
    def endpoint_name(self) -> str:
        """By which it is counted, and faults are put at it."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Count the request, and see what is to become of it."""
        super().prepare()
        self._asked = self._read()
        self.watcher.journal.add(self._asked)
        fault = self.watcher.fault_for(self.endpoint_name)
        if fault is not None:
            await self._misbehave(fault)

    def on_finish(self) -> None:
        """Note what was answered."""
        super().on_finish()
        if self._asked is not None:
            self._asked.status = self.get_status()

    def on_connection_close(self) -> None:
        """Wait no longer."""
        self._is_gone.set()

    def _read(self) -> Asked:
        request = self.request
        headers = {name.lower(): value for name, value in request.headers.items()}
        form = {name: values[-1].decode("utf-8", "replace") for name, values in request.body_arguments.items()}
        return Asked(self.endpoint_name, request.method or "", request.uri or "", headers, form)

    async def _misbehave(self, fault: Fault) -> None:
        if fault.delay or fault.block:
            await self._wait(None if fault.block else fault.delay)
        if fault.drop:
            self.detach().close()
            raise Finish
        if fault.redirect_to:
            self.redirect(fault.redirect_to, status=307)
            raise Finish
        if fault.oversized:
            await self._send_much(fault.oversized)
            raise Finish
        when = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.html:
            status = fault.status or 200
            self.set_status(status)
            self.set_header("Content-Type", "text/html; charset=utf-8")
            for name, value in when.items():
                self.set_header(name, value)
            self.finish(_PAGE.format(status))
            raise Finish
        if fault.status is not None:
            raise Refusal(fault.status, "this was demanded", headers=when)

    async def _wait(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._is_gone.wait(), seconds)
        except TimeoutError:
            return
        raise Finish  # there is nobody left to answer

    async def _send_much(self, size: int) -> None:
        head, tail = b'{"filler": "', b'"}'
        self.set_header("Content-Type", "application/json")
        self.write(head)
        left = size - len(head) - len(tail)
        with contextlib.suppress(StreamClosedError):  # the client has had enough
            while left > 0:
                self.write(_PIECE[:left])
                left -= len(_PIECE)
                await self.flush()
            self.finish(tail)
