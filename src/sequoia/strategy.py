"""A back-off strategy: how often, how long and on what a request is repeated.

People give a dict, whose generator function (`backoff.constant`, `backoff.expo`, or one of their own) makes the
delays.  It is read once and never changed.
"""

from __future__ import annotations

import inspect
import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, cast

from restwright.message import EMPTY, UNSET

MAX_TIME_SECONDS: Final = 120
DEFAULT_STRATEGY: Final[Mapping[str, Any]] = {"interval": 0, "max_tries": 10}
RETRY_HTTP_STATUS_CODES: Final = "retry_http_status_codes"
RETRY_WHEN_EMPTY_RESULT: Final = "retry_when_empty_result"
_TAKEN: Final = ("giveup", "on_backoff", "on_giveup")
_LOGGER: Final = logging.getLogger("sequoia.http")


def constant(interval: Any = 1) -> Iterator[float]:
    """The same delay again and again, or those of a list: as `backoff.constant`."""
    yield from cast("Iterable[float]", interval if isinstance(interval, Iterable) else repeat(interval))


def full_jitter(delay: float) -> float:
    """A random part of the delay, so that clients do not come back all at once."""
    return random.uniform(0, delay)  # noqa: S311  # no secret


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a request is repeated.

    Attributes:
        wait_gen: The generator function of the delays, in seconds.
        arguments: What it is called with.
        max_tries: How often a request is sent at most, the first time included; None for as often as time allows.
        max_time: Seconds, from the first attempt on, after which no other is made.
        statuses: Statuses that are worth a repetition, besides 429 and 5xx.
        expected: What `retry_when_empty_result` says; UNSET if it does not.
        jitter: Makes of a delay the one to wait; None for just this delay.
        on_success: Each is called with a dict of details when an answer has come.
        logger: Is told of repetitions.
    """

    wait_gen: Callable[..., Iterator[float | None]] = constant
    arguments: Mapping[str, Any] = EMPTY
    max_tries: int | Callable[[], int] | None = None
    max_time: float | Callable[[], float] = MAX_TIME_SECONDS
    statuses: frozenset[int] = frozenset()
    expected: Any = UNSET
    jitter: Callable[[float], float] | None = full_jitter
    on_success: tuple[Callable[[dict[str, Any]], object], ...] = ()
    logger: logging.Logger = _LOGGER

    @classmethod
    def of(cls, given: Mapping[str, Any] | None, *, max_time: Any = MAX_TIME_SECONDS) -> Strategy:
        """What people give; nothing is the default: no delay, 10 tries.

        Args:
            given: The dict.
            max_time: What counts if it does not say.

        Raises:
            TypeError: A key is not for strategies, or the generator function does not take it.
            ValueError: A number is out of range.
        """
        if given is not None and not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"backoff_strategy is a dict, got {given!r}")
        rest = dict(given or DEFAULT_STRATEGY)
        for name in _TAKEN:
            if name in rest:
                raise TypeError(f"backoff_strategy takes no {name!r}: the client has its own")
        wait_gen = rest.pop("wait_gen", constant)
        longest = rest.pop("max_time", max_time)
        strategy = cls(
            wait_gen,
            max_tries=_tries(rest.pop("max_tries", None)),
            max_time=MAX_TIME_SECONDS if longest is None else _seconds(longest),
            statuses=_statuses(rest.pop(RETRY_HTTP_STATUS_CODES, None)),
            expected=rest.pop(RETRY_WHEN_EMPTY_RESULT, UNSET),
            jitter=rest.pop("jitter", full_jitter),
            on_success=_handlers(rest.pop("on_success", None)),
            logger=_logger(rest.pop("logger", None)),
            arguments=rest,
        )
        _check_call(wait_gen, rest)
        return strategy

    def delays(self) -> Delays:
        """The delays of one request."""
        return Delays(self)


class Delays:
    """The delays of one request, one after the other, whatever they are for."""

    def __init__(self, strategy: Strategy) -> None:
        self._generator: Any = strategy.wait_gen(**strategy.arguments)
        self._jitter = strategy.jitter
        self._is_new = True
        self._is_told = False

    def after(self, outcome: Any) -> float | None:
        """Seconds to wait after an attempt that came out so; None if the generator has no more."""
        try:
            value = self._next(outcome)
        except StopIteration:
            return None
        return max(0.0, value if self._jitter is None else self._jitter(value))

    def _next(self, outcome: Any) -> float:
        if self._is_new:
            self._is_new = False
            first = next(self._generator)
            # Generators of backoff 2 first want to be told of an outcome; those of backoff 1 are told nothing.
            self._is_told = first is None
            if first is not None:
                return float(first)
        return float(self._generator.send(outcome) if self._is_told else next(self._generator))


def _check_call(wait_gen: Any, arguments: Mapping[str, Any]) -> None:
    if not callable(wait_gen):
        raise TypeError(f"wait_gen is a generator function, such as backoff.expo, got {wait_gen!r}")
    try:
        signature = inspect.signature(wait_gen)
    except ValueError:  # of some built-in functions
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        name = getattr(wait_gen, "__name__", repr(wait_gen))
        raise TypeError(f"backoff_strategy: {error}; what it does not know itself goes to {name}{signature}") from error


def _tries(given: Any) -> Any:
    if given is None or callable(given):
        return given
    if not isinstance(given, int) or given < 1:
        raise ValueError(f"max_tries is a whole number of 1 or more, got {given!r}")
    return given


def _seconds(given: Any) -> Any:
    if callable(given):
        return given
    if not isinstance(given, (int, float)) or not given >= 0:
        raise ValueError(f"max_time is a number of seconds, 0 or more, got {given!r}")
    return given


def _statuses(given: object) -> frozenset[int]:
    if given is None:
        return frozenset()
    several: list[Any] = [given]
    if isinstance(given, Iterable) and not isinstance(given, str):
        several = list(given)  # pyright: ignore[reportUnknownArgumentType]  # of whatever is in it
    try:
        return frozenset(map(int, several))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{RETRY_HTTP_STATUS_CODES} are statuses, such as [404, 409], got {given!r}") from error


def _handlers(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    return (given,) if callable(given) else tuple(given)


def _logger(given: Any) -> logging.Logger:
    if given is None:
        return _LOGGER
    return logging.getLogger(given) if isinstance(given, str) else given
