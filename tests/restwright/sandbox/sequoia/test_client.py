"""The sample in the eyes of the client `sequoia`; how the two get on is tested in tests/sequoia."""

from __future__ import annotations

import pytest

from restwright import where
from restwright.sandbox.sequoia import sequoia_service
from sequoia.client import DIRECT_MODEL, Client
from sequoia.criteria import Criteria, Inclusion, StringExpressionFactory

LOGIN = {"grant_client_id": "clientId", "grant_client_secret": "clientSecret"}


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
    with Client(sample.registry_url, **LOGIN) as client:
        yield client


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
