from __future__ import annotations

import pytest
from tests.sequoia.asking import add, asked, new_client

from sequoia.client import DIRECT_MODEL, ResponseBuilder
from sequoia.criteria import Criteria, Inclusion

BOTH = Criteria().add(inclusion=Inclusion.resource("assets")).add(inclusion=Inclusion.resource("categories"))


@pytest.fixture(autouse=True)
def catalogue(sequoia):
    add(sequoia, "contents", {"name": "c1", "categoryRefs": ["o:k1"]}, {"name": "c2", "categoryRefs": ["o:k1", "o:k2"]})
    add(sequoia, "categories", {"name": "k1"}, {"name": "k2"})
    add(sequoia, "assets", {"name": "a1", "contentRef": "o:c1"}, {"name": "a2", "contentRef": "o:c1"})


def names(items):
    return [item["name"] for item in items]


def test_models_have_the_related_resources_in_them(sequoia, collect):
    (page,) = collect(lambda client: client.metadata.contents.browse("o", BOTH), model_resolution=DIRECT_MODEL)
    first, second = page.model
    assert names(first["categories"]) == ["k1"]
    assert names(second["categories"]) == ["k1", "k2"]
    assert (names(first["assets"]), second["assets"]) == (["a1", "a2"], [])
    assert "assets" not in page.resources[0]
    assert [one.target for one in asked(sequoia, "metadata/descriptor")] == ["/descriptor/raw?_pretty=true"]


def test_a_descriptor_is_fetched_once_and_also_if_it_is_not_there(sequoia, caplog):
    sequoia.behave("metadata/descriptor", status=404)
    with new_client(sequoia, model_resolution=DIRECT_MODEL) as client:
        assert client.metadata.contents.browse("o", BOTH).model is None
        assert client.metadata.contents.browse("o", BOTH).model is None
        assert client.metadata.contents.descriptor is None
    assert len(asked(sequoia, "metadata/descriptor")) == 1
    assert "descriptor cannot be had" in caplog.text


def test_without_model_resolution_there_is_no_model(sequoia, collect):
    (page,) = collect(lambda client: client.metadata.contents.browse("o", BOTH))
    assert page.model is None
    assert asked(sequoia, "metadata/descriptor") == []


def test_a_relationship_is_exact():
    descriptor = {"resourcefuls": {"contents": {"relationships": {"categories": {"fieldNamePath": "a.categoryRef"}}}}}
    criteria = Criteria().add(inclusion=Inclusion.resource("categories"))
    document = {
        "contents": [{"a": {"categoryRef": "o:k10"}}, {}, {"a": {"categoryRef": "o:k1"}}],
        "linked": {"categories": [{"ref": "o:k1"}]},
    }
    build = ResponseBuilder(descriptor, criteria).build
    assert [model["categories"] for model in build(document, "contents")] == [[], None, [{"ref": "o:k1"}]]
    assert build({"contents": [{}]}, "contents") == [{}]
    assert build({}, "contents") is build(None, "contents") is None
    assert ResponseBuilder(None, criteria).build(document, "contents")[0]["categories"] is None


@pytest.mark.parametrize("relationship", [{"fieldNamePath": "refs"}, {"filterName": "withRefs"}])
@pytest.mark.parametrize(
    "rest", [5, None, "o:k1", [["o:k1"]], {"refs": 5, "ref": ["x"]}, {"refs": [{}, ["o:k1"], None]}]
)
def test_what_is_no_resource_is_related_to_nothing(relationship, rest):
    descriptor = {"resourcefuls": {"contents": {"relationships": {"categories": relationship}}}}
    build = ResponseBuilder(descriptor, Criteria().add(inclusion=Inclusion.resource("categories"))).build
    good = {"ref": "o:k1", "refs": ["o:k1"]}
    document = {"contents": [rest, good], "linked": {"categories": [rest, good]}}
    first, second = build(document, "contents")
    assert second["categories"] == [good]
    assert first == rest if not isinstance(rest, dict) else not first["categories"]
    assert build({"contents": [good], "linked": {"categories": rest}}, "contents") in (
        [good],
        [{**good, "categories": []}],
    )
