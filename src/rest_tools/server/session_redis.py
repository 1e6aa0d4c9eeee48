"""Sessions in Redis, for several server processes together.

A session is a hash `session:<id>`: its members and `_expiration`, which also keeps an empty session from being no
key at all.  When it ends is the key's own time to live, so that Redis removes what has expired, and reading a session
writes nothing but this time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from rest_tools.server.session_storage import SessionEntry, SessionStorage

_PREFIX: Final = "session:"
_EXPIRATION: Final = "_expiration"
_RETRIES: Final = 5


class RedisSessionStorage(SessionStorage):
    """Sessions in a Redis server, or one that speaks its protocol (version 6 or newer).

    Args:
        host: The server; `port` and `db` are its usual ones unless given.
        ssl: Speak TLS.
        timeout: Seconds to connect and to wait for an answer: longer than that, no request shall wait for Redis.

    Raises:
        redis.exceptions.ConnectionError: It cannot be reached.
        redis.exceptions.TimeoutError: It does not answer.
    """

    waits = True

    def __init__(
        self,
        host: str = "localhost",
        username: str | None = None,
        password: str | None = None,
        ssl: bool = False,
        *,
        port: int = 6379,
        db: int = 0,
        timeout: float = 5.0,
    ) -> None:
        self._redis: Any = redis.Redis(
            host=host,
            port=port,
            db=db,
            username=username,
            password=password,
            ssl=ssl,
            decode_responses=True,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # One that does not answer is not asked again: that would be five timeouts more.
            retry=Retry(ExponentialBackoff(), _RETRIES, supported_errors=(redis.ConnectionError,)),
        )
        try:
            self._redis.ping()
        except BaseException:
            self._redis.close()
            raise

    def __getitem__(self, session_id: str) -> SessionEntry:
        """The session.

        Raises:
            KeyError: There is none.
        """
        with self._redis.pipeline() as pipe:
            fields, milliseconds = pipe.hgetall(_PREFIX + session_id).pttl(_PREFIX + session_id).execute()
        return _entry(session_id, fields, time.time() + milliseconds / 1000)

    def __setitem__(self, session_id: str, entry: SessionEntry) -> None:
        if _EXPIRATION in entry.data:
            raise ValueError(f"a session cannot have a member {_EXPIRATION!r}")
        key = _PREFIX + session_id
        fields = {**entry.data, _EXPIRATION: str(entry.expiration)}
        with self._redis.pipeline() as pipe:
            pipe.delete(key).hset(key, mapping=fields).pexpireat(key, int(entry.expiration * 1000)).execute()

    def __delitem__(self, session_id: str) -> None:
        if not self._redis.delete(_PREFIX + session_id):
            raise KeyError(session_id)

    def __contains__(self, session_id: object) -> bool:
        return isinstance(session_id, str) and bool(self._redis.exists(_PREFIX + session_id))

    def __iter__(self) -> Iterator[str]:
        seen: set[str] = set()  # SCAN may name a key more than once
        for key in cast("Iterator[str]", self._redis.scan_iter(match=_PREFIX + "*", count=1000)):
            if key not in seen:
                seen.add(key)
                yield key.removeprefix(_PREFIX)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def extend(self, session_id: str, expiration: float) -> SessionEntry:
        """The session, which ends later; in one exchange, and never one that has just been deleted."""
        key = _PREFIX + session_id
        with self._redis.pipeline() as pipe:
            fields, _ = pipe.hgetall(key).pexpireat(key, int(expiration * 1000)).execute()
        return _entry(session_id, fields, expiration)

    def remove_expired(self) -> None:
        """Nothing to do: Redis does it."""

    def clear(self) -> None:
        """Remove all sessions, and nothing else that is in the database."""
        keys = [_PREFIX + session_id for session_id in self]
        for start in range(0, len(keys), 1000):
            self._redis.unlink(*keys[start : start + 1000])

    def close(self) -> None:
        """Close the connections; the sessions stay."""
        self._redis.close()


def _entry(session_id: str, fields: dict[str, str], expiration: float) -> SessionEntry:
    if not fields:
        raise KeyError(session_id)
    fields.pop(_EXPIRATION, None)
    return SessionEntry(fields, expiration)
