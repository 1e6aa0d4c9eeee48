"""The pages of the core and of Kinto run and print what they say; all pages are in order."""

from __future__ import annotations

import re

import pytest
from tests.docs.pages import PRINTS, ROOT, blocks_of, played, text_of

GENERATED = ROOT / "docs" / "benchmarks.md"
WRITTEN = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md") if path != GENERATED)]


@pytest.mark.parametrize("page", ["README.md", "docs/kinto.md", "docs/how-it-works.md"])
def test_the_page_runs_and_prints_what_it_says(page, localhost, capsys):
    localhost.create_account("alice", "p4ssw0rd")
    with played(page, capsys):
        pass


@pytest.mark.parametrize("page", WRITTEN)
def test_every_print_says_what_it_prints(page):
    for block in blocks_of(page):
        assert block.source.count("print(") == len(PRINTS.findall(block.source)), block.source


@pytest.mark.parametrize("page", WRITTEN)
def test_links_lead_to_files(page):
    text = text_of(page)
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (ROOT / page).parent.joinpath(target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", WRITTEN)
def test_links_within_the_page_lead_to_headings(page):
    text = text_of(page)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.parametrize("page", WRITTEN)
def test_the_typography_is_plain(page):
    text = text_of(page)
    assert text.isascii(), sorted(set(text) - set(map(chr, range(128))))
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == []
