"""Related resources in an answer, and the links to more of them."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from sqlalchemy import event


@pytest.fixture(params=["sqlite://", "postgresql"])
def library(request, services, new_api):
    """Three contents, with 5, 2 and 0 assets, in 2, 1 and 0 categories; two related ones come at once."""
    api = new_api(services(database=request.param, linked_per_page=2))
    api.make("categories", *({"name": f"k{number}"} for number in range(3)))
    refs = [["o:k2", "o:k0", "o:gone"], "o:k0", ["a/b", ""]]
    api.make("contents", *({"name": f"c{number}", "categoryRefs": one} for number, one in enumerate(refs)))
    for number in range(5):
        api.make("assets", {"name": f"a{number}", "contentRef": "o:c0"})
    api.make("assets", {"name": "both", "contentRef": ["o:c1", "o:c0"]}, {"name": "b", "contentRef": "o:c1"})
    api.make("assets", {"name": "stray", "contentRef": "o:gone"}, {"name": "free"})
    return api


def names(items):
    return [one["name"] for one in items]


def test_direct_and_indirect_ones_come_along_each_once(library):
    page = library.follow("/data/contents?owner=o&include=assets,categories")
    assert names(page["contents"]) == ["c0", "c1", "c2"]
    assert {key: names(items) for key, items in page["linked"].items()} == {
        "assets": ["a0", "a1", "both", "b"],
        "categories": ["k0", "k2"],
    }
    assert page["linked"]["assets"][0] == library.get("/data/assets/o:a0").json()["assets"][0]


def test_each_fetch_is_told_with_its_links(library):
    linked = library.follow("/data/contents?owner=o&include=assets,categories")["meta"]["linked"]
    first, second, third = linked["assets"]
    assert first["request"] == "/data/assets?continue=true&withContentRef=o:c0&owner=o&perPage=2"
    assert first["continue"].startswith("/data/assets?continue=")
    assert first["continue"].endswith("&withContentRef=o:c0&owner=o&perPage=2")
    assert first.keys() == {"request", "continue"}
    assert second == {"request": "/data/assets?continue=true&withContentRef=o:c1&owner=o&perPage=2"}
    assert third.keys() == {"request"}
    assert [fetch["request"] for fetch in linked["categories"]] == [
        "/data/categories?continue=true&withRef=o:k2%7C%7Co:k0%7C%7Co:gone&owner=o&perPage=2",
        "/data/categories?continue=true&withRef=o:k0&owner=o&perPage=2",
    ]
    assert not any("continue" in fetch for fetch in linked["categories"])


def test_links_lead_to_what_they_say(library):
    page = library.follow("/data/contents?owner=o&include=assets&withName=c0")
    (fetch,) = page["meta"]["linked"]["assets"]
    again = library.follow(fetch["request"])
    assert again["assets"] == page["linked"]["assets"]
    assert parse_qs(again["meta"]["continue"]) == parse_qs(fetch["continue"])
    rest = [name for more in library.pages(fetch["continue"]) for name in names(more["assets"])]
    assert rest == ["a2", "a3", "a4", "both"]


def test_a_direct_one_has_more_pages_too(library):
    library.make("offers", {"name": "all", "contentRefs": ["o:c2", "o:c1", "o:c0"]})
    page = library.follow("/data/offers?owner=o&include=contents")
    (fetch,) = page["meta"]["linked"]["contents"]
    assert names(page["linked"]["contents"]) == ["c0", "c1"]
    assert names(library.follow(fetch["continue"])["contents"]) == ["c2"]


def test_the_service_may_follow_some_links_itself(services, new_api):
    api = new_api(services(linked_per_page=2, linked_pages=2))
    api.make("contents", {"name": "c"}, {"name": "d"})
    api.make("assets", *({"name": f"a{number}", "contentRef": "o:c"} for number in range(5)))
    page = api.follow("/data/contents?owner=o&include=assets")
    first, second, other = page["meta"]["linked"]["assets"]
    assert names(page["linked"]["assets"]) == ["a0", "a1", "a2", "a3"]
    assert second["request"] == first["continue"] != second["continue"]
    assert names(api.follow(second["continue"])["assets"]) == ["a4"]
    assert other == {"request": "/data/assets?continue=true&withContentRef=o:d&owner=o&perPage=2"}


def test_related_ones_have_fields_and_names_of_their_own(library):
    library.make("content-segments", {"name": "s", "contentRef": "o:c0", "start": 5})
    query = "include=content-segments,assets&content-segments.fields=start,ref&fields=name&perPage=1"
    page = library.follow(f"/data/contents?owner=o&{query}")
    assert page["contents"] == [{"name": "c0"}]
    assert page["linked"]["contentSegments"] == [{"ref": "o:s", "start": 5}]
    assert page["linked"]["assets"][0]["contentRef"] == "o:c0"
    page = library.follow("/data/contents?owner=o&include=contentSegments&contentSegments.fields=start&perPage=1")
    assert page["linked"]["contentSegments"] == [{"start": 5}]
    assert "include=contentSegments&contentSegments.fields=start" in page["meta"]["next"]


def test_one_that_is_read_brings_them_too(library):
    page = library.follow("/data/contents/o:c1?owner=o&include=categories,assets")
    assert names(page["linked"]["categories"]) == ["k0"]
    assert names(page["linked"]["assets"]) == ["both", "b"]


def test_those_of_another_owner_do_not_come_along(library):
    library.post("assets", {"name": "foreign", "contentRef": "o:c2"}, owner="p")
    assert library.follow("/data/contents/o:c2?owner=o&include=assets")["linked"] == {"assets": []}


def test_what_is_related_is_empty_where_nothing_is_found(library):
    page = library.follow("/data/contents?owner=o&include=assets,categories&withName=none")
    assert page["linked"] == page["meta"]["linked"] == {"assets": [], "categories": []}


def test_a_larger_page_asks_the_database_no_more_often(sequoia, api):
    sequoia.load(
        "metadata", "contents", ({"name": f"c{n}", "categoryRefs": [f"o:k{n % 9}"]} for n in range(900)), owner="o"
    )
    sequoia.load(
        "metadata", "assets", ({"name": f"a{n}", "contentRef": f"o:c{n % 900}"} for n in range(2700)), owner="o"
    )
    sequoia.load("metadata", "categories", ({"name": f"k{n}"} for n in range(9)), owner="o")
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    engine = sequoia._service.catalogue.database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        counts = []
        for size in (1, 900):
            statements.clear()
            page = api.follow(f"/data/contents?owner=o&include=assets,categories&perPage={size}")
            counts.append(len(statements))
            assert len(page["linked"]["assets"]) == 3 * size
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert counts[0] == counts[1] < 12


def test_descriptors_tell_how_resources_are_related(api, new_api):
    descriptor = api.follow("/descriptor/raw?_pretty=true")
    assert (descriptor["title"], descriptor["resourcefuls"]["contentSegments"]["hyphenatedPluralName"]) == (
        "Metadata",
        "content-segments",
    )
    contents = descriptor["resourcefuls"]["contents"]
    assert (
        contents.items()
        >= {
            "singularName": "content",
            "pluralName": "contents",
            "hyphenatedPluralName": "contents",
            "path": "/data",
        }.items()
    )
    assert contents["relationships"] == {
        "categories": {"type": "direct", "resourceType": "categories", "fieldNamePath": "categoryRefs"},
        "assets": {"type": "indirect", "resourceType": "assets", "filterName": "withContentRef"},
        "offers": {"type": "indirect", "resourceType": "offers", "filterName": "withContentRefs"},
        "contentSegments": {"type": "indirect", "resourceType": "contentSegments", "filterName": "withContentRef"},
    }
    for service, kinds in {"workflow": {"profiles", "jobs", "tasks"}, "validation": {"rules", "reports"}}.items():
        assert new_api(api.sequoia, service).follow("/descriptor/raw")["resourcefuls"].keys() == kinds


def test_every_relationship_of_a_descriptor_can_be_included(services, new_api):
    sequoia = services(sample=True)
    for service in ("metadata", "workflow", "validation"):
        api = new_api(sequoia, service)
        for kind in api.follow("/descriptor/raw")["resourcefuls"].values():
            for name in kind["relationships"]:
                page = api.follow(f"/data/{kind['hyphenatedPluralName']}?owner=testmock&include={name}")
                assert page["linked"][name], (service, kind["pluralName"], name)
