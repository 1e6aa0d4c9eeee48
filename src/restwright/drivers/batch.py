"""The batch driver: plans advance in rounds.

A round collects one request from every live plan, has them all answered, and gives each plan its
answer before the next round starts.  How many requests become one is the service's business: it supplies
`combine`, itself a plan.  So a batch is a plan too, and runs blocking or awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

import requests

from restwright.message import Request
from restwright.plan import Errand, Join, Operation, Wait, Work, advance

T = TypeVar("T")

Outcome: TypeAlias = requests.Response | Exception
# Answers many requests, in order; one that failed alone is answered with its error.
Combine: TypeAlias = Callable[[Sequence[Request]], Generator[Request | Errand, requests.Response, Sequence[Outcome]]]

_Step: TypeAlias = "tuple[Pending[Any], Request | Errand]"
_WAITING: Final = object()


class Pending(Generic[T]):
    """The result of an operation that waits in a batch; read it after the batch was sent."""

    def __init__(self, plan: Operation[T]) -> None:
        self._plan = plan
        self._value: Any = _WAITING
        self.error: Exception | None = None
        """Why it failed; None if it did not, or not yet."""

    @property
    def is_done(self) -> bool:
        """Has it an outcome?"""
        return self._value is not _WAITING or self.error is not None

    def result(self) -> T:
        """What the operation returns.

        Raises:
            RuntimeError: The batch has not been sent yet.
            Exception: The operation failed; this is its error.
        """
        if self.error is not None:
            raise self.error
        if self._value is _WAITING:
            raise RuntimeError("the batch has not been sent yet: read results after its `with` block")
        result: T = self._value
        return result

    def advance(self, outcome: Outcome | None) -> Request | Errand | None:
        """Give the plan an answer, or begin with None; what it asks for next, None at its end."""
        try:
            return advance(self._plan, outcome)
        except StopIteration as stop:
            self._value = stop.value
        except Exception as error:  # noqa: BLE001 - it is the result
            self.error = error
        return None

    def fail(self, error: Exception) -> None:
        """End without an answer."""
        self._plan.close()
        self.error = error

    def __repr__(self) -> str:
        state = "waiting" if not self.is_done else repr(self._value) if self.error is None else f"failed: {self.error}"
        return f"<{type(self).__name__} {state}>"


class Batch:
    """Operations that wait to be sent together."""

    def __init__(self) -> None:
        self.waiting: list[_Step] = []

    def add(self, pending: Pending[T]) -> Pending[T]:
        """Queue an operation; wrong arguments fail here and now."""
        step = pending.advance(None)
        if pending.error is not None:
            raise pending.error
        if step is not None:
            self.waiting.append((pending, step))
        return pending

    def rounds(self, combine: Combine) -> Operation[None]:
        """The plan that sends all that waits, round after round, until every operation has its outcome.

        Raises:
            Exception: `combine` failed as a whole; operations that have no outcome yet have this error too.
        """
        waiting, self.waiting = self.waiting, []
        everyone = [pending for pending, _ in waiting]
        try:
            while waiting:
                waiting = yield from _round(waiting, combine)
        except BaseException as error:
            reason = error if isinstance(error, Exception) else RuntimeError("the batch was cancelled")
            for pending in everyone:
                if not pending.is_done:
                    pending.fail(reason)
            raise


def _round(waiting: Sequence[_Step], combine: Combine) -> Operation[list[_Step]]:
    """One answer for each plan; what they ask for next."""
    pause = max((step.seconds for _, step in waiting if isinstance(step, Wait)), default=0.0)
    if pause > 0:
        yield Wait(pause)
    asking: list[tuple[Pending[Any], Request]] = []
    answered: list[tuple[Pending[Any], Outcome | None]] = []
    for pending, step in waiting:
        if isinstance(step, Request):
            asking.append((pending, step))
        elif isinstance(step, (Work, Join)):
            try:
                yield step
                answered.append((pending, None))
            except Exception as error:  # noqa: BLE001 - it is raised in the plan
                answered.append((pending, error))
        else:
            answered.append((pending, None))
    if asking:
        outcomes = yield from combine([request for _, request in asking])
        if len(outcomes) != len(asking):
            raise ValueError(f"{len(outcomes)} answers to the {len(asking)} requests of a batch")
        answered += zip((pending for pending, _ in asking), outcomes, strict=True)
    steps = [(pending, pending.advance(outcome)) for pending, outcome in answered]
    return [(pending, step) for pending, step in steps if step is not None]
