"""docs/keystone.md: its examples run from top to bottom, and it names all that there is."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import keystone_client
from keystone_client import KeystoneClient
from keystone_client.filters import LOOKUPS
from keystone_client.paths import ROUTES

PAGE = "docs/keystone.md"
TEXT = (Path(__file__).parents[2] / PAGE).read_text(encoding="utf-8")

specification = importlib.util.spec_from_file_location("pages", Path(__file__).with_name("test_pages.py"))
assert specification is not None
assert specification.loader is not None
pages = importlib.util.module_from_spec(specification)
specification.loader.exec_module(pages)


@pytest.mark.parametrize("keystone", ["session"], indirect=True)
def test_the_examples_print_what_they_say(keystone, capsys):
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in pages.blocks_of(PAGE):
        pages.run(block, namespace, PAGE)
        promised = pages.PRINTS.findall(block.source)
        assert capsys.readouterr().out.splitlines() == promised, f"the block at line {block.line + 1}"
    namespace.clear()
    gc.collect()  # what was left open warns here, in the test that left it


@pytest.mark.parametrize(
    "check",
    [
        pages.test_every_print_says_what_it_prints,
        pages.test_links_lead_to_files,
        pages.test_links_within_the_page_lead_to_headings,
        pages.test_the_typography_is_plain,
    ],
)
def test_the_page_is_as_the_others_are(check):
    check(PAGE)


def test_all_there_is_is_named():
    words = re.findall(r"\w+", TEXT)
    named = {*words, *(word.strip("_") for word in words)}
    settings = set(inspect.signature(KeystoneClient).parameters)
    assert {*settings, *ROUTES, *(lookup for lookup in LOOKUPS if not lookup.startswith("not_"))} - named == set()
    assert {*keystone_client.__all__} - named - {"HTTPClient", "AsyncHTTPClient"} == set()
