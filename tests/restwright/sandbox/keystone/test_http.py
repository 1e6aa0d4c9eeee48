"""Paths, methods, limits: what a Django service does around its resources."""

from __future__ import annotations

import uuid

import pytest
import requests

from restwright.testing import FakeClock

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("path", ["version", "allocations/clusters", "allocations/clusters/1", "batch"])
def test_a_missing_slash_is_a_redirect_whatever_the_verb(nobody, verb, path):
    answer = nobody.send(verb, f"{path}?a=b")
    assert (answer.status_code, answer.headers["Location"], answer.content) == (301, f"/{path}/?a=b", b"")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["nonsense/", "nonsense", "allocations/clusters/1/2/", "allocations/clusters/1.5/", "/"]
)
def test_an_unknown_route_is_404_in_html(nobody, verb, path):
    answer = nobody.send(verb, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"<h1>Not Found</h1>" in answer.content


@pytest.mark.parametrize(
    ("verb", "path", "allowed"),
    [
        ("PUT", "allocations/clusters/", "GET, POST, HEAD, OPTIONS"),
        ("DELETE", "allocations/clusters/", "GET, POST, HEAD, OPTIONS"),
        ("POST", "allocations/clusters/1/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("GET", "batch/", "POST, OPTIONS"),
        ("GET", "authentication/login/", "POST, OPTIONS"),
    ],
)
def test_a_wrong_verb_is_405_and_told_the_right_ones(staff, verb, path, allowed):
    answer = staff.send(verb, path)
    assert (answer.status_code, answer.json()) == (405, {"detail": f'Method "{verb}" not allowed.'})
    assert answer.headers["Allow"] == allowed


def test_a_verb_that_nobody_knows_is_405(staff):
    answer = staff.send("BREW", "allocations/clusters/")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "BREW" not allowed.'})


def test_who_is_unknown_is_not_told_of_verbs(nobody):
    assert nobody.send("PUT", "allocations/clusters/").status_code == 401


@pytest.mark.parametrize("path", ["allocations/clusters/", "allocations/clusters/1/"])
def test_head_is_get_without_the_body(staff, path):
    staff.make("allocations/clusters/", name="c")
    got, head = staff.get(path), staff.send("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.content))
    assert got.headers["Allow"] == head.headers["Allow"]


def test_options_tell_what_is_understood(staff):
    answer = staff.send("OPTIONS", "allocations/clusters/")
    assert answer.status_code == 200
    assert answer.json()["name"] == "Cluster List"
    assert answer.json()["parses"][0] == "application/json"
    assert answer.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_answers_are_compact(staff):
    assert staff.get("users/").text == (
        f'{{"memberships":"{staff.url}/users/memberships/","teams":"{staff.url}/users/teams/",'
        f'"users":"{staff.url}/users/users/"}}'
    )


def test_the_roots_tell_what_is_below(staff, old_keystone, log_in):
    assert list(staff.get("research/").json()) == ["grants", "publications"]
    assert list(log_in(old_keystone).get("users/").json()) == ["researchgroups", "users"]
    assert requests.get(f"{staff.url}/users/", timeout=30).status_code == 401


def test_the_correlation_id_is_kept_if_it_is_a_uuid(staff):
    mine = str(uuid.uuid4())
    made = staff.post("allocations/clusters/", {"name": "c"}, headers={"X-KEYSTONE-CID": mine})
    assert mine not in str(made.headers)
    staff.send("GET", f"allocations/clusters/{made.json()['id']}/", headers={"X-KEYSTONE-CID": mine})
    staff.send("GET", "users/", headers={"X-KEYSTONE-CID": mine.replace("-", "")})
    entries = staff.get("logs/requests/", cid=mine).json()["results"]
    assert [(one["method"], one["response_code"], one["user"]) for one in entries] == [
        ("POST", 201, staff.id),
        ("GET", 200, staff.id),
    ]
    assert [one["action"] for one in staff.get("logs/audit/", cid=mine).json()["results"]] == ["create"]
    last = staff.get("logs/requests/", endpoint="/users/").json()["results"][-1]
    assert last["cid"] != mine
    assert str(uuid.UUID(last["cid"])) == last["cid"]


def test_refusals_are_logged_too_and_the_feed_has_everything(staff, nobody):
    nobody.get("authentication/whoami/")
    staff.post("allocations/clusters/", {})
    staff.make("allocations/clusters/", name="c")
    codes = {(one["endpoint"], one["response_code"]) for one in staff.get("logs/requests/").json()["results"]}
    assert {("/authentication/whoami/", 401), ("/allocations/clusters/", 400), ("/allocations/clusters/", 201)} <= codes
    feed = staff.get("logs/feed/").json()
    messages = [one["message"] for one in feed["results"]]
    assert {"create allocations/clusters/1", "POST /allocations/clusters/ 400"} <= set(messages)
    assert feed["count"] == len(messages)
    page = staff.get("logs/feed/", _limit=1, _offset=feed["count"]).json()
    assert (page["results"], page["count"]) == ([feed["results"][-1]], feed["count"] + 1)  # one more by now


def test_too_many_requests_are_429_and_told_when_to_come_back(services, log_in):
    clock = FakeClock(1e9)
    api = log_in(services(clock=clock, user_rate="3/min", anonymous_rate="5/min"), "nobody")
    account = api.keystone.settings.plain
    assert api.log_in(account.username, account.password).ok
    for _ in range(2):
        assert api.get("users/users/").status_code == 200
        clock.sleep(1)
    assert api.post("allocations/clusters/", {}).status_code == 403  # what is not permitted does not count
    assert api.get("users/users/").status_code == 200
    refused = api.get("users/users/")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "58")
    assert refused.json() == {"detail": "Request was throttled. Expected available in 58 seconds."}
    clock.sleep(57)
    assert api.get("users/users/").json() == {"detail": "Request was throttled. Expected available in 1 second."}
    clock.sleep(1)
    assert api.get("users/users/").status_code == 200
    stranger = log_in(api.keystone, "nobody")
    assert [stranger.get("version/").status_code for _ in range(6)] == [200] * 5 + [429]
    assert stranger.get("users/users/").status_code == 401
    api.keystone.reset()
    assert stranger.get("version/").status_code == 200


@pytest.mark.parametrize(
    "options",
    [
        {"user_rate": "many"},
        {"anonymous_rate": "0/min"},
        {"era": "golden"},
        {"list_style": "long"},
        {"access_lifetime": 0},
        {"session_age": -1},
        {"database": "nonsense"},
        {"database": "mysql://localhost/x"},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(options):
    from restwright.sandbox.keystone import keystone_service

    with pytest.raises(ValueError, match=r"rate is written|has to be|database is"):
        keystone_service(**options)


def test_a_path_that_is_no_text_is_400_in_html(staff):
    answer = staff.get("allocations/clusters/%ff/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
