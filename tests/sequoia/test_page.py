"""docs/sequoia.md: its examples run from top to bottom, against the addresses that they name."""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path

PAGE = "docs/sequoia.md"
specification = importlib.util.spec_from_file_location("pages", Path(__file__).parents[1] / "docs" / "test_pages.py")
assert specification is not None
assert specification.loader is not None
pages = importlib.util.module_from_spec(specification)
specification.loader.exec_module(pages)


def test_the_page_runs_and_prints_what_it_says(sandbox, capsys):
    sandbox.resources.clear()
    for name, title in (("c1", "First"), ("c2", "Second"), ("c3", "Third")):
        sandbox.add("contents", {"ref": f"testmock:{name}", "name": name, "title": title, "owner": "testmock"})
    sandbox.add("assets", *({"name": f"a{n}", "contentRef": "testmock:c1", "owner": "testmock"} for n in range(3)))
    namespace = {"__name__": "__main__"}
    for block in pages.blocks_of(PAGE):
        pages.run(block, namespace, PAGE)
        promised = pages.PRINTS.findall(block.source)
        assert capsys.readouterr().out.splitlines() == promised, f"{PAGE}, the block at line {block.line + 1}"
    namespace.clear()
    gc.collect()


def test_the_page_is_in_order():
    pages.test_every_print_says_what_it_prints(PAGE)
    pages.test_links_lead_to_files(PAGE)
    pages.test_links_within_the_page_lead_to_headings(PAGE)
    pages.test_the_typography_is_plain(PAGE)
