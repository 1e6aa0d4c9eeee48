"""Errors that are those of `httpx` as well, for programs that catch what releases since 0.6.5 raise.

A program that names `httpx.HTTPStatusError` has imported `httpx`.  So whether it is imported is looked at when an
error is raised, and nothing here depends on it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Generator
from typing import Any, Final, TypeVar, cast

from restwright import errors
from restwright.errors import RestwrightError, rebuild, state_to_pickle

T = TypeVar("T")
StepT = TypeVar("StepT")

_NAMES: Final[tuple[tuple[type[RestwrightError], str], ...]] = (
    (errors.ApiError, "HTTPStatusError"),
    (errors.ConnectTimeout, "ConnectTimeout"),
    (errors.ProxyError, "ProxyError"),
    (errors.NotConnected, "ConnectError"),
    (errors.ReadTimeout, "ReadTimeout"),
    (errors.DeadlineExceeded, "ReadTimeout"),
    (errors.BrokenAnswer, "RemoteProtocolError"),
    (errors.TransportError, "ReadError"),
    (errors.TooManyRedirects, "TooManyRedirects"),
    (errors.BadEncoding, "DecodingError"),
    (errors.TooLarge, "DecodingError"),
    (errors.UnusableAnswer, "HTTPError"),
)
"""What each is called there; the first that fits."""


def translated(plan: Generator[StepT, Any, T]) -> Generator[StepT, Any, T]:
    """`plan`, with its errors those of `httpx` too if that is imported."""
    try:
        return (yield from plan)
    except RestwrightError as error:
        httpx = sys.modules.get("httpx")
        if httpx is not None:
            # The error has a traceback and perhaps notes; another in its place had to be given all of them.
            error.__class__ = _both(cast("Any", type(error)), httpx)
        raise


@functools.cache
def _both(kind: type[RestwrightError], httpx: Any) -> type[RestwrightError]:
    name = next((name for ours, name in _NAMES if issubclass(kind, ours)), "")
    theirs = getattr(httpx, name, None)
    if theirs is None or issubclass(kind, theirs):
        return kind

    def reduce(self: RestwrightError) -> tuple[Any, ...]:
        return rebuild, (kind, self.args, state_to_pickle(self))  # whoever reads the pickle may have no httpx

    members = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": reduce}
    return type(kind.__name__, (kind, theirs), members)
