"""What the command line knows of a service."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

__all__ = ["Command", "Rows", "add_database_arguments", "pair"]

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


def add_database_arguments(parser: argparse.ArgumentParser, *, database: str, sample: bool) -> None:
    """Those of a service with a database, `database` and `sample`, with what they are unless given."""
    text = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; in memory unless given"
    parser.add_argument("--database", default=database, metavar="URL", help=text)
    parser.add_argument(
        "--sample", action=argparse.BooleanOptionalAction, default=sample, help="fill an empty database"
    )


def pair(text: str, what: str) -> tuple[str, str]:
    """A name and its password, with a colon between them.

    Raises:
        argparse.ArgumentTypeError: The text is none; `what` says what it is to be.
    """
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        raise argparse.ArgumentTypeError(f"{what}, got {text!r}")
    return name, password
