"""Errors that are those of `httpx` as well, for programs that catch what releases since 0.6.5 raise.

A program that names `httpx.HTTPStatusError` has imported `httpx`.  So whether it is imported is looked at when an
error is raised, and nothing here depends on it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Generator
from typing import Any, Final, TypeVar, cast

import requests

from restwright import errors
from restwright.errors import RestwrightError, rebuild, state_to_pickle
from restwright.message import Response

T = TypeVar("T")
StepT = TypeVar("StepT")

_NAMES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (requests.HTTPError, "HTTPStatusError"),
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
        _translate(error)
        raise


class Answer(Response):
    """An answer whose `raise_for_status` raises an error that is one of `httpx` too if that is imported."""

    def raise_for_status(self) -> None:
        """Raise the error of a 4xx or 5xx answer.

        Raises:
            requests.HTTPError: It is one.
        """
        try:
            super().raise_for_status()
        except requests.HTTPError as error:
            _translate(error)
            raise


def as_answer(response: requests.Response) -> requests.Response:
    """The same, with errors of both kinds if it came by our own adapter; what others made is theirs."""
    if type(response) is Response:
        response.__class__ = Answer
    return response


def _translate(error: Exception) -> None:
    httpx = sys.modules.get("httpx")
    if httpx is not None:
        # The error has a traceback and perhaps notes; another in its place had to be given all of them.
        error.__class__ = _both(cast("Any", type(error)), httpx)


@functools.cache
def _both(kind: type[Exception], httpx: Any) -> type[Exception]:
    name = next((name for ours, name in _NAMES if issubclass(kind, ours)), "")
    theirs = getattr(httpx, name, None)
    if theirs is None or issubclass(kind, theirs):
        return kind

    def reduce(self: Exception) -> tuple[Any, ...]:
        return rebuild, (kind, self.args, state_to_pickle(self))  # whoever reads the pickle may have no httpx

    members = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": reduce}
    return type(kind.__name__, (kind, theirs), members)
