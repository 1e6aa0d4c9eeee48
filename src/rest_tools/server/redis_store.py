"""What the stores in Redis have in common: each step is one script with a deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import redis.asyncio

__all__ = ["RedisStore"]


class RedisStore:
    """A store that all processes share, in Redis 6 or newer, or in a server that speaks its protocol.

    Args:
        client: Of the server (extra `restwright[redis]`); closing it is the caller's.
        prefix: Of all keys, if not the usual one.
        timeout: Seconds that each step may take; then it fails with `TimeoutError`.
    """

    usual_prefix: ClassVar[str]

    def __init__(self, client: redis.asyncio.Redis, *, prefix: str | None = None, timeout: float = 2.0) -> None:
        self._client: Any = client
        self._prefix = self.usual_prefix if prefix is None else prefix
        self._timeout = timeout

    async def _run(self, script: str, key: str, *arguments: str | bytes | int) -> Any:
        """What a Lua script for one key returns: integers, lists, None, and bytes whatever the client decodes."""
        async with asyncio.timeout(self._timeout):
            return await self._client.execute_command(
                "EVAL", script, 1, self._prefix + key, *arguments, NEVER_DECODE=True
            )
