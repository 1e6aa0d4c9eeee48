"""docs/sequoia.md: its examples run from top to bottom, against the addresses that they name."""

from __future__ import annotations

from tests.docs import pages

PAGE = "docs/sequoia.md"


def test_the_page_runs_and_prints_what_it_says(sandbox, capsys):
    sandbox.resources.clear()
    for name, title in (("c1", "First"), ("c2", "Second"), ("c3", "Third")):
        sandbox.add("contents", {"ref": f"testmock:{name}", "name": name, "title": title, "owner": "testmock"})
    sandbox.add("assets", *({"name": f"a{n}", "contentRef": "testmock:c1", "owner": "testmock"} for n in range(3)))
    with pages.played(PAGE, capsys):
        pass
