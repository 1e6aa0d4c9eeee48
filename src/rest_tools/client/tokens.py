"""The bearer token of a client: given as it is, or by a function that is called again before it expires."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias, cast

from restwright.drivers import run
from restwright.errors import DeadlineExceeded
from restwright.plan import Join, Operation, Work
from restwright.single_flight import SingleFlight

Token: TypeAlias = str | bytes
TokenFunction: TypeAlias = Callable[[], Token | None] | Callable[[], Awaitable[Token | None]]

_LONGEST: Final = 600.0
"""Seconds that a token function may take."""


def as_text(token: Any) -> str | None:
    """A token as text; None stays None.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(token, bytes):
        return token.decode()
    if token is None or isinstance(token, str):
        return token or None
    raise TypeError(f"a token must be str, bytes or None, got {type(token).__name__}")


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, its signature unchecked: that is for those to do who it is sent to. {} if it is no JWT."""
    if token.count(".") != 2:
        return {}
    import jwt  # most programs have tokens of one kind or the other

    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return {}


def expiry_of(token: str) -> float | None:
    """When a token expires, in seconds since the epoch; None if that cannot be told."""
    try:
        return float(claims_of(token)["exp"])
    except (KeyError, ValueError, TypeError):
        return None


class TokenHolder:
    """The part of a client that has its token.

    A token function is called when there is no token, and when the last one is no JWT or expires soon. It may be a
    coroutine function. Those who need a token at the same time share one call of it.

    Attributes:
        access_token: The token; a new one may be set.
        token_func: Where tokens come from, if they are not given once and for all.
    """

    access_token: str | None
    token_func: TokenFunction | None
    logger: logging.Logger
    _token_expire_delay_offset: float = 5
    """Seconds before its expiry from which on a token is not used any more."""

    def _init_token(self, token: Any) -> None:
        self.access_token = self.token_func = None
        self._read: tuple[str | None, float | None] = None, None  # the token that was last looked at, its expiry
        self._warned_of: str | None = None
        self._flight = SingleFlight[None]("the token function", is_awaited_at_exit=False)
        self._awaited_on: asyncio.AbstractEventLoop | None = None
        if isinstance(token, (str, bytes)):
            self.access_token = as_text(token)
        elif callable(token):
            self.token_func = cast("TokenFunction", token)
        elif token:
            kind = type(token).__name__
            self.logger.warning("token must be str, bytes or a function: a %s is ignored, no token is sent", kind)

    def _expiry(self, token: str) -> float | None:
        read, expiry = self._read
        if token is not read:
            expiry = expiry_of(token)
            self._read = token, expiry
        return expiry

    def _needs_token(self) -> bool:
        """Is there none that can be used, for all that it tells?"""
        if self.token_func is None:
            return False
        token = self.access_token
        expiry = self._expiry(token) if token else None
        return expiry is None or expiry < time.time() + self._token_expire_delay_offset

    def _bearer(self) -> str | None:
        """The value of the `Authorization` header field, of the token that there is."""
        token = self.access_token
        if not token:
            return None
        if self.token_func is None:
            expiry = self._expiry(token)
            if expiry is not None and expiry < time.time() and token is not self._warned_of:
                self._warned_of = token
                ago = time.time() - expiry
                self.logger.warning("the token expired %.0f s ago, and no function was given to get another", ago)
        return f"Bearer {token}"

    def _renewed(self, loop: asyncio.AbstractEventLoop | None) -> Operation[None]:
        """The plan of a new token, if one is needed; `loop` is where a coroutine function is awaited."""
        if loop is None and self._awaited_on is not None and self._awaited_on is _running_loop():
            # To wait here would keep the call that is under way from going on: it needs this thread.
            step = Work(self.token_func or (lambda: None))
            yield step
            self.access_token = as_text(step.result)
            return
        call = self._flight.begin(partial(self._call_token_func, loop), self._needs_token)
        if call is not None:
            yield Join(call, _LONGEST)
            if not call.done():
                raise DeadlineExceeded(f"the token function takes longer than {_LONGEST:.0f} s")
            call.result()  # raises what the function has raised

    def _call_token_func(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """In a thread."""
        self._awaited_on = loop
        try:
            token: Any = self.token_func() if self.token_func is not None else None
            if inspect.isawaitable(token):
                waiting = _wait_for(token)
                token = (
                    asyncio.run(waiting)
                    if loop is None
                    else asyncio.run_coroutine_threadsafe(waiting, loop).result(_LONGEST)
                )
            self.access_token = as_text(token)
        except Exception as error:
            self.logger.warning("no token could be had: %s", type(error).__name__)
            raise
        finally:
            self._awaited_on = None

    def _get_token(self) -> None:
        """Have a token that can be used; blocks while the token function runs."""
        if self._needs_token():
            run(_send_nothing, self._renewed(None))


async def _wait_for(token: Awaitable[Token | None]) -> Token | None:
    return await token


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _send_nothing(_: Any) -> Any:
    raise AssertionError("a token function sends for itself")
