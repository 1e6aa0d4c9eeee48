"""Tracing, if the package `wipac_telemetry` is installed; else decorators and functions that do nothing.

What does nothing costs nothing: such a decorator gives the function back as it is.
"""

from __future__ import annotations

import enum
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = [
    "SpanKind",
    "SpanNamer",
    "evented",
    "inject_span_carrier_if_recording",
    "set_current_span_attribute",
    "spanned",
]

F = TypeVar("F", bound=Callable[..., Any])

_tools: Any
try:
    _tools = importlib.import_module("wipac_telemetry.tracing_tools")
except ImportError:
    _tools = None

if TYPE_CHECKING:

    def spanned(*args: Any, **kwargs: Any) -> Callable[[F], F]:
        """A decorator that has a span around each call."""
        ...

    def evented(*args: Any, **kwargs: Any) -> Callable[[F], F]:
        """A decorator that notes calls as events of the span that is under way, if it is recorded."""
        ...

    def set_current_span_attribute(key: str, value: Any) -> None:
        """Note something on the span that is under way, if there is any."""

    def inject_span_carrier_if_recording(carrier: dict[str, Any] | None) -> None:
        """Put the span that is under way, if it is recorded, into the header fields of a request."""

    class SpanNamer:
        """What a span is called by."""

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    class SpanKind(enum.Enum):
        """What a span is to the one that caused it."""

        INTERNAL = 0
        SERVER = 1
        CLIENT = 2
        PRODUCER = 3
        CONSUMER = 4

elif _tools is None:

    def dummy_wrapper(*_: Any, **__: Any) -> Callable[[F], F]:
        """A decorator that leaves functions as they are."""
        return lambda function: function

    def dummy_func(*_: Any, **__: Any) -> None:
        """Do nothing."""

    class DummyClass:
        """Takes all arguments, for nothing."""

        def __init__(self, *_: Any, **__: Any) -> None:
            pass

    spanned = evented = dummy_wrapper
    set_current_span_attribute = inject_span_carrier_if_recording = dummy_func
    SpanNamer = DummyClass
    SpanKind = enum.Enum("SpanKind", ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"], start=0)
else:
    spanned = _tools.spanned
    SpanNamer = _tools.SpanNamer
    SpanKind = _tools.SpanKind

    def evented(*args: Any, **kwargs: Any) -> Callable[[F], F]:
        """A decorator that notes calls as events of the span that is under way, if it is recorded."""

        def decorate(function: F) -> F:
            noted = _tools.evented(*args, **kwargs)(function)

            def chosen() -> F:  # that of the package raises where no span is recorded
                return noted if _tools.get_current_span().is_recording() else function

            async def wrapper_async(*args: Any, **kwargs: Any) -> Any:
                return await chosen()(*args, **kwargs)

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return chosen()(*args, **kwargs)

            return functools.wraps(function)(wrapper_async if inspect.iscoroutinefunction(function) else wrapper)

        return decorate

    def set_current_span_attribute(key: str, value: Any) -> None:
        """Note something on the span that is under way, if there is any."""
        _tools.get_current_span().set_attribute(key, value)

    def inject_span_carrier_if_recording(carrier: dict[str, Any] | None) -> None:
        """Put the span that is under way, if it is recorded, into the header fields of a request."""
        if carrier is not None and _tools.get_current_span().is_recording():
            carrier.update(_tools.inject_span_carrier())
