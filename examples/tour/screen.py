"""What you see of the tour: chapters, numbered steps with the lines that run, tables, progress, checks."""

from __future__ import annotations

import inspect
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TextIO, TypeVar

ItemT = TypeVar("ItemT")

WIDTH = 110


class Screen:
    """Says what happens, and remembers whether all of it was right."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.steps = 0
        self.checks = 0
        self.failed = 0

    def say(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)

    def chapter(self, title: str) -> None:
        self.say(f"\n\n{title}\n{'=' * len(title)}")

    def step(self, title: str, *shown: Callable[..., Any]) -> None:
        """Announce a step: its title, and the lines of what it will run."""
        self.steps += 1
        self.say(f"\n{self.steps}. {title}\n")
        self.say("\n\n".join(textwrap.indent(lines_of(one), "     ") for one in shown) + "\n")

    def tell(self, text: str, most: int = 400) -> None:
        """What came of it, in so many characters at most."""
        text = textwrap.shorten(text, most, placeholder=" ...")
        self.say(textwrap.fill(text, WIDTH, initial_indent="   ", subsequent_indent="     "))

    def check(self, claim: str, is_right: bool) -> None:
        """Whether that is as it has to be."""
        self.checks += 1
        self.failed += not is_right
        self.tell(f"[ok] {claim}" if is_right else f"[WRONG] It is not so: {claim}")

    def table(self, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Rows below each other: numbers to the right, text to the left."""
        columns = [adjust(name, values) for name, *values in zip(header, *rows, strict=True)]
        for cells in zip(*columns, strict=True):
            self.say(f"   {'  '.join(cells)}".rstrip())

    def progress(self, items: Iterable[ItemT], total: int) -> Iterator[ItemT]:
        """The items, with a bar that moves on a terminal, and a line now and then elsewhere."""
        begun = time.perf_counter()
        moves = self.out.isatty()
        shown = begun - 1.0 if moves else begun
        for done, item in enumerate(items):
            now = time.perf_counter()
            if now - shown > (0.1 if moves else 5.0):
                shown = now
                self._show(done, total, now - begun, end="" if moves else "\n")
            yield item
        self._show(total, total, time.perf_counter() - begun, end="\n")

    def _show(self, done: int, total: int, seconds: float, *, end: str) -> None:
        rate = done / seconds if seconds else 0.0
        bar = ("#" * (30 * done // total)).ljust(30, ".")
        left = f"{(total - done) / rate:3.0f} s left" if 0 < done < total else f"in {seconds:.1f} s" if done else ""
        line = f"   [{bar}] {done:6,} of {total:,}  {rate:6,.0f}/s  {left}"
        print(f"\r{line:76}" if self.out.isatty() else line, end=end, file=self.out, flush=True)


def lines_of(shown: Callable[..., Any]) -> str:
    """A class as it is written; of a function the lines without its `def`."""
    source = inspect.getsource(shown).rstrip()
    return source if inspect.isclass(shown) else textwrap.dedent(source.partition(":\n")[2])


def adjust(name: str, values: Sequence[Any]) -> list[str]:
    """A column of a table: all cells of the same width."""
    cells = [name, *map(as_text, values)]
    width = max(map(len, cells))
    is_text = any(isinstance(value, str | bool) for value in values)
    return [cell.ljust(width) if is_text else cell.rjust(width) for cell in cells]


def as_text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,.15g}"
        case _:
            return str(value)


def timed(function: Callable[[], ItemT]) -> tuple[ItemT, float]:
    """What it gives, and how many seconds it takes."""
    begun = time.perf_counter()
    result = function()
    return result, time.perf_counter() - begun
