"""The log of exchanges, which is kept in the database.

An exchange is remembered when it is answered, and written with the next change of anything, or when somebody reads the
log. So no read costs a write, and none is missing from what is read.
"""

from __future__ import annotations

import datetime
import threading
from typing import Any, Final

from restwright.sandbox.keystone.call import Call

__all__ = ["RequestLog"]

_MOST: Final = 50_000


class RequestLog:
    """Exchanges that are still to be written; of too many the oldest ones are forgotten."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, call: Call, status: int) -> None:
        """Remember one."""
        entry = {
            "time": datetime.datetime.now(datetime.UTC),
            "method": call.method,
            "endpoint": call.path,
            "response_code": status,
            "remote_address": call.remote_address,
            "cid": call.cid,
            "user_id": None if call.caller is None else call.caller.id,
        }
        with self._lock:
            self._entries.append(entry)
            if len(self._entries) > 2 * _MOST:
                del self._entries[:_MOST]

    def take(self) -> list[dict[str, Any]]:
        """All of them, for somebody to write."""
        with self._lock:
            taken, self._entries = self._entries, []
            return taken

    def put_back(self, entries: list[dict[str, Any]]) -> None:
        """Those that could not be written."""
        with self._lock:
            self._entries = entries + self._entries
