"""Criteria on the real Kinto: what is found is what Python would pick."""

from __future__ import annotations

import asyncio
import datetime

import pytest

from kinto_http import AsyncClient, Client
from kinto_http.filters import filters
from restwright import UnsupportedCriteria, where

RECORDS = {
    "a": {"size": 1, "title": "Buy milk", "tags": ["home", "food"], "version": "2.0", "note": None},
    "b": {"size": 5, "title": "Write docs", "tags": ["work"], "version": 2.0, "note": "x", "due": "2026-01-05"},
    "c": {"size": 9, "title": "10 nails", "tags": [], "version": "10", "note": "", "due": "2026-02-01"},
}
FOUND = [
    (where("size") == 5, "b"),
    (where("size") != 5, "ac"),
    (where("size") < 5, "a"),
    (where("size") <= 5, "ab"),
    (where("size") > 5, "c"),
    (where("size") >= 5, "bc"),
    (where("size").between(1, 5), "ab"),
    (where("size").is_in([1, 9]), "ac"),
    (where("size").not_in([1, 9]), "b"),
    (where("title").is_in(["10 nails"]), "c"),
    (where("title").contains("I"), "abc"),
    (where("title").starts_with("10"), "c"),
    (where("title").ends_with("ilk"), "a"),
    (where("version") == "2.0", "a"),
    (where("version") == 2.0, "b"),
    (where("version").is_in(["10"]), "c"),
    (where("tags").has_all(["home", "food"]), "a"),
    (where("tags").has_any(["work", "food"]), "ab"),
    (where("note").is_null(), "a"),
    (where("note").not_null(), "bc"),
    (where("due").is_missing(), "a"),
    (where("due").is_present(), "bc"),
    (where("due") < datetime.date(2026, 2, 1), "b"),
    ((where("size") >= 5) & (where("title") == "Write docs"), "b"),
    (~(where("size") < 5), "bc"),
]


@pytest.fixture
def settings(kinto, account, bucket):
    settings = {"server_url": kinto.url, "auth": account, "bucket": bucket, "collection": "tasks"}
    with Client(**settings) as client:
        client.create_collection(id="tasks")
        with client.batch() as batch:
            for name, data in RECORDS.items():
                batch.create_record(id=name, data=data)
    return settings


def test_records_are_found_as_the_criteria_say(settings):
    with Client(**settings) as client:
        for criteria, expected in FOUND:
            found = client.get_records(criteria, _sort="id")
            assert "".join(record["id"] for record in found) == expected, criteria


def test_listings_take_them_too(settings):
    asyncio.run(take_them(settings))


async def take_them(settings):
    async with AsyncClient(**settings) as client:
        found = [record["id"] async for record in client.records(where("size") >= 5, where("size") < 9, _sort="id")]
        assert found == ["b"]
        assert [one["id"] for one in await client.get_collections(where("id") == "tasks")] == ["tasks"]
        assert await client.get_groups(where("id") == "none") == []
        assert [one["id"] async for one in client.buckets(where("id") == settings["bucket"])] == [settings["bucket"]]
        entries = await client.get_history(where("action") == "create", where("resource_name") == "record")
        assert sorted(entry["record_id"] for entry in entries) == ["a", "b", "c"]


def test_what_kinto_cannot_say_fails_before_the_request():
    for criteria in [
        where("title").not_contains("x"),
        where("title").contains("a*b"),
        where("title").is_in(["a,b"]),
        (where("size") > 1) & (where("size") > 2),
    ]:
        with pytest.raises(UnsupportedCriteria, match="Kinto"):
            filters(criteria)


def test_mistakes_of_callers_are_named(settings):
    with Client(**settings) as client:
        with pytest.raises(TypeError, match=r"made with where\(\).*got \{'size': 5\}"):
            client.get_records({"size": 5})
        with pytest.raises(ValueError, match="more than one value for the parameter min_size"):
            client.get_records(where("size") >= 5, min_size=1)
