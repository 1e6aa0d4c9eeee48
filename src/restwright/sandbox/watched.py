"""What all endpoints of all services have in common: they are counted, and they misbehave on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from typing import Any, Final, Protocol

from tornado.iostream import StreamClosedError
from tornado.web import Finish

from rest_tools.server import RestHandler
from rest_tools.server.refusal import Refusal
from restwright.sandbox.faults import Fault, FaultOptions
from restwright.sandbox.journal import BODY_KEPT, Asked, Journal

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
            await self._misbehave(fault.how)

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
        return Asked(
            self.endpoint_name, request.method or "", request.uri or "", headers, form, request.body[:BODY_KEPT]
        )

    async def _misbehave(self, how: FaultOptions) -> None:
        if how.get("block") or "delay" in how:
            await self._wait(None if how.get("block") else how.get("delay"))
        if how.get("drop") or how.get("reset"):
            self._hang_up(reset=how.get("reset", False))
            raise Finish
        script = _script(how)
        if script is None:
            return  # it was to be late, and that is all
        status, headers, content = script
        if content is None and status >= 400:
            raise Refusal(status, "this was demanded", headers=headers)
        self.set_status(status)
        for name, value in headers.items():
            self.set_header(name, value)
        if "oversized" in how:
            await self._send_much(how["oversized"])
        else:
            self.finish(content)
        raise Finish

    def _hang_up(self, *, reset: bool) -> None:
        stream = self.detach()
        if reset and stream.socket is not None:  # to linger for no time is to reset
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()

    async def _wait(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._is_gone.wait(), seconds)
        except TimeoutError:
            return
        raise Finish  # there is nobody left to answer

    async def _send_much(self, size: int) -> None:
        head, tail = b'{"filler": "', b'"}'
        self.write(head)
        left = size - len(head) - len(tail)
        with contextlib.suppress(StreamClosedError):  # the client has had enough
            while left > 0:
                self.write(_PIECE[:left])
                left -= len(_PIECE)
                await self.flush()
            self.finish(tail)


def _script(how: FaultOptions) -> tuple[int, dict[str, str], str | bytes | None] | None:
    """Status, header fields and content of the answer; None if it is to be the true one."""
    status = 200
    headers: dict[str, str] = {}
    content: str | bytes | None = None
    if "redirect_to" in how:
        status, headers = 307, {"Location": how["redirect_to"]}
    elif "oversized" in how:
        headers["Content-Type"], content = "application/json", ""
    elif how.get("html"):
        headers["Content-Type"], content = "text/html; charset=utf-8", _PAGE.format(how.get("status", status))
    elif "body" in how:
        headers["Content-Type"], content = _content(how["body"])
    elif "status" not in how:
        return None
    if "retry_after" in how:
        headers["Retry-After"] = str(how["retry_after"])
    return how.get("status", status), {**headers, **how.get("headers", {})}, content


def _content(body: dict[str, Any] | list[Any] | str | bytes) -> tuple[str, str | bytes]:
    if isinstance(body, bytes):
        return "application/octet-stream", body
    if isinstance(body, str):
        return "text/plain; charset=utf-8", body
    return "application/json", json.dumps(body)
