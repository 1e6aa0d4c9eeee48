"""Pages as tests see them: their Python blocks, run from top to bottom, print what their comments say."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)


class Block(NamedTuple):
    source: str
    line: int


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def named_in_tables(text: str) -> set[str]:
    """What the first columns of the tables name."""
    return set(re.findall(r"[\w-]+", "\n".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))))


def options_of(service: str) -> set[str]:
    """The options of `python -m restwright.sandbox`, by its help."""
    command = [sys.executable, "-m", "restwright.sandbox", service, "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200).stdout
    return set(re.findall(r"(?<=\s)--[\w-]+", told)) - {"--help"}


def blocks_of(page: str) -> Iterator[Block]:
    text = text_of(page)
    for found in FENCE.finditer(text):
        yield Block(found[1], text.count("\n", 0, found.start(1)))


def run(block: Block, namespace: dict[str, Any], page: str) -> None:
    # The lines before it are there, empty, so that a traceback names the line of the page.
    tree = "\n" * block.line + textwrap.dedent(block.source)
    code = compile(tree, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    coroutine = eval(code, namespace)
    if inspect.iscoroutine(coroutine):
        asyncio.run(coroutine)


@contextmanager
def played(
    page: str, capsys: pytest.CaptureFixture[str], *, blocks: Iterable[Block] | None = None, **names: Any
) -> Iterator[dict[str, Any]]:
    """The names that there are after the blocks were run, all of them unless given, with these names at first."""
    namespace = {"__name__": "__main__", **names}
    for block in blocks_of(page) if blocks is None else blocks:
        run(block, namespace, page)
        promised = PRINTS.findall(block.source)
        assert capsys.readouterr().out.splitlines() == promised, f"{page}, the block at line {block.line + 1}"
    yield namespace
    namespace.clear()
    gc.collect()  # what was left open warns here, in the test that left it
