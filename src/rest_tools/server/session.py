"""Sessions of users: small texts by name, which end when they are not used for a while.

    class Fruits(SessionMixin, RestHandler):
        def get(self):
            self.session["basket"] = "apple"   # kept

    server.add_route("/fruits", Fruits, {**RestHandlerSetup(config), "session": Session("redis", host="store")})

What Redis has of a user is read in a thread, before the handler's method is called; so the event loop does not wait for
it. A change is stored in the thread that makes it: Redis belongs near the server.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from tornado.web import RequestHandler

from rest_tools.server.session_storage import MemorySessionStorage, SessionData, SessionEntry, SessionStorage

__all__ = [
    "MemorySessionStorage",
    "Session",
    "SessionData",
    "SessionEntry",
    "SessionMixin",
    "SessionStorage",
    "SessionWrapper",
    "StorageTypes",
    "redis_available",
]

redis_available: Final = find_spec("redis") is not None

if TYPE_CHECKING or redis_available:
    from rest_tools.server.session_redis import RedisSessionStorage

    __all__ += ["RedisSessionStorage"]


class StorageTypes(enum.Enum):
    """Where sessions can be kept."""

    MEMORY = "memory"
    REDIS = "redis"


class Session:
    """The sessions of a service, by their ids.

    Args:
        storage_type: `memory`, `redis`, or a storage of one's own.
        expiration: Seconds without use after which a session ends.
        **kwargs: How Redis is reached, see `RedisSessionStorage`.

    Raises:
        ValueError: There is no such storage.
        RuntimeError: The package `redis` is needed, and not there.
        redis.exceptions.ConnectionError: Redis cannot be reached.
    """

    def __init__(
        self, storage_type: str | StorageTypes | SessionStorage = "memory", expiration: float = 1800, **kwargs: Any
    ) -> None:
        self.expiration = expiration
        self.storage = storage_type if isinstance(storage_type, SessionStorage) else _storage(storage_type, kwargs)

    def set(self, session_id: str, data: SessionData | None) -> None:
        """Create a session, or put other data in its place."""
        self.storage[session_id] = SessionEntry(dict(data or {}), time.time() + self.expiration)

    def get_session(self, session_id: str) -> SessionData:
        """A copy of the session's data; from now on it has its whole time again.

        Raises:
            KeyError: There is none, or it has ended.
        """
        return dict(self.storage.extend(session_id, time.time() + self.expiration).data)

    def delete_session(self, session_id: str) -> bool:
        """End a session; was there one?"""
        try:
            del self.storage[session_id]
        except KeyError:
            return False
        return True

    def cleanup_expired_sessions(self) -> None:
        """Remove what has ended."""
        self.storage.remove_expired()

    def clear(self) -> None:
        """End all sessions."""
        self.storage.clear()

    def close(self) -> None:
        """Let go of the storage."""
        self.storage.close()


def _storage(kind: str | StorageTypes, settings: dict[str, Any]) -> SessionStorage:
    if StorageTypes(kind) is StorageTypes.MEMORY:
        return MemorySessionStorage()
    if not redis_available:
        raise RuntimeError("sessions in Redis need the package redis: pip install 'restwright[redis]'")
    return RedisSessionStorage(**settings)


class SessionWrapper(MutableMapping[str, str]):
    """The data of one session; each change is stored at once."""

    def __init__(self, key: str, data: SessionData, session_mgr: Session) -> None:
        self._key = key
        self._data = data
        self._session_mgr = session_mgr

    def __getitem__(self, name: str) -> str:
        return self._data[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._data[name] = value
        self._session_mgr.set(self._key, self._data)

    def __delitem__(self, name: str) -> None:
        del self._data[name]
        self._session_mgr.set(self._key, self._data)

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)}>"


class SessionMixin(RequestHandler):
    """Gives a handler the session of its user; stands before the handler class, and its route has a `session`."""

    _sessions: Session
    _found: SessionData | Exception | None = None
    _wrapper: SessionWrapper | None = None

    def initialize(self, *args: Any, session: Session, **kwargs: Any) -> None:
        """Take the sessions of the service."""
        super().initialize(*args, **kwargs)
        self._sessions = session
        if session.storage.waits:
            # On the handler, not in the class: a subclass overrides it, and may not await the inherited one.
            self.prepare = self._read_after(self.prepare)  # type: ignore[method-assign]

    def _read_after(self, prepare: Callable[[], Awaitable[None] | None]) -> Callable[[], Awaitable[None]]:
        async def prepare_and_read() -> None:
            waiting = prepare()
            if waiting is not None:
                await waiting
            user = None if self._finished else self.current_user
            if user:
                self._found = await asyncio.to_thread(self._read, user)

        return prepare_and_read

    def _read(self, user: str) -> SessionData | Exception:
        """The data of a session, or why there are none; that is told when somebody asks for it."""
        try:
            return self._sessions.get_session(user)
        except Exception as error:  # noqa: BLE001  # of whatever storage it is
            return error

    @property
    def session(self) -> SessionWrapper | None:
        """The session of the current user, made if there is none; None for the unknown."""
        user = self.current_user
        if not user:
            return None
        if self._wrapper is None:
            found = self._read(user) if self._found is None else self._found
            if isinstance(found, KeyError):
                found = dict[str, str]()
                self._sessions.set(user, found)
            elif isinstance(found, Exception):
                raise found
            self._wrapper = SessionWrapper(user, found, self._sessions)
        return self._wrapper
