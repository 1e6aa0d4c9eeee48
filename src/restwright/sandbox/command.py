"""What the command line knows of a service."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

__all__ = ["Command", "Rows"]

Rows = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A service that can be run from the command line.

    Attributes:
        port: To listen on, unless another one is given.
        ports: How many it listens on, from this one on.
        add_arguments: Adds those that are its own; `--database`, if it has one.
        start: Starts it by the arguments, for a `with` block; OSError, ValueError or RuntimeError if it cannot.
        rows: What is printed when it runs: names and values.
        document: The same for programs.
        is_played: Whether it is one of ours, that takes orders to misbehave and logs its requests.
    """

    port: int
    add_arguments: Callable[[argparse.ArgumentParser], None]
    start: Callable[[argparse.Namespace], AbstractContextManager[Any]]
    rows: Callable[[Any], Rows]
    document: Callable[[Any], dict[str, Any]]
    ports: int = 1
    is_played: bool = True
