from __future__ import annotations

import asyncio
import json

import pytest

from restwright.testing import Reply, serve
from sequoia.error import HttpError, NotMatchingVersion, ReferencesMismatchException

C1 = {"ref": "o:c1", "owner": "o", "name": "c1"}


def test_read_gives_one_resource(sequoia, drive):
    sequoia.add("contents", {"name": "c1"})
    response = drive(lambda client: client.metadata.contents.read("o", "o:c1"))
    assert response.resources == [{**C1, "version": "v1"}]
    assert response.status == 200
    assert response.data == response.full_json == {"meta": {}, "contents": response.json}
    assert response.model is None
    assert sequoia.data[-1].target == "/metadata/data/contents/o:c1?owner=o"


def test_all_requests_have_the_header_fields_of_the_contract(sequoia, drive):
    sequoia.add("contents", {"name": "c1"})
    drive(lambda client: client.metadata.contents.read("o", "o:c1"), user_agent="mine/1")
    headers = sequoia.data[-1].headers
    assert headers["Content-Type"] == headers["Accept"] == "application/vnd.piksel+json"
    assert headers["User-Agent"].startswith("mine/1 sequoia-client-sdk-python/4.4.0 python/3.")
    assert headers["Authorization"] == "Bearer at-1"


def test_another_content_type_may_be_chosen(sequoia, drive):
    drive(lambda client: client.metadata.contents.store("o", [C1]), content_type="application/json")
    headers = sequoia.data[-1].headers
    assert headers["Content-Type"] == headers["Accept"] == "application/json"


@pytest.mark.parametrize("given", [[C1], json.dumps([C1]), {"contents": [C1]}, json.dumps({"contents": [C1]})])
def test_store_puts_the_resources_under_their_key(sequoia, drive, given):
    response = drive(lambda client: client.metadata.contents.store("o", given))
    assert response.resources == [C1]
    request = sequoia.data[-1]
    assert (request.method, request.target) == ("POST", "/metadata/data/contents/?owner=o")
    assert request.json() == {"contents": [C1]}


def test_the_key_of_a_resource_with_a_dash_is_in_camel_case(sequoia, drive):
    drive(lambda client: client.metadata["content-segments"].store("o", {"name": "s"}))
    assert sequoia.data[-1].path == "/metadata/data/content-segments/"
    assert sequoia.data[-1].json() == {"contentSegments": {"name": "s"}}


@pytest.mark.parametrize("given", [[C1], C1, json.dumps([C1]), {"contents": [C1]}])
def test_update_replaces_a_version(sequoia, drive, given):
    sequoia.add("contents", {"name": "c1"})
    drive(lambda client: client.metadata.contents.update("o", given, "o:c1", "v1"))
    request = sequoia.data[-1]
    assert (request.method, request.target) == ("PUT", "/metadata/data/contents/o:c1?owner=o")
    assert request.headers["If-Match"] == '"v1"'
    assert request.json() == {"contents": [C1]}


def test_update_of_another_version_is_a_conflict(sequoia, drive):
    sequoia.add("contents", {"name": "c1"})
    with pytest.raises(NotMatchingVersion) as caught:
        drive(lambda client: client.metadata.contents.update("o", [C1], "o:c1", "v0"))
    assert isinstance(caught.value.cause, HttpError)
    assert caught.value.cause.status_code == 412


@pytest.mark.parametrize(
    "body",
    [["?"], {}, {"error": "Precondition Failed"}, {"error": "Precondition Failed", "message": "another"}],
)
def test_another_412_is_an_http_error(sequoia, drive, body):
    sequoia.fail("/metadata/data/contents/o:c1", Reply(412, json=body))
    with pytest.raises(HttpError) as caught:
        drive(lambda client: client.metadata.contents.update("o", [C1], "o:c1", "v0"))
    assert caught.value.message == body


@pytest.mark.parametrize("reply", [Reply(412), Reply(412, text="<html>")])
def test_a_412_without_a_document_is_an_http_error_too(sequoia, drive, reply):
    sequoia.fail("/metadata/data/contents/o:c1", reply)
    with pytest.raises(HttpError) as caught:
        drive(lambda client: client.metadata.contents.update("o", [C1], "o:c1", "v0"))
    assert caught.value.message.startswith("412 Precondition Failed: the answer is not JSON")


@pytest.mark.parametrize("given", [[], "[]", "7", [{"ref": "o:c1"}], [{**C1, "ref": "o:c2"}], [{**C1, "name": "x"}]])
def test_update_with_another_document_fails_before_it_is_sent(sequoia, drive, given):
    with pytest.raises(ReferencesMismatchException):
        drive(lambda client: client.metadata.contents.update("o", given, "o:c1", "v1"))
    assert sequoia.data == []


def test_update_needs_a_version(sequoia, drive):
    with pytest.raises(TypeError, match="version"):
        drive(lambda client: client.metadata.contents.update("o", [C1], "o:c1", None))


def test_delete_takes_one_or_many(sequoia, drive):
    sequoia.add("contents", {"name": "c1"}, {"name": "c2"}, {"name": "c3"})
    assert drive(lambda client: client.metadata.contents.delete("o", "o:c1")).resources is None
    drive(lambda client: client.metadata.contents.delete("o", ["o:c2", "o:c3"]))
    assert [request.target for request in sequoia.data] == [
        "/metadata/data/contents/o:c1?owner=o",
        "/metadata/data/contents/o:c2,o:c3?owner=o",
    ]


@pytest.mark.parametrize("ref", ["", " ", None, [], [""], ".."])
def test_no_reference_is_not_all_resources(sequoia, drive, ref):
    with pytest.raises(ValueError, match="ref"):
        drive(lambda client: client.metadata.contents.delete("o", [ref] if ref is None else ref))
    assert sequoia.data == []


def test_a_reference_is_one_segment_of_the_path(sequoia, drive):
    with pytest.raises(HttpError):
        drive(lambda client: client.metadata.contents.read("o", "o:a?b#c/d e"))
    assert sequoia.data[-1].target == "/metadata/data/contents/o:a%3Fb%23c%2Fd%20e?owner=o"


def test_business_endpoints_fill_their_template(sequoia, drive):
    path = "/data/$service/$ref/$missing$params"
    response = drive(lambda client: client.workflow.business(path).store("jobs", "o", {"a": 1}, "o:j1", {"b": "c d"}))
    request = sequoia.seen("/workflow")[-1]
    assert (request.method, request.target) == ("POST", "/workflow/data/jobs/o:j1/$missing?b=c+d")
    assert request.json() == {"a": 1}
    assert response.resources is None
    assert response.json == response.data


def test_business_endpoints_are_browsed_by_names(sequoia, drive):
    drive(lambda client: client.workflow["business"]("/$service/${owner}/$kind").browse("jobs", owner="o", kind="k 1"))
    assert sequoia.seen("/workflow")[-1].target == "/workflow/jobs/o/k%201"


def test_a_document_becomes_objects(sequoia, drive):
    sequoia.add("contents", {"name": "c1", "class": 1, "sub-title": {"de": "x"}})
    (content,) = drive(lambda client: client.metadata.contents.read("o", "o:c1")).to_object()
    assert (content.name, content.class_, content.subTitle.de) == ("c1", 1, "x")


def test_the_objects_of_a_resource_with_a_dash_have_its_name(sequoia, drive):
    odd = {"from": 1, "1st": 2, "_own": 3, "a b": [{"x-y": None}], "": 4}
    sequoia.fail("/metadata/data/content-segments", Reply(json={"meta": {}, "contentSegments": [odd]}))
    (one,) = drive(lambda client: client.metadata["content-segments"].browse("o")).to_object()
    assert (one.from_, one.n1st, one.own, one.n) == (1, 2, 3, 4)
    assert (type(one).__name__, one.a_b[0].xY) == ("contentSegments", None)


def test_a_raw_request_is_signed_for_services_of_the_registry_only(sequoia, drive):
    sequoia.add("contents", {"name": "c1"})
    with serve([Reply(json={"a": 1})]) as other:
        drive(lambda client: client._http.get(other.url + "/x", params={"b": "2", "a": 1, "c": None}))
        assert "Authorization" not in other.requests[-1].headers
        assert other.requests[-1].target == "/x?a=1&b=2"
    read = drive(lambda client: client._http.get(f"{sequoia.location}/data/contents/o:c1", resource_name="contents"))
    assert read.resources[0]["name"] == "c1"


@pytest.mark.parametrize("origin", ["a service", "another"])
def test_a_raw_request_that_is_the_first_has_the_registry_read_before(sequoia, origin):
    sequoia.add("contents", {"name": "c1"})

    async def main(url):
        client = sequoia.async_client()
        try:
            return await asyncio.gather(*(client._http.get(url, {"owner": "o"}) for _ in range(5)))
        finally:
            await client.aclose()

    with serve([Reply(json={})]) as other:
        url = f"{sequoia.location}/data/contents/o:c1" if origin == "a service" else f"{other.url}/x"
        assert [response.status for response in asyncio.run(main(url))] == [200] * 5
        assert len(sequoia.seen("/services")) == 1
        asked = sequoia.data if origin == "a service" else other.requests
        signed = ["Authorization" in request.headers for request in asked]
        assert signed == [origin == "a service"] * 5
        assert len(sequoia.seen("/identity")) == (1 if origin == "a service" else 0)


def test_a_raw_request_fails_if_the_registry_cannot_be_read(sequoia):
    sequoia.fail("/services/testmock", Reply(404))

    async def main():
        client = sequoia.async_client()
        try:
            await client._http.get(f"{sequoia.location}/data/contents/o:c1")
        finally:
            await client.aclose()

    with pytest.raises(HttpError, match="/services/testmock: 404"):
        asyncio.run(main())
    assert sequoia.data == []
