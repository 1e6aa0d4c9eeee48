"""A large catalogue, in services that are a process of their own, so that memory is counted for the client alone."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import tracemalloc
from contextlib import contextmanager

import pytest

from restwright.sandbox.sequoia import sequoia_service
from sequoia.client import AsyncClient, Client
from sequoia.criteria import Criteria, Inclusion

CONTENTS, ASSETS = 20_000, 3
WITH_ASSETS = Criteria().add(inclusion=Inclusion.resource("assets").fields("ref", "contentRef"))
LOGIN = {"grant_client_id": "clientId", "grant_client_secret": "clientSecret"}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """URL of the registry of services with 20,000 contents, of which each has three assets."""
    database = f"sqlite:///{tmp_path_factory.mktemp('catalogue') / 'catalogue.db'}"
    with sequoia_service(database=database, sample=False) as sequoia:
        sequoia.load("metadata", "contents", ({"name": f"c{n}", "text": "x" * 50} for n in range(CONTENTS)), owner="o")
        assets = ({"name": f"c{n}.{i}", "contentRef": f"o:c{n}"} for n in range(CONTENTS) for i in range(ASSETS))
        sequoia.load("metadata", "assets", assets, owner="o")
    command = [sys.executable, "-m", "restwright.sandbox", "sequoia", "--port", "0", "--json", "--no-sample"]
    options = ["--database", database, "--linked-per-page", "2"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline())["registry"]
        finally:
            process.terminate()


class Seen:
    """What came, by one bit each; and how much memory was in use meanwhile, beyond what was at the first look."""

    def __init__(self, per_content):
        self.bits = bytearray(CONTENTS * per_content)
        self.per_content = per_content
        self.twice = 0
        self.peak = 0
        self.lists = 0
        self._begin = None

    def look(self, resources):
        for one in resources:
            number, _, part = one["ref"].removeprefix("o:c").partition(".")
            place = int(number) * self.per_content + int(part or 0)
            self.twice += self.bits[place]
            self.bits[place] = 1
        self.lists += 1
        if self._begin is None:
            gc.collect()
            tracemalloc.reset_peak()
            self._begin = tracemalloc.get_traced_memory()[0]

    def close(self):
        self.peak = tracemalloc.get_traced_memory()[1] - self._begin

    @property
    def is_each_once(self):
        return self.twice == 0 and all(self.bits)


@contextmanager
def traced():
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("mode", ["blocking", "awaited"])
def test_a_large_catalogue_is_browsed_with_what_belongs_to_it_in_constant_memory(catalogue, mode):
    """Two assets of each content come with it, the third by a page of their own: 20,000 links to continue with."""
    contents, assets = Seen(1), Seen(ASSETS)
    query = {"query_string": "continue=true&perPage=500"}

    def blocking():
        with Client(catalogue, **LOGIN) as client:
            for page in client.metadata.contents.browse("o", WITH_ASSETS, **query):
                contents.look(page.resources)
                assets.look(page.data["linked"]["assets"])

    async def awaited():
        async with AsyncClient(catalogue, **LOGIN) as client:
            async for page in client.metadata.contents.browse("o", WITH_ASSETS, **query):
                contents.look(page.resources)
                assets.look(page.data["linked"]["assets"])

    with traced():
        blocking() if mode == "blocking" else asyncio.run(awaited())
        contents.close()
