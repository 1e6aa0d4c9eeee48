"""docs/keystone.md: its examples run from top to bottom, and it names all that there is."""

from __future__ import annotations

import inspect
import re

import pytest
from tests.docs import pages

import keystone_client
from keystone_client import KeystoneClient
from keystone_client.filters import LOOKUPS
from keystone_client.paths import ROUTES

PAGE = "docs/keystone.md"
TEXT = pages.text_of(PAGE)


@pytest.mark.parametrize("keystone", ["session"], indirect=True)
def test_the_examples_print_what_they_say(keystone, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one writes a file
    with pages.played(PAGE, capsys):
        pass


def test_all_there_is_is_named():
    words = re.findall(r"\w+", TEXT)
    named = {*words, *(word.strip("_") for word in words)}
    settings = set(inspect.signature(KeystoneClient).parameters)
    assert {*settings, *ROUTES, *(lookup for lookup in LOOKUPS if not lookup.startswith("not_"))} - named == set()
    assert {*keystone_client.__all__} - named - {"HTTPClient", "AsyncHTTPClient"} == set()
