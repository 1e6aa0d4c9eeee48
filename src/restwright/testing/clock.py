"""A clock for tests: time passes only when a plan waits."""

from __future__ import annotations


class FakeClock:
    """Call it for the time; `sleep` moves it on and is remembered.

    >>> clock = FakeClock()
    >>> clock.sleep(0.2)
    >>> clock(), clock.slept
    (0.2, [0.2])
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.slept.append(seconds)
        self.now += seconds
