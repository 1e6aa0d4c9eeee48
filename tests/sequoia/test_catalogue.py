"""A large catalogue, in services that are a process of their own, so that memory is counted for the client alone."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import tracemalloc

import pytest
from tests.sequoia.asking import LOGIN

from restwright.sandbox.sequoia import sequoia_service
from sequoia.client import AsyncClient, Client
from sequoia.criteria import Criteria, Inclusion

CONTENTS = 20_000
ASSETS = [42 if number % 40 == 0 else 2 for number in range(CONTENTS)]
"""How many each content has: most have two, and one of forty has three pages of them."""
WITH_ASSETS = Criteria().add(inclusion=Inclusion.resource("assets"))


def contents():
    return ({"name": f"c{number}", "text": "x" * 100} for number in range(CONTENTS))


def assets():
    for number, count in enumerate(ASSETS):
        for part in range(count):
            yield {"name": f"c{number}.{part}", "contentRef": f"o:c{number}", "text": "x" * 100}


@pytest.fixture(scope="module")
def registry_url(tmp_path_factory):
    database = f"sqlite:///{tmp_path_factory.mktemp('catalogue') / 'catalogue.db'}"
    with sequoia_service(database=database, sample=False) as sequoia:
        assert sequoia.load("metadata", "contents", contents(), owner="o") == 20_000
        assert sequoia.load("metadata", "assets", assets(), owner="o") == 60_000
    command = [sys.executable, "-m", "restwright.sandbox", "sequoia", "--port", "0", "--json", "--no-sample"]
    options = ["--database", database, "--linked-per-page", "20"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline())["registry"]
        finally:
            process.terminate()


class Seen:
    """How often each resource came, and the most memory that was in use since the first ones came."""

    def __init__(self):
        self.contents = bytearray(CONTENTS)
        self.assets = [bytearray(count) for count in ASSETS]
        self._begin = None

    def add(self, resources):
        for one in resources:
            number, _, part = one["name"].removeprefix("c").partition(".")
            if part:
                self.assets[int(number)][int(part)] += 1
            else:
                self.contents[int(number)] += 1
        if self._begin is None:
            gc.collect()
            tracemalloc.reset_peak()
            self._begin = tracemalloc.get_traced_memory()[0]

    def peak(self):
        assert self._begin is not None
        return tracemalloc.get_traced_memory()[1] - self._begin


def blocking(registry_url, query, seen):
    with Client(registry_url, **LOGIN) as client:
        browser = client.metadata.contents.browse("o", WITH_ASSETS, query_string=query)
        for page in browser:
            seen.add(page.resources)
        for linked in browser.linked("assets"):
            seen.add(linked)


def awaited(registry_url, query, seen):
    async def main():
        async with AsyncClient(registry_url, **LOGIN) as client:
            browser = client.metadata.contents.browse("o", WITH_ASSETS, query_string=query)
            async for page in browser:
                seen.add(page.resources)
            async for linked in browser.linked("assets"):
                seen.add(linked)

    asyncio.run(main())


@pytest.mark.parametrize("browse", [blocking, awaited])
def test_a_large_catalogue_is_browsed_with_all_that_belongs_to_it_in_constant_memory(registry_url, browse):
    """A page has 100 contents and 300 assets; all of them together are 90 MB."""
    seen = Seen()
    tracemalloc.start()
    try:
        browse(registry_url, "continue=true&perPage=100", seen)
        peak = seen.peak()
    finally:
        tracemalloc.stop()
    assert set(seen.contents) == {1}
    assert {number for counts in seen.assets for number in counts} == {1}
    assert peak < 4_000_000
