"""Delayed visibility: what is stored appears only after some reads that would have shown it.

So behaves a service whose answers come from an index that is late. Writes know no delay.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

__all__ = ["Visibility"]


class Visibility:
    """Which resources are hidden, and for how many reads.

    Attributes:
        after: So many reads hide what is stored from now on.
    """

    def __init__(self) -> None:
        self.after = 0
        self._left: dict[int, int] = {}
        self._lock = threading.Lock()

    @property
    def hidden(self) -> frozenset[int]:
        """Numbers of the resources that are not shown yet."""
        with self._lock:
            return frozenset(self._left)

    def stored(self, numbers: Iterable[int]) -> None:
        """These are new."""
        with self._lock:
            for number in numbers:
                if self.after:
                    self._left[number] = self.after
                else:
                    self._left.pop(number, None)  # a transaction that was undone had the same number

    def looked_for(self, numbers: Iterable[int]) -> None:
        """These would have been shown, once more."""
        with self._lock:
            for number in numbers:
                left = self._left.pop(number, 0) - 1
                if left > 0:
                    self._left[number] = left

    def show_all(self) -> None:
        """Hide nothing, from now on."""
        with self._lock:
            self.after = 0
            self._left.clear()
