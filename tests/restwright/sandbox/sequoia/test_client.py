"""The client `sequoia` against the sandbox, blocking and awaited."""

from __future__ import annotations

import asyncio

import pytest

from restwright import where
from restwright.sandbox.sequoia import sequoia_service
from sequoia.auth import AuthType
from sequoia.client import DIRECT_MODEL, AsyncClient, Client
from sequoia.criteria import Criteria, Inclusion, StringExpressionFactory
from sequoia.error import AuthorisationError, HttpError, NotMatchingVersion, TokenExpiredError

LOGIN = {"grant_client_id": "clientId", "grant_client_secret": "clientSecret"}
NO_DELAY = {"interval": 0, "max_tries": 5}


@pytest.fixture(scope="module")
def sampled():
    with sequoia_service(linked_per_page=2) as sequoia:
        yield sequoia


@pytest.fixture
def sample(sampled):
    sampled.reset()
    return sampled


@pytest.fixture
def client(sample):
    with Client(sample.registry_url, **LOGIN, backoff_strategy=NO_DELAY) as client:
        yield client


def test_a_resource_lives(client):
    contents = client.metadata.contents
    stored = contents.store("testmock", {"name": "new", "title": "New"})
    assert stored.status == 201
    (document,) = contents.read("testmock", "testmock:new").resources
    assert [document] == stored.resources
    changed = contents.update("testmock", [{**document, "title": "Newer"}], "testmock:new", document["version"])
    assert changed.resources[0]["title"] == "Newer"
    with pytest.raises(NotMatchingVersion):
        contents.update("testmock", [document], "testmock:new", document["version"])
    assert contents.delete("testmock", ["testmock:new", "testmock:c1"]).status == 204
    with pytest.raises(HttpError) as raised:
        contents.read("testmock", "testmock:new")
    assert (raised.value.status_code, raised.value.message["message"]) == (404, "no such resource")


@pytest.mark.parametrize("query", ["perPage=7", "continue=true&perPage=7"])
def test_pages_and_linked_ones_are_whole(sample, client, query):
    browser = client.metadata.contents.browse(
        "testmock", Criteria().add_inclusion(Inclusion.resource("assets").fields("ref")), query_string=query
    )
    contents = [one["ref"] for page in browser for one in page.resources]
    assert len(contents) == len(set(contents)) == 49
    linked = [one["ref"] for assets in browser.linked("assets") for one in assets]
    every = [one["ref"] for page in client.metadata.assets.browse("testmock") for one in page.resources]
    assert sorted(linked) == sorted(every)
    assert len(every) > 2 * 49


def test_what_the_documentation_asks_for_is_there(client):
    contents = client.metadata.contents
    for ref in ("test:c0007", "test:c02"):
        criteria = Criteria().add_criterion(StringExpressionFactory.field("ref").equal_to(ref))
        criteria.add_inclusion(Inclusion.resource("assets")).add_inclusion(Inclusion.resource("categories"))
        browser = contents.browse("test", criteria, retry_when_empty_result=True)
        assert [one["ref"] for one in browser.resources] == [ref]
        assert browser.data["linked"]["assets"]
        assert browser.data["linked"]["categories"]
    criterion = StringExpressionFactory.field("contentRef").equal_to("testmock:sampleContent")
    assert client.metadata.assets.browse("testmock", Criteria().add(criterion=criterion)).resources
    assert client.workflow.profiles.browse("testmock").resources
    assert contents.read("testmock", "testmock:c1").to_object()[0].name == "c1"
    assert client["metadata"]["content-segments"].browse("testmock", where("start") > 0).resources


def test_models_are_built_by_the_descriptor(sample):
    with Client(sample.registry_url, **LOGIN, model_resolution=DIRECT_MODEL) as client:
        criteria = (
            Criteria().add_inclusion(Inclusion.resource("assets")).add_inclusion(Inclusion.resource("categories"))
        )
        film = client.metadata.contents.browse("testmock", criteria).model[0]
    assert [one["contentRef"] for one in film["assets"]] == ["testmock:c1", "testmock:c1"]
    assert [one["ref"] for one in film["categories"]] == film["categoryRefs"]


def test_what_is_late_is_waited_for(sample, client):
    sample.behave(visible_after=2)
    client.metadata.contents.store("testmock", {"name": "late"})
    browser = client.metadata.contents.browse("testmock", where("name") == "late", retry_when_empty_result=True)
    assert [one["name"] for one in browser.resources] == ["late"]
    sample.behave("metadata/contents", empty=3)
    assert client.metadata.contents.browse("testmock", retry_when_empty_result=True).resources
    assert sample.count("metadata/contents", method="GET") == 3 + 4


def test_refused_tokens_are_renewed(sample, client):
    contents = client.metadata.contents
    contents.read("testmock", "testmock:c1")
    refused, given = sample.count(status=401), sample.count("identity/oauth/token")
    sample.revoke_tokens()
    assert contents.read("testmock", "testmock:c1").status == 200
    assert (sample.count(status=401), sample.count("identity/oauth/token")) == (refused + 1, given + 1)


def test_all_ways_to_authenticate(sample):
    token = sample.token()
    with Client(sample.registry_url, auth_type=AuthType.BYO_TOKEN, byo_token=token) as client:
        assert client.metadata.contents.read("testmock", "testmock:c1").status == 200
        sample.revoke_tokens()
        with pytest.raises(HttpError) as raised:
            client.metadata.contents.read("testmock", "testmock:c1")
        assert raised.value.status_code == 401
    with pytest.raises(AuthorisationError, match="unknown client"):
        Client(sample.registry_url, grant_client_id="clientId", grant_client_secret="wrong")
    with (
        Client(sample.registry_url, auth_type=AuthType.NO_AUTH) as client,
        pytest.raises((HttpError, TokenExpiredError)),
    ):
        client.metadata.contents.read("testmock", "testmock:c1")


def test_it_is_the_same_awaited(sample):
    async def main():
        async with AsyncClient(sample.registry_url, **LOGIN) as client:
            contents = client.metadata.contents
            await contents.store("testmock", [{"name": "x"}, {"name": "y"}])
            pages = [
                len(page.resources)
                async for page in contents.browse("testmock", query_string="continue=true&perPage=30")
            ]
            browser = contents.browse("testmock", Criteria().add_inclusion(Inclusion.resource("assets")))
            linked = [one["ref"] async for assets in browser.linked("assets") for one in assets]
            return pages, len(linked) == len(set(linked)) > 98

    assert asyncio.run(main()) == ([30, 21], True)
