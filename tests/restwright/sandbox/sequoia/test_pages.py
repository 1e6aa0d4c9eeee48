"""Pages by number and by continuing."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest


def load(api, count, **more):
    documents = ({"name": f"c{number}", "n": number % 3, **more} for number in range(count))
    api.sequoia.load("metadata", "contents", documents, owner="o")
    return [f"c{number}" for number in range(count)]


def names_of(page):
    return [one["name"] for one in page["contents"]]


def test_a_page_by_number_tells_its_neighbours(api):
    names = load(api, 5)
    first, second, third = api.pages("/data/contents?perPage=2&owner=o&withName=c*&fields=name,ref")
    assert names_of(first) + names_of(second) + names_of(third) == names
    base = "perPage=2&owner=o&withName=c%2A&fields=name,ref"
    assert second["meta"] == {
        "page": 2,
        "perPage": 2,
        "first": f"/data/contents?page=1&{base}",
        "prev": f"/data/contents?page=1&{base}",
        "next": f"/data/contents?page=3&{base}",
        "last": f"/data/contents?page=3&{base}",
    }
    assert "prev" not in first["meta"]
    assert "next" not in third["meta"]
    assert second["contents"][0] == {"ref": "o:c2", "name": "c2"}


def test_a_page_is_of_a_hundred_unless_another_number_is_given(api):
    names = load(api, 150)
    page = api.follow("/data/contents?owner=o")
    assert (page["meta"]["page"], page["meta"]["perPage"], names_of(page)) == (1, 100, names[:100])
    assert names_of(api.follow("/data/contents/?owner=o&perPage=1000")) == names


def test_a_page_after_the_last_and_one_of_nothing_are_empty(api):
    assert api.follow("/data/contents?owner=o") == {
        "meta": {
            "page": 1,
            "perPage": 100,
            "first": "/data/contents?page=1&perPage=100&owner=o",
            "last": "/data/contents?page=1&perPage=100&owner=o",
        },
        "contents": [],
    }
    load(api, 3)
    page = api.follow("/data/contents?owner=o&page=1000000000000&perPage=2")
    assert (page["contents"], "next" in page["meta"]) == ([], False)
    assert page["meta"]["last"] == "/data/contents?page=2&perPage=2&owner=o"


@pytest.mark.parametrize("mode", ["page=1", "continue=true"])
def test_all_are_counted_on_demand(api, mode):
    load(api, 5)
    page = api.follow(f"/data/contents?owner=o&withN=1&perPage=1&count=true&{mode}")
    assert page["meta"]["totalCount"] == 2
    assert "totalCount" not in api.follow(f"/data/contents?owner=o&{mode}")["meta"]
    assert "count=true" in (page["meta"].get("next") or page["meta"]["continue"])


@pytest.mark.parametrize("sort", ["", "&sort=-n", "&sort=n,-name", "&sort=-gone,n"])
def test_continuing_gives_what_one_page_gives(api_everywhere, sort):
    api = api_everywhere
    load(api, 20)
    api.make("contents", {"name": "x", "n": "text", "gone": "2020-01-01"}, {"name": "y", "gone": 5}, {"name": "z"})
    pages = list(api.pages(f"/data/contents?continue=true&perPage=3&owner=o{sort}"))
    assert [name for page in pages for name in names_of(page)] == api.names(sort=sort.partition("=")[2] or "nothing")
    assert [len(page["contents"]) for page in pages] == [3] * 7 + [2]
    assert [page["meta"].keys() for page in pages] == [{"perPage", "continue"}] * 7 + [{"perPage"}]


def test_the_link_to_continue_repeats_the_query_with_a_token(api):
    load(api, 3)
    meta = api.follow("/data/contents?continue=true&perPage=2&owner=o&withRef=o:*&lang=en")["meta"]
    link = meta["continue"]
    query = parse_qs(urlsplit(link).query)
    (token,) = query.pop("continue")
    assert link.startswith("/data/contents?continue=")
    assert token not in link or token.isalnum()  # it is quoted
    assert query == {"perPage": ["2"], "owner": ["o"], "withRef": ["o:*"], "lang": ["en"]}


def test_what_is_stored_or_deleted_meanwhile_neither_skips_nor_doubles(api_everywhere):
    api = api_everywhere
    names = load(api, 9)
    first = api.follow("/data/contents?continue=true&perPage=3&owner=o")
    by_number = api.follow("/data/contents?perPage=3&owner=o")
    assert api.send("DELETE", "/data/contents/o:c0,o:c2,o:c8?owner=o").status_code == 204
    api.make("contents", {"name": "new"})
    rest = [name for page in api.pages(first["meta"]["continue"]) for name in names_of(page)]
    assert names_of(first) + rest == [*names[:8], "new"]
    assert names_of(api.follow(by_number["meta"]["next"])) != names[3:6]  # which numbers cannot promise


def test_a_new_one_comes_after_the_last_even_if_that_was_deleted(api_everywhere):
    api = api_everywhere
    load(api, 4)
    first = api.follow("/data/contents?continue=true&perPage=2&owner=o")
    api.send("DELETE", "/data/contents/o:c1,o:c2,o:c3?owner=o")
    api.make("contents", {"name": "new"})
    assert names_of(api.follow(first["meta"]["continue"])) == ["new"]


def test_a_token_is_for_one_selection(api):
    load(api, 3)
    api.make("assets", {"name": "a"}, {"name": "b"})
    link = api.follow("/data/contents?continue=true&perPage=1&owner=o&sort=n&withName=c*")["meta"]["continue"]
    page = api.follow(f"{link}&fields=name".replace("perPage=1", "perPage=5"))  # which others may go on by
    assert page["contents"] == [{"name": "c1"}, {"name": "c2"}]
    for wrong in (
        link.replace("owner=o", "owner=p"),
        link.replace("sort=n", "sort=-n"),
        link.replace("c%2A", "%2A"),
        link.replace("contents", "assets"),
        link.replace("continue=", "continue=AAAA"),
        link.replace("continue=", "continue=%C3%A9"),
    ):
        assert wrong != link
        assert "continue must be true, or of the link of the page before" in api.refused(400, api.send("GET", wrong))


def test_fields_may_be_those_of_members(api):
    api.make("contents", {"name": "a", "x": {"y": [{"z": 1, "w": 2}, 3], "v": 4}, "u": None})
    page = api.follow("/data/contents?owner=o&fields=x.y.z,u,nothing,name.x")
    assert page["contents"] == [{"name": "a", "x": {"y": [{"z": 1}, 3]}, "u": None}]
    assert api.follow("/data/contents?owner=o&fields=x,x.v")["contents"][0]["x"]["v"] == 4
