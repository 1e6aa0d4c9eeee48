"""Where sessions are kept: what a storage is, and the one in the memory of this process."""

from __future__ import annotations

import contextlib
import threading
import time
from abc import abstractmethod
from collections import UserDict
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

SessionData: TypeAlias = MutableMapping[str, str]

MAX_SESSIONS: Final = 100_000


@dataclass(frozen=True)
class SessionEntry:
    """A session as it is stored."""

    data: SessionData
    expiration: float
    """When it ends, in seconds since the epoch."""


class SessionStorage(MutableMapping[str, SessionEntry]):
    """A mapping of session ids to sessions, those included that have expired and not been removed yet."""

    waits: ClassVar[bool] = False
    """Does it wait for another program, so that an event loop is better not kept waiting with it?"""

    def extend(self, session_id: str, expiration: float) -> SessionEntry:
        """Have a session that has not expired end later; as it is then.

        Raises:
            KeyError: There is none, or no longer: then it is removed.
        """
        entry = self[session_id]
        if entry.expiration <= time.time():
            self._drop(session_id)
            raise KeyError(session_id)
        entry = self[session_id] = SessionEntry(entry.data, expiration)
        return entry

    def remove_expired(self) -> None:
        """Remove the sessions that have expired."""
        now = time.time()
        for session_id in list(self):
            entry = self.get(session_id)
            if entry is not None and entry.expiration <= now:
                self._drop(session_id)

    def _drop(self, session_id: str) -> None:
        with contextlib.suppress(KeyError):  # another thread was faster
            del self[session_id]

    @abstractmethod
    def close(self) -> None:
        """Let go of what it holds; it is not used afterwards."""


class MemorySessionStorage(UserDict[str, SessionEntry], SessionStorage):
    """Sessions of this process, which threads may share.

    Args:
        max_sessions: Beyond so many, the session that was not used for longest goes.
    """

    def __init__(self, *, max_sessions: int = MAX_SESSIONS) -> None:
        self.max_sessions = max_sessions
        self._lock = threading.RLock()
        super().__init__()

    def __setitem__(self, session_id: str, entry: SessionEntry) -> None:
        with self._lock:
            self.data.pop(session_id, None)  # to the end: the dict is in order of last use
            self.data[session_id] = entry
            while len(self.data) > self.max_sessions:
                del self.data[next(iter(self.data))]

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self.data))

    def extend(self, session_id: str, expiration: float) -> SessionEntry:
        """The same, for one thread at a time."""
        with self._lock:
            return super().extend(session_id, expiration)

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self.data.clear()

    def close(self) -> None:
        """Remove all."""
        self.clear()
