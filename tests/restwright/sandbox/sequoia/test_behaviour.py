"""What the services do wrong when they are told to, and what they were asked."""

from __future__ import annotations

import time

import pytest
import requests


def token_of(sequoia):
    form = {"grant_type": "client_credentials"}
    return requests.post(
        f"{sequoia.locations['identity']}/oauth/token", form, auth=("clientId", "clientSecret"), timeout=5
    )


def test_endpoints_are_named_by_service_and_kind(sequoia):
    names = {
        "registry",
        "identity/oauth/token",
        "identity/oauth/introspect",
        "metadata/descriptor",
        "metadata/business",
    }
    names |= {"metadata/contents", "metadata/content-segments", "workflow/jobs", "validation/reports"}
    assert names <= {*sequoia.endpoints}


def test_a_fault_is_at_one_endpoint_for_some_requests(sequoia, api):
    sequoia.behave("metadata/contents", status=503, retry_after=7, times=2)
    answers = [
        api.get("/data/contents"),
        api.get("/data/contents/o:a"),
        api.get("/data/assets"),
        api.get("/data/contents"),
    ]
    assert [one.status_code for one in answers] == [503, 503, 200, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json() == {"statusCode": 503, "error": "Service Unavailable", "message": "this was demanded"}
    assert sequoia.count("metadata/contents", status=503) == 2


def test_the_registry_and_the_tokens_have_faults_too(sequoia):
    sequoia.behave("registry", status=500, times=1)
    assert [requests.get(sequoia.registry_url, timeout=30).status_code for _ in range(2)] == [500, 200]
    sequoia.behave("identity/oauth/token", status=400, times=1)
    assert [token_of(sequoia).status_code for _ in range(2)] == [400, 200]
    sequoia.behave(html=True, status=502)
    assert token_of(sequoia).headers["Content-Type"].startswith("text/html")
    assert requests.get(f"{sequoia.url}/nonsense", timeout=30).status_code == 502
    sequoia.behave_well()
    assert token_of(sequoia).status_code == 200


def test_answers_may_be_late_lead_elsewhere_or_fail(sequoia, api):
    sequoia.behave("metadata/contents", delay=0.3, times=1)
    begin = time.monotonic()
    assert api.get("/data/contents").status_code == 200
    assert time.monotonic() - begin >= 0.3
    sequoia.behave("metadata/contents", redirect_to=f"{api.url}/data/assets?owner=o", times=1)
    assert "assets" in api.get("/data/contents").json()
    sequoia.behave("metadata/contents", drop=True, times=1)
    with pytest.raises(requests.ConnectionError):
        api.get("/data/contents")


def test_answers_may_be_scripted_one_after_the_other(sequoia, api):
    page = {"meta": {}, "contents": [{"ref": "o:made-up"}]}
    sequoia.behave("metadata/contents", status=404, times=2)
    sequoia.behave("metadata/contents", body=page, headers={"X-Made": "up"}, times=1)
    sequoia.behave("metadata/business", body="no JSON", status=500, times=1)
    answers = [api.get("/data/contents") for _ in range(4)]
    assert [one.status_code for one in answers] == [404, 404, 200, 200]
    assert (answers[2].json(), answers[2].headers["X-Made"], answers[3].json()["contents"]) == (page, "up", [])
    assert api.send("POST", "/business/x", json={}).text == "no JSON"


def test_one_service_may_be_dead_or_all(sequoia, api):
    sequoia.behave("identity", dead=True)
    with pytest.raises(requests.ConnectionError, match="refused"):
        token_of(sequoia)
    assert api.get("/data/contents").status_code == 200
    sequoia.behave(dead=True)
    for url in (sequoia.registry_url, f"{api.url}/data/contents?owner=o"):
        with pytest.raises(requests.ConnectionError, match="refused"):
            requests.get(url, timeout=30)
    sequoia.behave("metadata", dead=False)
    assert api.get("/data/contents").status_code == 200
    sequoia.behave_well()
    assert token_of(sequoia).status_code == 200


def test_pages_may_be_empty_some_times(sequoia, api):
    api.make("contents", {"name": "a"})
    api.make("assets", {"name": "x", "contentRef": "o:a"})
    sequoia.behave("metadata/contents", empty=2)
    sequoia.behave("metadata/contents", empty=1)
    for _ in range(3):
        page = api.get("/data/contents", include="assets").json()
        assert page == {
            "meta": {"page": 1, "perPage": 100, "linked": {"assets": []}},
            "contents": [],
            "linked": {"assets": []},
        }
        assert api.get("/data/contents/o:a").status_code == 200
        assert api.names("assets") == ["x"]
    assert api.names() == ["a"]
    sequoia.behave(empty=1)
    assert (api.names("assets"), api.names(), api.names("assets"), api.names()) == ([], [], ["x"], ["a"])
    sequoia.behave(empty=1)
    sequoia.behave_well()
    assert api.names() == ["a"]
    assert "page" not in api.get("/data/contents", **{"continue": "true"}).json()["meta"]


def test_what_is_stored_may_appear_late(everywhere, api_everywhere):
    api = api_everywhere
    api.make("contents", {"name": "old"})
    everywhere.behave(visible_after=2)
    (made,) = api.make("contents", {"name": "new"})
    everywhere.behave(visible_after=0)
    api.make("contents", {"name": "other"})
    assert api.post("contents", {"name": "new"}).status_code == 409  # writes know no delay
    assert api.get("/data/contents/o:old").status_code == 200  # would not show it
    assert api.names(withName="o*") == ["old", "other"]
    assert api.get("/data/contents/o:new").status_code == 404
    page = api.get("/data/contents", count="true").json()
    assert (len(page["contents"]), page["meta"]["totalCount"]) == (2, 2)
    assert api.names() == ["old", "new", "other"]
    assert api.get("/data/contents/o:new").json()["contents"] == [made]


def test_what_is_related_may_appear_late(everywhere, api_everywhere):
    api = api_everywhere
    api.make("contents", {"name": "c", "categoryRefs": ["o:k"]}, {"name": "d"})
    everywhere.behave(visible_after=1)
    api.make("assets", {"name": "a", "contentRef": "o:c"})
    api.make("categories", {"name": "k"})
    query = {"include": "assets,categories"}
    assert api.get("/data/contents/o:d", **query).json()["linked"] == {"assets": [], "categories": []}
    late, in_time = (api.get("/data/contents", **query).json()["linked"] for _ in range(2))
    assert late == {"assets": [], "categories": []}
    assert [[one["name"] for one in items] for items in in_time.values()] == [["a"], ["k"]]


def test_what_is_late_may_be_changed_and_deleted_and_all_is_shown_in_the_end(sequoia, api):
    sequoia.behave(visible_after=5)
    made = api.make("contents", {"name": "a"}, {"name": "b"}, {"name": "c"})
    assert api.put("o:a", {**made[0], "x": 1}, made[0]["version"]).status_code == 200
    assert api.send("DELETE", "/data/contents/o:b?owner=o").status_code == 204
    assert api.names() == []
    sequoia.behave_well()
    assert api.names() == ["a", "c"]


def test_a_whole_catalogue_may_be_late(sequoia, api):
    """More than SQLite takes as parameters, which is 32,766."""
    sequoia.behave(visible_after=1)
    sequoia._service.catalogue.visibility.stored(range(10_000, 43_000))
    api.make("contents", {"name": "c"})
    assert [api.names(include="assets") for _ in range(2)] == [[], ["c"]]


def test_a_reset_forgets(services, new_api):
    sequoia = services(sample=True)
    api = new_api(sequoia)
    api.make("contents", {"name": "a"})
    sequoia.behave(status=500, visible_after=3)
    sequoia.reset()
    assert api.get("/data/contents").status_code == 401  # the token is forgotten, too
    again = new_api(sequoia)
    assert again.names() == []
    assert "c1" in again.names(owner="testmock")
    assert [one.status for one in sequoia.requests] == [401, 200, 200]


def test_requests_are_noted_as_they_came(sequoia, api):
    headers = {"If-Match": "x", "X-Correlation-ID": "u/a/1"}
    api.send("PUT", "/data/contents/o:a?owner=o", json={"contents": {"name": "a"}}, headers=headers)
    token_of(sequoia)
    api.get("/nowhere")
    put, token, nowhere = sequoia.requests
    assert (put.endpoint, put.method, put.target, put.status) == (
        "metadata/contents",
        "PUT",
        "/data/contents/o:a?owner=o",
        404,
    )
    assert (put.headers["if-match"], put.headers["x-correlation-id"]) == ("x", "u/a/1")
    assert put.json() == {"contents": {"name": "a"}}
    assert (token.endpoint, token.grant_type, token.status) == ("identity/oauth/token", "client_credentials", 200)
    assert (nowhere.endpoint, nowhere.status) == ("", 404)
    assert (sequoia.count(), sequoia.count(method="POST"), sequoia.count("metadata/contents", status=404)) == (3, 1, 1)


@pytest.mark.parametrize(
    ("endpoint", "how", "error", "words"),
    [
        (None, {"emtpy": 1}, TypeError, "there is no misbehaviour 'emtpy', but .*empty, visible_after, dead"),
        (None, {"empty": True}, TypeError, "empty must be of type int, got True"),
        (None, {"empty": -1}, ValueError, "empty must be 0 or more, got -1"),
        (None, {"visible_after": -1}, ValueError, "visible_after must be 0 or more, got -1"),
        (None, {"dead": 1}, TypeError, "dead must be of type bool, got 1"),
        ("metadata", {"status": 500}, ValueError, "endpoint must be one of registry, .*, got 'metadata'"),
        (
            "registry",
            {"empty": 1},
            ValueError,
            "the endpoint of empty must be one of metadata/contents, .*, got 'registry'",
        ),
        ("metadata/contents", {"dead": True}, ValueError, "the endpoint of dead must be one of registry, identity, "),
        ("metadata/contents", {"visible_after": 1}, ValueError, "visible_after is for all endpoints"),
        ("metadata/contents", {}, ValueError, "endpoint and times are for faults"),
        (None, {"empty": 1, "times": 2}, ValueError, "endpoint and times are for faults"),
    ],
)
def test_what_cannot_be_demanded_is_told_and_nothing_is_done(sequoia, api, endpoint, how, error, words):
    api.make("contents", {"name": "a"})
    with pytest.raises(error, match=words):
        sequoia.behave(endpoint, **how)
    assert api.names() == ["a"]


def test_orders_come_by_http_as_well(services, new_api):
    sequoia = services(control=True)
    api = new_api(sequoia)
    orders = sequoia.control_url
    assert requests.post(f"{orders}/behave", json={"endpoint": "metadata/contents", "empty": 1}, timeout=30).ok
    assert requests.post(f"{orders}/behave", json={"endpoint": "workflow", "dead": True}, timeout=30).ok
    answer = requests.post(f"{orders}/behave", json={"empty": "many"}, timeout=30)
    assert (answer.status_code, "empty must be of type int" in answer.text) == (400, True)
    api.make("contents", {"name": "a"})
    assert (api.names(), api.names()) == ([], ["a"])
    assert requests.delete(f"{orders}/behave", timeout=30).status_code == 204
    assert new_api(sequoia, "workflow").names("jobs") == []
    assert len(requests.get(f"{orders}/requests", timeout=30).json()["requests"]) == 4
    assert requests.post(f"{orders}/reset", json={}, timeout=30).status_code == 204
    assert sequoia.count() == 0
