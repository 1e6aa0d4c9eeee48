"""Resources are read, stored, updated and deleted."""

from __future__ import annotations

import json

import pytest
import requests

VERSION_CONFLICT = {
    "statusCode": 412,
    "error": "Precondition Failed",
    "message": "document cannot be changed - versions do not match",
}


def test_what_is_stored_is_read_with_what_the_service_maintains(api_everywhere):
    api = api_everywhere
    given = {"name": "c1", "title": "First \u00fc\u4e2d", "deep": {"list": [1, 2.5, None, True]}, "version": "mine"}
    answer = api.post("contents", given)
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/vnd.piksel+json")
    (made,) = answer.json()["contents"]
    assert made.items() >= {**given, "version": made["version"], "ref": "o:c1", "owner": "o"}.items()
    assert made["version"] not in {"", "mine"}
    assert made["createdAt"] == made["updatedAt"]
    read = api.get("/data/contents/o:c1")
    assert read.json() == {"meta": {}, "contents": [made]}
    assert read.headers["Content-Type"] == "application/vnd.piksel+json"


def test_several_are_read_in_the_order_asked_for(api):
    api.make("contents", {"name": "a"}, {"name": "b"}, {"name": "c"})
    found = api.get("/data/contents/o:c,o:a/", fields="name").json()
    assert found["contents"] == [{"name": "c"}, {"name": "a"}]
    answer = api.get("/data/contents/o:a,o:x,o:y")
    assert api.refused(404, answer) == "no such resource"
    assert answer.json()["refs"] == ["o:x", "o:y"]


def test_names_are_all_that_urls_can_hold(api):
    names = ["a b", "\u00fc?#%&+", "o:p", "1", "..", "~"]
    api.make("contents", *({"name": name} for name in names))
    for name in names:
        answer = api.get(f"/data/contents/o:{requests.utils.quote(name, safe='')}")
        assert [one["name"] for one in answer.json()["contents"]] == [name]
    assert api.names() == names


def test_an_owner_has_its_own(api):
    api.make("contents", {"name": "a"})
    assert api.names(owner="other") == []
    assert api.get("/data/contents/o:a", owner="other").status_code == 404
    assert api.send("DELETE", "/data/contents/o:a?owner=other").status_code == 404
    assert api.post("contents", {"name": "a"}, owner="other").json()["contents"][0]["ref"] == "other:a"
    assert (api.names(), api.names(owner="other")) == (["a"], ["a"])


def test_dashed_kinds_have_camel_case_keys(api):
    (made,) = api.make("content-segments", {"name": "s"})
    assert api.get("/data/content-segments").json()["contentSegments"] == [made]


def test_every_call_needs_an_owner(api):
    for method, path in [("GET", "/data/contents"), ("GET", "/data/contents/o:a"), ("DELETE", "/data/contents/o:a")]:
        assert api.refused(400, api.send(method, path)) == "owner is missing: whose resources?"
    assert api.refused(400, api.get("/data/contents", owner=" ")) == "owner is empty"


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.piksel+json; charset=utf-8", None])
def test_one_may_be_stored_without_a_list(api, media_type):
    headers = {"Content-Type": media_type}
    body = json.dumps({"contents": {"ref": "o:a"}})
    answer = api.send("POST", "/data/contents?owner=o", data=body, headers=headers)
    assert (answer.status_code, answer.json()["contents"][0]["name"]) == (201, "a")


def test_bodies_of_other_types_are_refused(api):
    answer = api.send("POST", "/data/contents?owner=o", data={"a": "b"})
    assert "application/vnd.piksel+json or application/json" in api.refused(415, answer)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b'"\xff"', "the body is not JSON"),
        (b"[]", 'the body must be {"contents": [...]}'),
        (b'{"content": []}', 'the body must be {"contents": [...]}'),
        (b'{"contents": []}', "with one resource or more"),
        (b'{"contents": [1]}', 'the body must be {"contents": [...]}'),
        (b'{"contents": [{"name": "a", "x": %s}]}' % (b"[" * 300 + b"]" * 300), "nested in more than 200 levels"),
        (b'{"contents": [{"title": "x"}]}', "resource 1: name must be a text, and not empty, got None"),
        (b'{"contents": [{"name": 5}]}', "resource 1: name must be a text, and not empty, got 5"),
        (b'{"contents": [{"name": "a/b"}]}', "resource 1: name must have no , / * | nor"),
        (b'{"contents": [{"name": "a\\u0000"}]}', "nor control characters"),
        (b'{"contents": [{"name": "%s"}]}' % (b"a" * 191), "190 characters at most, got 191"),
        (b'{"contents": [{"name": "a"}, {"name": "b", "owner": "x"}]}', "resource 2: owner must be 'o', got 'x'"),
        (b'{"contents": [{"name": "a", "ref": "o:b"}]}', "resource 1: ref must be 'o:a', got 'o:b'"),
        (b'{"contents": [{"name": "a"}, {"name": "a"}]}', "resource 2: o:a comes twice"),
    ],
)
def test_what_cannot_be_stored_is_told_and_nothing_is(api, body, words):
    headers = {"Content-Type": "application/json"}
    answer = api.send("POST", "/data/contents?owner=o", data=body, headers=headers)
    assert words in api.refused(400, answer)
    assert api.names() == []


def test_an_owner_that_no_reference_could_name_is_refused(api):
    assert "owner must have no :" in api.refused(400, api.post("contents", {"name": "a"}, owner="a:b"))


def test_what_is_there_already_is_a_conflict_and_nothing_is_stored(api_everywhere):
    api = api_everywhere
    api.make("contents", {"name": "b"})
    answer = api.post("contents", {"name": "a"}, {"name": "b"})
    assert api.refused(409, answer) == "there is a resource already: o:b"
    assert answer.json()["error"] == "Conflict"
    assert api.names() == ["b"]


def test_an_update_replaces_the_document(api_everywhere):
    api = api_everywhere
    api.make("contents", {"name": "z"})
    (before,) = api.make("contents", {"name": "a", "title": "old", "gone": 1})
    answer = api.put("o:a", {**before, "title": "new", "gone": None}, f'"{before["version"]}"')
    (after,) = answer.json()["contents"]
    assert answer.status_code == 200
    assert after["title"] == "new"
    assert after["version"] != before["version"]
    assert after["createdAt"] == before["createdAt"] <= after["updatedAt"]
    assert api.get("/data/contents/o:a").json()["contents"] == [after]
    assert (api.names(withTitle="new"), api.names(withTitle="old"), api.names(withGone="*")) == (["a"], [], [])


def test_an_update_is_of_a_version(api):
    (before,) = api.make("contents", {"name": "a"})
    for wrong in ('"x"', "x", f'W/"{before["version"]}"'):
        answer = api.put("o:a", before, wrong)
        assert (answer.status_code, answer.json()) == (412, VERSION_CONFLICT)
    after = api.put("o:a", before, before["version"]).json()["contents"][0]  # without quotes
    assert api.put("o:a", before, f'"{before["version"]}"').status_code == 412
    assert api.put("o:a", after, f'"x", "{after["version"]}"').status_code == 200
    assert api.put("o:a", after, "*").status_code == 200
    assert "If-Match is missing" in api.refused(428, api.put("o:a", after, None))
    assert api.refused(404, api.put("o:b", {"name": "b"}, "*")) == "no such resource"


def test_an_update_is_of_the_same_resource(api):
    api.make("contents", {"name": "a"})
    assert "ref must be 'o:a', got 'o:b'" in api.refused(400, api.put("o:a", {"name": "b"}, "*"))
    body = {"contents": [{"name": "a"}, {"name": "b"}]}
    answer = api.send("PUT", "/data/contents/o:a?owner=o", json=body, headers={"If-Match": "*"})
    assert "the body must have one resource, got 2" in api.refused(400, answer)


def test_one_or_several_are_deleted_or_none(api_everywhere):
    api = api_everywhere
    api.make("contents", *({"name": name, "x": "1"} for name in "abcd"))
    answer = api.send("DELETE", "/data/contents/o:a,o:b?owner=o")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.refused(404, api.send("DELETE", "/data/contents/o:c,o:a?owner=o")) == "no such resource"
    assert api.names() == api.names(withX="1") == ["c", "d"]
    assert api.send("DELETE", "/data/contents/o:c?owner=o").status_code == 204
    assert api.names() == ["d"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/data/nothing?owner=o", 404),
        ("GET", "/data/contentSegments?owner=o", 404),
        ("GET", "/data/contents/o:a/b?owner=o", 404),
        ("PUT", "/data/contents?owner=o", 405),
        ("POST", "/data/contents/o:a?owner=o", 405),
        ("PATCH", "/data/contents/o:a?owner=o", 405),
        ("POST", "/descriptor/raw", 405),
        ("GET", "/data/contents/,?owner=o", 404),
    ],
)
def test_what_nobody_answers_at_is_told_as_all_errors_are(api, method, path, status):
    answer = api.send(method, path)
    message = api.refused(status, answer)
    assert message
    assert ("Allow" in answer.headers) == (status == 405)


def test_what_reads_one_takes_no_filter(api):
    for query, name in [({"withA": "b"}, "withA"), ({"page": "1"}, "page"), ({"sort": "a"}, "sort")]:
        assert api.refused(400, api.get("/data/contents/o:a", **query)) == f"there is no parameter '{name}' here"
    assert "'fields'" in api.refused(400, api.post("contents", {"name": "a"}, fields="a"))


def test_documents_are_pretty_for_those_who_ask(api):
    api.make("contents", {"name": "a"})
    assert '\n  "contents": [\n    {\n' in api.get("/data/contents", _pretty="true", lang="de").text
    assert "\n" not in api.get("/data/contents", _pretty="false").text


def test_business_paths_tell_what_they_were_asked(api):
    answer = api.send("POST", "/business/jobs/o:j1?now=yes", json={"run": True})
    assert answer.json() == {
        "method": "POST",
        "path": "/business/jobs/o:j1",
        "query": {"now": "yes"},
        "body": {"run": True},
    }
    assert api.send("PUT", "/business", data="text").json()["body"] == "text"
    assert api.sequoia.count("metadata/business", status=200) == 2


def test_many_are_loaded_at_once(sequoia, api):
    documents = ({"name": f"c{number}", "owner": "o" if number % 2 else "p"} for number in range(6000))
    assert sequoia.load("metadata", "contents", sorted(documents, key=lambda one: one["owner"])) == 6000
    assert api.get("/data/contents", count="true").json()["meta"]["totalCount"] == 3000
    assert sequoia.load("workflow", "jobs", [{"name": "j"}], owner="o") == 1
    with pytest.raises(ValueError, match="there is a resource already: o:c1"):
        sequoia.load("metadata", "contents", [{"name": "new"}, {"name": "c1"}], owner="o")
    assert api.get("/data/contents/o:new").status_code == 404
    with pytest.raises(ValueError, match="there are no metadata/films, but metadata/contents, "):
        sequoia.load("metadata", "films", [])
