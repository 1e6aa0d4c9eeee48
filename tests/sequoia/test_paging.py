from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest

from restwright import where
from restwright.criteria import UnsupportedCriteria
from restwright.testing import Reply
from sequoia.criteria import Criteria, Inclusion, StringExpressionFactory
from sequoia.error import HttpError, RequestError

WITH_ASSETS = Criteria().add(inclusion=Inclusion.resource("assets"))


@pytest.fixture
def five(sequoia):
    sequoia.add("contents", *({"name": f"c{number}"} for number in range(5)))
    return sequoia


def names(pages):
    return [[item["name"] for item in page.resources] for page in pages]


PAGES = [["c0", "c1"], ["c2", "c3"], ["c4"]]


@pytest.mark.parametrize("query", ["perPage=2", "?continue=true&perPage=2"])
def test_pages_are_followed_to_the_last(five, collect, query):
    assert names(collect(lambda client: client.metadata.contents.browse("o", query_string=query))) == PAGES
    assert len(five.data) == 3


def test_the_query_is_in_order(five, collect):
    criteria = (
        Criteria()
        .add_criterion(StringExpressionFactory.field("contentRef").equal_to("o:x"))
        .add_inclusion(Inclusion.resource("categories"))
        .add_inclusion(Inclusion.resource("assets").fields("ref", "name"))
    )
    collect(lambda client: client.metadata.contents.browse("o", criteria, fields=["b", "a"], query_string="perPage=2"))
    assert five.data[-1].target == (
        "/metadata/data/contents?perPage=2&assets.fields=name%2Cref&fields=a%2Cb"
        "&include=assets%2Ccategories&owner=o&withContentRef=o%3Ax"
    )


def test_one_field_is_a_name_and_an_owner_in_the_query_counts(five, collect):
    collect(lambda client: client.metadata.contents.browse("o", fields="name", query_string="owner=p"))
    assert five.data[-1].target == "/metadata/data/contents?owner=p&fields=name"


def test_without_a_loop_the_first_page_is_all_that_is_fetched(five):
    with five.client() as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2")
        assert len(five.data) == 1
        assert names([browser]) == PAGES[:1]
        assert browser.next_url == f"{five.location}/data/contents?perPage=2&owner=o&page=2"
        assert browser.params == {"owner": "o"}


def test_an_awaited_browser_behaves_as_its_first_page(five):
    async def main():
        async with five.async_client() as client:
            browser = client.metadata.contents.browse("o", query_string="perPage=2")
            with pytest.raises(AttributeError, match="await"):
                browser.resources  # noqa: B018
            return names([await browser])

    assert asyncio.run(main()) == PAGES[:1]
    assert len(five.data) == 1


def test_nothing_is_fetched_before_it_is_needed_if_so_asked(five):
    with five.client() as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=0)
        assert five.data == []
        assert names([browser]) == PAGES[:1]
        assert names(browser) == PAGES
        assert len(five.data) == 3


def test_several_pages_may_be_fetched_at_once(five):
    with five.client() as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=2)
        assert len(five.data) == 2
        assert names(browser) == PAGES
        assert len(five.data) == 3
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=10)
        assert len(five.data) == 6
        assert names(browser) == names(browser) == PAGES
        assert len(five.data) == 6


def test_several_pages_may_be_awaited_at_once(five):
    async def main():
        async with five.async_client() as client:
            browser = await client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=2)
            assert len(five.data) == 2
            assert names([page async for page in browser]) == PAGES
            assert len(five.data) == 3

    asyncio.run(main())


def test_an_empty_answer_is_a_page_without_resources(sequoia, collect, drive):
    sequoia.fail("/metadata/data/contents", *[Reply(204)] * 3)
    assert [page.resources for page in collect(lambda client: client.metadata.contents.browse("o"))] == [None]
    assert collect(lambda client: client.metadata.contents.browse("o").linked("assets")) == []
    browser = drive(lambda client: client.metadata.contents.browse("o"))
    assert (browser.status, browser.data, browser.linked("assets").resources) == (204, None, None)


def test_a_second_loop_fetches_what_was_not_kept(five):
    with five.client() as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", prefetch_pages=2)
        assert len(five.data) == 2
        assert names(browser) == names(browser) == PAGES
        assert len(five.data) == 4


def test_kept_pages_are_not_fetched_again(five):
    with five.client() as client:
        browser = client.metadata.contents.browse("o", query_string="perPage=2", keep_pages=True)
        assert names(browser) == names(browser) == PAGES
        assert names(zip(browser, browser, strict=True).__next__()) == PAGES[:1] * 2
        assert len(five.data) == 3


def test_a_typo_is_an_attribute_error_with_a_hint(five):
    with five.client() as client:
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
        sequoia.add("contents", {"name": f"c{number}"})
        sequoia.add("assets", *({"name": f"a{number}.{i}", "contentRef": f"o:c{number}"} for i in range(5)))
    lists = collect(lambda c: c.metadata.contents.browse("o", WITH_ASSETS, query_string="perPage=2").linked("assets"))
    found = [item["name"] for each in lists for item in each]
    assert sorted(found) == sorted(f"a{number}.{i}" for number in range(4) for i in range(5))
    assert all(request.query["owner"] == ["o"] for request in sequoia.data)


def test_pages_without_linked_resources_are_passed_by(five, collect):
    assert collect(lambda client: client.metadata.contents.browse("o").linked("assets")) == []


def test_linked_resources_of_the_first_page_need_no_loop(sequoia):
    sequoia.add("contents", {"name": "c"})
    sequoia.add("assets", *({"name": f"a{i}", "contentRef": "o:c"} for i in range(5)))
    with sequoia.client() as client:
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
    sequoia.fail("/metadata/data/contents", Reply(json=first))
    sequoia.fail("/metadata/data/assets", Reply(json={"meta": {"continue": f"{base}A3"}, "assets": [{"name": "a2"}]}))
    sequoia.fail("/metadata/data/assets", Reply(json={"meta": {}, "assets": [{"name": "a3"}]}))
    lists = collect(lambda client: client.metadata.contents.browse("o").linked("assets"))
    assert [item["name"] for each in lists for item in each] == ["a1", "a2", "a3"]
    assert [request.query.get("continue") for request in sequoia.data] == [None, ["A2"], ["A3"]]


def test_a_continue_link_without_a_token_is_followed_once(sequoia, collect):
    fetches = [{"request": "/data/assets?page=1", "continue": "/data/assets?page=2"}]
    first = {"meta": {"linked": {"assets": fetches}}, "contents": [{}], "linked": {"assets": [{"name": "a1"}]}}
    sequoia.fail("/metadata/data/contents", Reply(json=first))
    sequoia.fail("/metadata/data/assets", Reply(json={"meta": {}, "assets": [{"name": "a2"}]}))
    assert len(collect(lambda client: client.metadata.contents.browse("o").linked("assets"))) == 2


def test_a_fault_in_the_middle_is_repeated(five, collect):
    path = "/metadata/data/contents"
    five.fail(path, Reply(503), Reply(json={"meta": {"next": "/data/contents?page=2"}, "contents": []}), Reply(502))
    assert len(collect(lambda client: client.metadata.contents.browse("o"))) == 2
    assert len(five.data) == 4


def test_an_error_in_the_middle_is_raised_by_the_loop_which_may_be_begun_anew(five):
    first = Reply(json={"meta": {"next": "/data/contents?page=2&perPage=2"}, "contents": [{"name": "x"}]})
    five.fail("/metadata/data/contents", first, Reply(404, json={"error": "Not Found"}))
    with five.client() as client:
        browser = client.metadata.contents.browse("o")
        with pytest.raises(HttpError, match="404"):
            list(browser)
        assert names(browser) == [["x"], ["c2", "c3"], ["c4"]]


@pytest.mark.parametrize("link", ["https://evil.example/data/contents", "http://localhost:1/x"])
def test_a_link_to_another_origin_is_refused(sequoia, collect, link):
    sequoia.fail("/metadata/data/contents", Reply(json={"meta": {"next": link}, "contents": [{}]}))
    with pytest.raises(RequestError, match="leads away"):
        collect(lambda client: client.metadata.contents.browse("o"))


@pytest.mark.parametrize("link", ["@evil.example/x", ".evil.example/x", "//evil.example/x"])
def test_a_link_cannot_change_the_host_of_the_location(sequoia, collect, link):
    sequoia.fail("/metadata/data/contents", Reply(json={"meta": {"next": link}, "contents": [{}]}))
    collect(lambda client: client.metadata.contents.browse("o"))
    assert sequoia.server.requests[-1].path == "/metadata/" + link.removeprefix("/")


def test_a_link_that_leads_nowhere_is_told(sequoia, collect):
    sequoia.fail("/metadata/data/contents", Reply(json={"meta": {"next": "http://[bad"}, "contents": []}))
    with pytest.raises(RequestError, match="leads nowhere"):
        collect(lambda client: client.metadata.contents.browse("o"))


def test_links_in_a_circle_end(sequoia, collect):
    pages = [Reply(json={"meta": {"next": f"/data/contents?page={n % 3}"}, "contents": [{}]}) for n in range(20)]
    sequoia.fail("/metadata/data/contents", *pages)
    with pytest.raises(RequestError, match="circle"):
        collect(lambda client: client.metadata.contents.browse("o"))


@pytest.mark.parametrize("answer", [Reply(204), Reply(json={"contents": [{}]})])
def test_an_answer_without_meta_is_the_last_page(sequoia, collect, answer):
    sequoia.fail("/metadata/data/contents", answer)
    assert len(collect(lambda client: client.metadata.contents.browse("o"))) == 1


def test_criteria_of_the_core_are_taken(five, collect):
    pages = collect(lambda client: client.metadata.contents.browse("o", where("name").is_in(["c1", "c3"])))
    assert names(pages) == [["c1", "c3"]]
    assert five.data[-1].query["withName"] == ["c1||c3"]
    both = Criteria().add(criterion=where("name") == "c2", inclusion=Inclusion.resource("assets"))
    assert names(collect(lambda client: client.metadata.contents.browse("o", both))) == [["c2"]]


def test_what_sequoia_cannot_say_fails_before_the_request(five, collect):
    with pytest.raises(UnsupportedCriteria, match="Sequoia has no way to say name contains"):
        collect(lambda client: client.metadata.contents.browse("o", where("name").contains("c")))
    assert five.data == []


@pytest.mark.parametrize("mode", ["blocking", "awaited"])
def test_a_large_catalogue_is_browsed_in_constant_memory(sequoia, mode):
    """20,000 contents, each with three assets: 100 on a page, and two of the assets at once."""

    def page(request):
        number = int(request.query.get("page", ["1"])[0])
        refs = [f"o:c{index}" for index in range(100 * (number - 1), 100 * number)]
        link = {"next": f"/data/contents?page={number + 1}&owner=o&include=assets"} if number < 200 else {}
        contents = [{"ref": ref, "name": ref, "text": "x" * 50} for ref in refs]
        assets = [{"ref": f"{ref}.{n}", "contentRef": ref} for ref in refs for n in range(3)]
        return Reply(json={"meta": {"perPage": 100, **link}, "contents": contents, "linked": {"assets": assets}})

    small = sequoia.app
    sequoia.server._app = lambda request: page(request) if request.path.startswith("/metadata") else small(request)
    seen = {"contents": 0, "assets": 0}
    sizes = []

    def count(response):
        seen["contents"] += len(response.resources)
        seen["assets"] += len(response.data["linked"]["assets"])
        if seen["contents"] % 5000 == 0:
            gc.collect()
            sequoia.server.requests.clear()
            sizes.append(tracemalloc.get_traced_memory()[0])

    async def main():
        async with sequoia.async_client() as client:
            async for response in client.metadata.contents.browse("o", WITH_ASSETS):
                count(response)

    tracemalloc.start()
    try:
        if mode == "blocking":
            with sequoia.client() as client:
                for response in client.metadata.contents.browse("o", WITH_ASSETS):
                    count(response)
        else:
            asyncio.run(main())
    finally:
        tracemalloc.stop()
    assert seen == {"contents": 20_000, "assets": 60_000}
    assert max(sizes) - sizes[0] < 1_000_000
