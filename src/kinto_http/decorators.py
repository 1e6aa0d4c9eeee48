"""Decorators that `kinto-http` published with its client, for programs that use them on functions of their own."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine
from types import FunctionType
from typing import Any, TypeVar

import requests

from restwright.policies.retry import backoff

T = TypeVar("T")


def retry_timeout(function: Callable[..., T]) -> Callable[..., T]:
    """A decorator that calls a function once more, within a second, when the network failed."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> T:
        try:
            return function(*args, **kwargs)
        except (requests.Timeout, requests.ConnectionError):
            time.sleep(backoff(1, first=1.0))
            return function(*args, **kwargs)

    return call


def async_wrap(func: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """A blocking function as a coroutine function, which runs it in a worker thread."""

    @functools.wraps(func)
    async def call(*args: Any, **kwargs: Any) -> T:
        return await asyncio.to_thread(func, *args, **kwargs)

    return call


def async_client(cls: type[T]) -> type[T]:
    """A class decorator: every public function of the class, save `clone`, becomes a coroutine function."""
    for name in dir(cls):
        function = getattr(cls, name)
        if (
            isinstance(function, FunctionType)
            and not name.startswith("_")
            and name not in ("clone", "download_attachment")
        ):
            setattr(cls, name, async_wrap(function))
    return cls
