from __future__ import annotations

import asyncio

import pytest
from tests.sequoia.asking import CONTENTS, add, asked, each, names, new_async_client, new_client, query

from restwright import where
from restwright.criteria import UnsupportedCriteria
from restwright.sandbox.sequoia import sequoia_service
from sequoia.criteria import Criteria, Inclusion, StringExpressionFactory
from sequoia.error import HttpError, RequestError

WITH_ASSETS = Criteria().add(inclusion=Inclusion.resource("assets"))


@pytest.fixture
def five(sequoia):
    add(sequoia, "contents", *({"name": f"c{number}"} for number in range(5)))
    return sequoia


PAGES = [["c0", "c1"], ["c2", "c3"], ["c4"]]


@pytest.mark.parametrize("query", ["perPage=2", "?continue=true&perPage=2"])
def test_pages_are_followed_to_the_last(five, collect, query):
    assert names(collect(lambda client: client.metadata.contents.browse("o", query_string=query))) == PAGES
    assert len(asked(five)) == 3


def test_the_query_is_in_order(five, collect):
    criteria = (
        Criteria()
        .add_criterion(StringExpressionFactory.field("contentRef").equal_to("o:x"))
        .add_inclusion(Inclusion.resource("categories"))
        .add_inclusion(Inclusion.resource("assets").fields("ref", "name"))
    )
    collect(lambda client: client.metadata.contents.browse("o", criteria, fields=["b", "a"], query_string="perPage=2"))
    assert asked(five)[-1].target == (
        "/data/contents?perPage=2&assets.fields=name%2Cref&fields=a%2Cb"
        "&include=assets%2Ccategories&owner=o&withContentRef=o%3Ax"
    )


def test_one_field_is_a_name_and_an_owner_in_the_query_counts(five, collect):
    collect(lambda client: client.metadata.contents.browse("o", fields="name", query_string="owner=p"))
    assert asked(five)[-1].target == "/data/contents?owner=p&fields=name"


def test_an_owner_in_the_query_is_not_sent_twice_even_if_it_is_empty(sequoia, drive):
    sequoia.behave(CONTENTS, body={"meta": {}, "contents": []})
    drive(lambda client: client.metadata.contents.browse("o", query_string="owner="))
    assert [request.target for request in asked(sequoia)] == ["/data/contents?owner="]


def test_without_a_loop_the_first_page_is_all_that_is_fetched(five):
    with new_client(five) as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2")
        assert len(asked(five)) == 1
        assert names([browser]) == PAGES[:1]
        assert browser.next_url == f"{five.locations['metadata']}/data/contents?page=2&perPage=2&owner=o"
        assert browser.params == {"owner": "o"}


def test_an_awaited_browser_behaves_as_its_first_page(five):
    async def main():
        async with new_async_client(five) as client:
            browser = client.metadata.contents.browse("o", query_string="perPage=2")
            with pytest.raises(AttributeError, match="await"):
                browser.resources  # noqa: B018
            return names([await browser])

    assert asyncio.run(main()) == PAGES[:1]
    assert len(asked(five)) == 1


def test_nothing_is_fetched_before_it_is_needed_if_so_asked(five):
    with new_client(five) as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=0)
        assert asked(five) == []
        assert names([browser]) == PAGES[:1]
        assert names(browser) == PAGES
        assert len(asked(five)) == 3


def test_several_pages_may_be_fetched_at_once(five):
    with new_client(five) as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=2)
        assert len(asked(five)) == 2
        assert names(browser) == PAGES
        assert len(asked(five)) == 3
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=10)
        assert len(asked(five)) == 6
        assert names(browser) == names(browser) == PAGES
        assert len(asked(five)) == 6


def test_several_pages_may_be_awaited_at_once(five):
    async def main():
        async with new_async_client(five) as client:
            browser = await client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=2)
            assert len(asked(five)) == 2
            assert names([page async for page in browser]) == PAGES
            assert len(asked(five)) == 3

    asyncio.run(main())


def test_an_empty_answer_is_a_page_without_resources(sequoia, collect, drive):
    sequoia.behave(CONTENTS, status=204)
    assert [page.resources for page in collect(lambda client: client.metadata.contents.browse("o"))] == [None]
    assert collect(lambda client: client.metadata.contents.browse("o").linked("assets")) == []
    browser = drive(lambda client: client.metadata.contents.browse("o"))
    assert (browser.status, browser.data, browser.linked("assets").resources) == (204, None, None)


def test_a_second_loop_fetches_what_was_not_kept(five):
    with new_client(five) as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=2)
        assert len(asked(five)) == 2
        assert names(browser) == names(browser) == PAGES
        assert len(asked(five)) == 4


def test_kept_pages_are_not_fetched_again(five):
    with new_client(five) as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", keep_pages=True)
        assert names(browser) == names(browser) == PAGES
        assert names(zip(browser, browser, strict=True).__next__()) == PAGES[:1] * 2
        assert len(asked(five)) == 3


def test_a_typo_is_an_attribute_error_with_a_hint(five):
    with new_client(five) as client:
        browser = client.metadata.contents.browse("o")
        with pytest.raises(AttributeError, match="did you mean 'resources'"):
            browser.resorces  # noqa: B018
        with pytest.raises(AttributeError, match="did you mean 'metadata'"):
            client.metadta  # noqa: B018
        assert not hasattr(client, "metadta")
        with pytest.raises(KeyError):
            client["metadta"]


def test_linked_resources_are_all_there_and_each_once(sequoia, collect):
    for number in range(4):
        add(sequoia, "contents", {"name": f"c{number}"})
        add(sequoia, "assets", *({"name": f"a{number}.{i}", "contentRef": f"o:c{number}"} for i in range(5)))
    lists = collect(lambda c: c.metadata.contents.browse("o", WITH_ASSETS, query_string="perPage=2").linked("assets"))
    found = [item["name"] for item in each(lists)]
    assert sorted(found) == sorted(f"a{number}.{i}" for number in range(4) for i in range(5))
    assert all(query(request)["owner"] == ["o"] for request in asked(sequoia))


def test_pages_without_linked_resources_are_passed_by(five, collect):
    assert collect(lambda client: client.metadata.contents.browse("o").linked("assets")) == []


def test_linked_resources_of_the_first_page_need_no_loop(sequoia):
    add(sequoia, "contents", {"name": "c"})
    add(sequoia, "assets", *({"name": f"a{i}", "contentRef": "o:c"} for i in range(5)))
    with new_client(sequoia) as client:
        linked = client.metadata.contents.browse("o", WITH_ASSETS).linked("assets")
        assert [item["name"] for item in linked.resources] == ["a0", "a1"]
        assert client.metadata.contents.browse("o").linked("assets").resources is None


def test_tokens_that_the_service_has_followed_are_not_followed_again(sequoia, collect):
    """The example of the contract: A1 is a later request, and only A2 leads on."""
    base = "/data/assets?withContentRef=o:c1&owner=o&perPage=2&continue="
    fetches = [
        {"request": f"{base}true", "continue": f"{base}A%2F1"},
        {"request": f"{base}A%2F1", "continue": f"{base}A2"},
    ]
    first = {"meta": {"linked": {"assets": fetches}}, "contents": [{}], "linked": {"assets": [{"name": "a1"}]}}
    sequoia.behave(CONTENTS, body=first)
    sequoia.behave("metadata/assets", body={"meta": {"continue": f"{base}A3"}, "assets": [{"name": "a2"}]}, times=1)
    sequoia.behave("metadata/assets", body={"meta": {}, "assets": [{"name": "a3"}]})
    lists = collect(lambda client: client.metadata.contents.browse("o").linked("assets"))
    assert [item["name"] for item in each(lists)] == ["a1", "a2", "a3"]
    assert [request.target for request in asked(sequoia)] == ["/data/contents?owner=o", f"{base}A2", f"{base}A3"]


@pytest.mark.parametrize(
    ("more", "owner"),
    [("withType=a&withType=b||c", "&owner=o"), ("owner=p&withType=a%2Fb+c", ""), ("owner=", "")],
)
def test_the_query_of_a_link_is_taken_as_it_is_and_gets_an_owner_if_it_has_none(sequoia, collect, more, owner):
    fetches = [{"request": "/data/assets?continue=true", "continue": f"/data/assets?continue=A1&{more}"}]
    first = {"meta": {"linked": {"assets": fetches}}, "contents": [{}], "linked": {"assets": [{"name": "a1"}]}}
    sequoia.behave(CONTENTS, body=first)
    sequoia.behave("metadata/assets", body={"meta": {}, "assets": [{"name": "a2"}]})
    collect(lambda client: client.metadata.contents.browse("o").linked("assets"))
    assert asked(sequoia)[-1].target == f"/data/assets?continue=A1&{more.replace('||', '%7C%7C')}{owner}"


@pytest.mark.parametrize("given", [{"prefetch_pages": None}, {"prefetch_pages": "2"}, {"query_string": {"page": 1}}])
def test_an_argument_of_another_type_is_told_by_its_name(five, drive, given):
    with pytest.raises(TypeError, match=f"^{next(iter(given))} is a "):
        drive(lambda client: client.metadata.contents.browse("o", **given))
    assert asked(five) == []


def test_a_continue_link_without_a_token_is_followed_once(sequoia, collect):
    fetches = [{"request": "/data/assets?page=1", "continue": "/data/assets?page=2"}]
    first = {"meta": {"linked": {"assets": fetches}}, "contents": [{}], "linked": {"assets": [{"name": "a1"}]}}
    sequoia.behave(CONTENTS, body=first)
    sequoia.behave("metadata/assets", body={"meta": {}, "assets": [{"name": "a2"}]})
    assert len(collect(lambda client: client.metadata.contents.browse("o").linked("assets"))) == 2


FAULTS = [
    {"status": 503},
    {"status": 429},
    {"drop": True},
    {"reset": True},
    {"html": True, "status": 502},
    {"block": True},
]


@pytest.mark.parametrize("query", ["perPage=2", "continue=true&perPage=2"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault)))
def test_a_fault_in_the_middle_of_paging_is_repeated(five, collect, no_delay, fault, query):
    seen = []

    def look(page):
        seen.append(page)
        if len(seen) == 1:
            five.behave(CONTENTS, times=2, **fault)

    settings = {"backoff_strategy": no_delay, "request_timeout": 0.5 if "block" in fault else 30}
    found = collect(lambda client: client.metadata.contents.browse("o", query_string=query), look, **settings)
    assert names(found) == PAGES
    assert len(asked(five)) == 5


def test_what_is_stored_and_deleted_meanwhile_does_not_disturb_those_who_continue(sequoia, collect):
    add(sequoia, "contents", *({"name": f"c{number}"} for number in range(10)))
    seen = []

    def look(page):
        seen.extend(one["name"] for one in page.resources)
        if len(seen) == 4:
            with new_client(sequoia) as other:
                other.metadata.contents.delete("o", ["o:c1", "o:c3", "o:c8"])  # two of them seen, and one not yet
            add(sequoia, "contents", {"name": "b"}, {"name": "new"})

    collect(lambda client: client.metadata.contents.browse("o", query_string="continue=true&perPage=2"), look)
    assert seen == [*(f"c{number}" for number in range(8)), "c9", "b", "new"]


def test_the_last_page_may_be_deleted_while_it_is_continued(five, collect):
    def look(page):
        if names([page]) == PAGES[1:2]:
            with new_client(five) as other:
                other.metadata.contents.delete("o", "o:c4")

    pages = collect(lambda client: client.metadata.contents.browse("o", query_string="continue=true&perPage=2"), look)
    assert names(pages) == [["c0", "c1"], ["c2", "c3"], []]


def test_linked_resources_that_are_stored_meanwhile_are_seen_by_those_who_continue(sequoia, collect):
    add(sequoia, "contents", {"name": "c"})
    add(sequoia, "assets", *({"name": f"a{number}", "contentRef": "o:c"} for number in range(5)))
    seen = []

    def look(assets):
        seen.extend(one["name"] for one in assets)
        if len(seen) == 2:
            with new_client(sequoia) as other:
                other.metadata.assets.delete("o", ["o:a0", "o:a3"])
            add(sequoia, "assets", {"name": "a5", "contentRef": "o:c"})

    collect(lambda client: client.metadata.contents.browse("o", WITH_ASSETS).linked("assets"), look)
    assert seen == ["a0", "a1", "a2", "a4", "a5"]


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}], ids=str)
def test_a_fault_in_the_middle_of_linked_paging_is_repeated(sequoia, collect, no_delay, fault):
    add(sequoia, "contents", {"name": "c"}, {"name": "d"})
    add(sequoia, "assets", *({"name": f"{n}{of}", "contentRef": f"o:{of}"} for n in range(5) for of in "cd"))
    sequoia.behave("metadata/assets", times=2, **fault)
    lists = collect(
        lambda client: client.metadata.contents.browse("o", WITH_ASSETS).linked("assets"), backoff_strategy=no_delay
    )
    assert sorted(item["name"] for item in each(lists)) == sorted(f"{n}{of}" for n in range(5) for of in "cd")
    assert sequoia.count("metadata/assets") == 2 + 4


def test_what_the_service_has_followed_itself_is_not_fetched_again(drive, mode):
    with sequoia_service(sample=False, linked_per_page=2, linked_pages=2) as following:
        add(following, "contents", {"name": "c"}, {"name": "d"})
        add(following, "assets", *({"name": f"{n}{of}", "contentRef": f"o:{of}"} for n in range(7) for of in "cd"))
        found = []

        def blocking(client):
            for assets in client.metadata.contents.browse("o", WITH_ASSETS).linked("assets"):
                found.extend(item["name"] for item in assets)

        async def awaited(client):
            async for assets in client.metadata.contents.browse("o", WITH_ASSETS).linked("assets"):
                found.extend(item["name"] for item in assets)

        drive(blocking if mode == "blocking" else awaited, at=following)
        assert sorted(found) == sorted(f"{n}{of}" for n in range(7) for of in "cd")
        assert following.count("metadata/assets") == 4  # four of seven come with each content


def test_an_error_in_the_middle_is_raised_by_the_loop_which_may_be_begun_anew(five):
    with new_client(five) as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2")
        five.behave(CONTENTS, status=404, times=1)
        with pytest.raises(HttpError, match="404"):
            list(browser)
        assert names(browser) == PAGES


@pytest.mark.parametrize("link", ["https://evil.example/data/contents", "http://localhost:1/x"])
def test_a_link_to_another_origin_is_refused(sequoia, collect, link):
    sequoia.behave(CONTENTS, body={"meta": {"next": link}, "contents": [{}]})
    with pytest.raises(RequestError, match="leads away"):
        collect(lambda client: client.metadata.contents.browse("o"))


@pytest.mark.parametrize("link", ["@evil.example/x", ".evil.example/x", "//evil.example/x"])
def test_a_link_cannot_change_the_host_of_the_location(sequoia, collect, link):
    sequoia.behave(CONTENTS, body={"meta": {"next": link}, "contents": [{}]})
    with pytest.raises(HttpError, match="404"):
        collect(lambda client: client.metadata.contents.browse("o"))
    assert sequoia.requests[-1].target == "/" + link.removeprefix("/")


def test_a_link_that_leads_nowhere_is_told(sequoia, collect):
    sequoia.behave(CONTENTS, body={"meta": {"next": "http://[bad"}, "contents": []})
    with pytest.raises(RequestError, match="leads nowhere"):
        collect(lambda client: client.metadata.contents.browse("o"))


def test_links_in_a_circle_end(sequoia, collect):
    for number in range(20):
        link = f"/data/contents?page={number % 3}"
        sequoia.behave(CONTENTS, body={"meta": {"next": link}, "contents": [{}]}, times=1)
    with pytest.raises(RequestError, match="circle"):
        collect(lambda client: client.metadata.contents.browse("o"))


@pytest.mark.parametrize("answer", [{"status": 204}, {"body": {"contents": [{}]}}])
def test_an_answer_without_meta_is_the_last_page(sequoia, collect, answer):
    sequoia.behave(CONTENTS, **answer)
    assert len(collect(lambda client: client.metadata.contents.browse("o"))) == 1


def test_criteria_of_the_core_are_taken(five, collect):
    pages = collect(lambda client: client.metadata.contents.browse("o", where("name").is_in(["c1", "c3"])))
    assert names(pages) == [["c1", "c3"]]
    assert query(asked(five)[-1])["withName"] == ["c1||c3"]
    both = Criteria().add(criterion=where("name") == "c2", inclusion=Inclusion.resource("assets"))
    assert names(collect(lambda client: client.metadata.contents.browse("o", both))) == [["c2"]]


def test_what_sequoia_cannot_say_fails_before_the_request(five, collect):
    with pytest.raises(UnsupportedCriteria, match="Sequoia has no way to say name contains"):
        collect(lambda client: client.metadata.contents.browse("o", where("name").contains("c")))
    assert asked(five) == []
