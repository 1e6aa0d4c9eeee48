"""Every page is run from top to bottom, and prints what its comments say."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/kinto.md", "docs/how-it-works.md"]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)


class Block(NamedTuple):
    source: str
    line: int


def blocks_of(page: str) -> Iterator[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Block(found[1], text.count("\n", 0, found.start(1)))


def run(block: Block, namespace: dict[str, object], page: str) -> None:
    # The lines before it are there, empty, so that a traceback names the line of the page.
    tree = "\n" * block.line + textwrap.dedent(block.source)
    code = compile(tree, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    coroutine = eval(code, namespace)
    if inspect.iscoroutine(coroutine):
        asyncio.run(coroutine)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs_and_prints_what_it_says(page, localhost, capsys):
    localhost.create_account("alice", "p4ssw0rd")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks_of(page):
        run(block, namespace, page)
        promised = PRINTS.findall(block.source)
        assert capsys.readouterr().out.splitlines() == promised, f"{page}, the block at line {block.line + 1}"
    namespace.clear()
    gc.collect()  # what was left open warns here, in the test that left it


@pytest.mark.parametrize("page", PAGES)
def test_every_print_says_what_it_prints(page):
    for block in blocks_of(page):
        assert block.source.count("print(") == len(PRINTS.findall(block.source)), block.source


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (ROOT / page).parent.joinpath(target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_page_lead_to_headings(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.parametrize("page", PAGES)
def test_the_typography_is_plain(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.isascii(), sorted(set(text) - set(map(chr, range(128))))
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == []
