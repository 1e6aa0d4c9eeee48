from __future__ import annotations

import asyncio
import json

import pytest
from tests.sequoia.asking import CONTENTS, TOKEN, add, asked, new_async_client, new_client

from restwright.testing import Reply, serve
from sequoia.client import ResourceEndpointProxy
from sequoia.error import HttpError, NotMatchingVersion, ReferencesMismatchException

C1 = {"ref": "o:c1", "owner": "o", "name": "c1"}


def version_of(sequoia):
    """Of `o:c1`, which is stored now."""
    with new_client(sequoia) as client:
        return client.metadata.contents.store("o", {"name": "c1"}).resources[0]["version"]


def test_read_gives_one_resource(sequoia, drive):
    add(sequoia, "contents", {"name": "c1"})
    response = drive(lambda client: client.metadata.contents.read("o", "o:c1"))
    (document,) = response.resources
    assert C1.items() < document.items()
    assert document.keys() - C1.keys() == {"version", "createdAt", "updatedAt"}
    assert response.status == 200
    assert response.data == response.full_json == {"meta": {}, "contents": response.json}
    assert response.model is None
    assert asked(sequoia)[-1].target == "/data/contents/o:c1?owner=o"


def test_all_requests_have_the_header_fields_of_the_contract(sequoia, drive):
    add(sequoia, "contents", {"name": "c1"})
    drive(lambda client: client.metadata.contents.read("o", "o:c1"), user_agent="mine/1")
    headers = asked(sequoia)[-1].headers
    assert headers["content-type"] == headers["accept"] == "application/vnd.piksel+json"
    assert headers["user-agent"].startswith("mine/1 sequoia-client-sdk-python/4.4.0 python/3.")
    assert headers["authorization"].startswith("Bearer ")


def test_another_content_type_may_be_chosen(sequoia, drive):
    drive(lambda client: client.metadata.contents.store("o", [C1]), content_type="application/json")
    headers = asked(sequoia)[-1].headers
    assert headers["content-type"] == headers["accept"] == "application/json"


@pytest.mark.parametrize("given", [[C1], json.dumps([C1]), {"contents": [C1]}, json.dumps({"contents": [C1]})])
def test_store_puts_the_resources_under_their_key(sequoia, drive, given):
    response = drive(lambda client: client.metadata.contents.store("o", given))
    assert [C1.items() <= one.items() for one in response.resources] == [True]
    request = asked(sequoia)[-1]
    assert (request.method, request.target) == ("POST", "/data/contents/?owner=o")
    assert request.json() == {"contents": [C1]}


def test_the_key_of_a_resource_with_a_dash_is_in_camel_case(sequoia, drive):
    drive(lambda client: client.metadata["content-segments"].store("o", {"name": "s"}))
    assert asked(sequoia)[-1].target == "/data/content-segments/?owner=o"
    assert asked(sequoia)[-1].json() == {"contentSegments": {"name": "s"}}


@pytest.mark.parametrize("given", [[C1], C1, json.dumps([C1]), {"contents": [C1]}])
def test_update_replaces_a_version(sequoia, drive, given):
    version = version_of(sequoia)
    changed = drive(lambda client: client.metadata.contents.update("o", given, "o:c1", version)).resources[0]
    assert changed["version"] != version
    request = asked(sequoia)[-1]
    assert (request.method, request.target) == ("PUT", "/data/contents/o:c1?owner=o")
    assert request.headers["if-match"] == f'"{version}"'
    assert request.json() == {"contents": [C1]}


def test_update_of_another_version_is_a_conflict(sequoia, drive):
    """Two people change what both have read; the second one is told."""
    version = version_of(sequoia)
    drive(lambda client: client.metadata.contents.update("o", [{**C1, "title": "mine"}], "o:c1", version))
    with pytest.raises(NotMatchingVersion) as caught:
        drive(lambda client: client.metadata.contents.update("o", [{**C1, "title": "yours"}], "o:c1", version))
    assert drive(lambda client: client.metadata.contents.read("o", "o:c1")).resources[0]["title"] == "mine"
    assert isinstance(caught.value.cause, HttpError)
    assert caught.value.cause.status_code == 412


@pytest.mark.parametrize(
    "body",
    [["?"], {}, {"error": "Precondition Failed"}, {"error": "Precondition Failed", "message": "another"}],
)
def test_another_412_is_an_http_error(sequoia, drive, body):
    sequoia.behave(CONTENTS, status=412, body=body)
    with pytest.raises(HttpError) as caught:
        drive(lambda client: client.metadata.contents.update("o", [C1], "o:c1", "v0"))
    assert caught.value.message == body


@pytest.mark.parametrize("content", [{"body": ""}, {"html": True}])
def test_a_412_without_a_document_is_an_http_error_too(sequoia, drive, content):
    sequoia.behave(CONTENTS, status=412, **content)
    with pytest.raises(HttpError) as caught:
        drive(lambda client: client.metadata.contents.update("o", [C1], "o:c1", "v0"))
    assert caught.value.message.startswith("An unexpected error occurred. HTTP Status code: 412. Error message: ")


@pytest.mark.parametrize("given", [[], "[]", "7", [{"ref": "o:c1"}], [{**C1, "ref": "o:c2"}], [{**C1, "name": "x"}]])
def test_update_with_another_document_fails_before_it_is_sent(sequoia, drive, given):
    with pytest.raises(ReferencesMismatchException):
        drive(lambda client: client.metadata.contents.update("o", given, "o:c1", "v1"))
    assert asked(sequoia) == []


@pytest.mark.parametrize(
    ("document", "own"), [({**C1, "ref": "o:c2"}, "o:c2"), ({**C1, "owner": "x"}, "x:c1"), (None, None), ([C1], None)]
)
def test_a_mismatch_names_both_references(document, own):
    told = f"Reference to update o:c1 does not match with the resource reference {own}." if own else "no document"
    with pytest.raises(ReferencesMismatchException, match=told):
        ResourceEndpointProxy.validate_reference_to_update_with_json_reference(document, "o:c1")


def test_a_template_that_is_no_text_is_told(sequoia, drive):
    with pytest.raises(TypeError, match=r"^path_template is a text .* got None$"):
        drive(lambda client: client.metadata.business(None))


def test_update_needs_a_version(sequoia, drive):
    with pytest.raises(TypeError, match="version"):
        drive(lambda client: client.metadata.contents.update("o", [C1], "o:c1", None))


def test_delete_takes_one_or_many(sequoia, drive):
    add(sequoia, "contents", {"name": "c1"}, {"name": "c2"}, {"name": "c3"})
    assert drive(lambda client: client.metadata.contents.delete("o", "o:c1")).resources is None
    drive(lambda client: client.metadata.contents.delete("o", ["o:c2", "o:c3"]))
    assert [request.target for request in asked(sequoia)] == [
        "/data/contents/o:c1?owner=o",
        "/data/contents/o:c2,o:c3?owner=o",
    ]
    assert drive(lambda client: client.metadata.contents.browse("o")).resources == []


@pytest.mark.parametrize("ref", ["", " ", None, [], [""], ".."])
def test_no_reference_is_not_all_resources(sequoia, drive, ref):
    with pytest.raises(ValueError, match="ref"):
        drive(lambda client: client.metadata.contents.delete("o", [ref] if ref is None else ref))
    assert asked(sequoia) == []


def test_a_reference_is_one_segment_of_the_path(sequoia, drive):
    with pytest.raises(HttpError):
        drive(lambda client: client.metadata.contents.read("o", "o:a?b#c/d e"))
    assert asked(sequoia)[-1].target == "/data/contents/o:a%3Fb%23c%2Fd%20e?owner=o"


def test_business_endpoints_fill_their_template(sequoia, drive):
    path = "/business/$service/$ref/$missing$params"
    response = drive(lambda client: client.workflow.business(path).store("jobs", "o", {"a": 1}, "o:j1", {"b": "c d"}))
    told = {"method": "POST", "path": "/business/jobs/o:j1/$missing", "query": {"b": "c d"}, "body": {"a": 1}}
    assert response.data == told
    assert asked(sequoia, "workflow/business")[-1].target == "/business/jobs/o:j1/$missing?b=c+d"
    assert response.resources is None
    assert response.json == response.data


def test_business_endpoints_are_browsed_by_names(sequoia, drive):
    path = "/business/$service/${owner}/$kind"
    drive(lambda client: client.workflow["business"](path).browse("jobs", owner="o", kind="k 1"))
    assert asked(sequoia, "workflow/business")[-1].target == "/business/jobs/o/k%201"


def test_a_document_becomes_objects(sequoia, drive):
    add(sequoia, "contents", {"name": "c1", "class": 1, "sub-title": {"de": "x"}})
    (content,) = drive(lambda client: client.metadata.contents.read("o", "o:c1")).to_object()
    assert (content.name, content.class_, content.subTitle.de) == ("c1", 1, "x")


def test_the_objects_of_a_resource_with_a_dash_have_its_name(sequoia, drive):
    odd = {"from": 1, "1st": 2, "_own": 3, "a b": [{"x-y": None}], "": 4}
    sequoia.behave("metadata/content-segments", body={"meta": {}, "contentSegments": [odd]})
    (one,) = drive(lambda client: client.metadata["content-segments"].browse("o")).to_object()
    assert (one.from_, one.n1st, one.own, one.n) == (1, 2, 3, 4)
    assert (type(one).__name__, one.a_b[0].xY) == ("contentSegments", None)


def test_a_raw_request_is_signed_for_services_of_the_registry_only(sequoia, drive):
    add(sequoia, "contents", {"name": "c1"})
    with serve([Reply(json={"a": 1})]) as other:
        drive(lambda client: client._http.get(other.url + "/x", params={"b": "2", "a": 1, "c": None}))
        assert "Authorization" not in other.requests[-1].headers
        assert other.requests[-1].target == "/x?a=1&b=2"
    url = f"{sequoia.locations['metadata']}/data/contents/o:c1"
    read = drive(lambda client: client._http.get(url, {"owner": "o"}, resource_name="contents"))
    assert read.resources[0]["name"] == "c1"


@pytest.mark.parametrize("origin", ["a service", "another"])
def test_a_raw_request_that_is_the_first_has_the_registry_read_before(sequoia, origin):
    add(sequoia, "contents", {"name": "c1"})

    async def main(url):
        client = new_async_client(sequoia)
        try:
            return await asyncio.gather(*(client._http.get(url, {"owner": "o"}) for _ in range(5)))
        finally:
            await client.aclose()

    with serve([Reply(json={})]) as other:
        url = f"{sequoia.locations['metadata']}/data/contents/o:c1" if origin == "a service" else f"{other.url}/x"
        assert [response.status for response in asyncio.run(main(url))] == [200] * 5
        assert len(asked(sequoia, "registry")) == 1
        requests = asked(sequoia) if origin == "a service" else other.requests
        signed = ["authorization" in {name.lower() for name in request.headers} for request in requests]
        assert signed == [origin == "a service"] * 5
        assert len(asked(sequoia, TOKEN)) == (1 if origin == "a service" else 0)


def test_a_raw_request_fails_if_the_registry_cannot_be_read(sequoia):
    sequoia.behave("registry", status=404)

    async def main():
        client = new_async_client(sequoia)
        try:
            await client._http.get(f"{sequoia.locations['metadata']}/data/contents/o:c1")
        finally:
            await client.aclose()

    with pytest.raises(HttpError, match="/services/testmock: 404"):
        asyncio.run(main())
    assert asked(sequoia) == []
