"""docs/sequoia.md: its examples run from top to bottom, against the sandbox at the addresses that they name."""

from __future__ import annotations

from tests.docs import pages

PAGE = "docs/sequoia.md"


def test_the_page_runs_and_prints_what_it_says(documented, capsys):
    with pages.played(PAGE, capsys):
        pass
