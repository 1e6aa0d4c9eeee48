"""Our clients against nginx, which the benchmarks measure with; and the stub of our own, which takes its place."""

from __future__ import annotations

import asyncio

import pytest
import requests
from benchmarks.stub import stub

from kinto_http import AsyncClient, Client
from restwright.testing.kinto import kinto_server

PATHS = ["/", "/buckets/default/collections/bench/records/r1", "/buckets/default/collections/bench/records?_limit=100"]
SETTINGS = {"auth": ("user", "pass"), "bucket": "default", "collection": "bench"}


@pytest.mark.parametrize("path", PATHS)
def test_both_stubs_answer_alike(path):
    with stub(pages=3) as nginx, stub(pages=3, own=True) as ours:
        assert nginx.server.startswith("nginx")
        one, other = (requests.get(server.url + path, timeout=10) for server in (nginx, ours))
    assert (one.status_code, one.json()) == (other.status_code, other.json())
    assert one.headers["ETag"] == other.headers["ETag"] if "ETag" in one.headers else "ETag" not in other.headers


def test_all_pages_blocking():
    with stub(pages=3) as nginx, Client(server_url=nginx.url, **SETTINGS) as client:
        assert len({record["id"] for record in client.records(_limit=100)}) == 300
        assert len(client.get_records(_limit=100, pages=float("inf"))) == 300


def test_all_pages_awaited():
    async def main(url):
        async with AsyncClient(server_url=url, **SETTINGS) as client:
            return len({record["id"] async for record in client.records(_limit=100)}), await client.get_record("r1")

    with stub(pages=3) as nginx:
        count, record = asyncio.run(main(nginx.url))
    assert count == 300
    assert record["data"]["id"] == "r1"


@pytest.fixture
def proxied(nginx):
    """The real Kinto behind an nginx that compresses its answers: (url, auth)."""
    compress = "gzip on; gzip_types application/json; gzip_min_length 0; gzip_proxied any;"
    with kinto_server(paginate_by=50) as kinto:
        target = kinto.url.removesuffix("/v1")
        location = f"location / {{ proxy_pass {target}; proxy_set_header Host $http_host; }}"
        with nginx(f"{compress} {location}") as url:
            kinto.create_account("alice", "p4ssw0rd")
            yield f"{url}/v1", ("alice", "p4ssw0rd")


def test_the_real_kinto_behind_a_compressing_proxy(proxied):
    url, auth = proxied
    records = [{"id": f"r{number}", "text": "lorem ipsum " * 50} for number in range(120)]

    async def main():
        async with AsyncClient(server_url=url, auth=auth, collection="c") as client:
            return [record["id"] async for record in client.records()]

    with Client(server_url=url, auth=auth, collection="c") as client:
        with client.batch() as batch:
            for record in records:
                batch.create_record(data=record)
        assert requests.get(f"{url}/", timeout=10).headers["Content-Encoding"] == "gzip"
        assert {record["id"] for record in client.records()} == {record["id"] for record in records}
        assert client.get_record("r7")["data"]["text"] == records[7]["text"]
    assert sorted(asyncio.run(main())) == sorted(record["id"] for record in records)
