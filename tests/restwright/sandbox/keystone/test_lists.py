"""Pages, order, words to search for, and the shapes that lists have had."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests


@pytest.fixture
def clusters(staff):
    """Five of them, c1 to c5."""
    return [staff.make("allocations/clusters/", name=f"c{n}", description=f"Number {6 - n}") for n in range(1, 6)]


def test_a_page_tells_the_total_and_where_the_pages_beside_it_are(staff, clusters):
    first = staff.get("allocations/clusters/", _limit=2).json()
    assert (first["count"], [one["name"] for one in first["results"]]) == (5, ["c1", "c2"])
    assert first["previous"] is None
    assert first["next"] == f"{staff.url}/allocations/clusters/?_limit=2&_offset=2"
    second = staff.get(first["next"]).json()
    assert second["previous"] == f"{staff.url}/allocations/clusters/?_limit=2"
    last = staff.get(second["next"]).json()
    assert ([one["name"] for one in last["results"]], last["next"]) == (["c5"], None)
    assert last["previous"] == f"{staff.url}/allocations/clusters/?_limit=2&_offset=2"


def test_links_keep_the_other_parameters_sorted_and_encoded(staff, clusters):
    link = staff.get("allocations/clusters/", name__startswith="c", _search="Number", _limit=1, x="a&b c").json()[
        "next"
    ]
    assert parse_qsl(urlsplit(link).query) == [
        ("_limit", "1"),
        ("_offset", "1"),
        ("_search", "Number"),
        ("name__startswith", "c"),
        ("x", "a&b c"),
    ]
    assert "x=a%26b+c" in link


def test_links_have_the_host_that_was_asked(keystone, nobody, clusters):
    token = keystone.token(keystone.settings.staff)
    headers = {"Host": "keystone.example", "X-Forwarded-Proto": "https", "Authorization": f"Token {token}"}
    page = nobody.send("GET", "allocations/clusters/?_limit=1", headers=headers).json()
    assert page["next"].startswith("https://keystone.example/allocations/clusters/?")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"_limit": 0}, "c1 c2 c3 c4 c5"),
        ({"_limit": -1}, "c1 c2 c3 c4 c5"),
        ({"_limit": "many"}, "c1 c2 c3 c4 c5"),
        ({"_limit": 5000}, "c1 c2 c3 c4 c5"),
        ({"_limit": 3, "_offset": 1}, "c2 c3 c4"),
        ({"_limit": 3, "_offset": "x"}, "c1 c2 c3"),
        ({"_limit": 3, "_offset": -4}, "c1 c2 c3"),
        ({"_offset": 99}, ""),
        ({"_order": "-name"}, "c5 c4 c3 c2 c1"),
        ({"_order": "description,-name"}, "c5 c4 c3 c2 c1"),
        ({"_order": "enabled,-id"}, "c5 c4 c3 c2 c1"),
        ({"_order": "-enabled"}, "c1 c2 c3 c4 c5"),
        ({"_order": "nonsense,-access_teams,_history,-name"}, "c5 c4 c3 c2 c1"),
        ({"_search": "NUMBER 4"}, "c2 c4"),
        ({"_search": "c4"}, "c4"),
        ({"_search": "c4 Number"}, "c4"),
        ({"_search": "c4 5"}, ""),
        ({"_search": " "}, "c1 c2 c3 c4 c5"),
        ({"_search": "%"}, ""),
        ({"_search": "_"}, ""),
    ],
)
def test_limit_offset_order_and_search(staff, clusters, query, names):
    found = staff.get("allocations/clusters/", **query).json()["results"]
    assert " ".join(one["name"] for one in found) == names


def test_a_page_has_100_records_unless_told_and_1000_at_most(services, log_in):
    staff = log_in(services(sample=True))
    pages = {limit: staff.get("allocations/allocations/", _limit=limit).json() for limit in ("", "1000", "1001")}
    assert {limit: len(page["results"]) for limit, page in pages.items()} == {"": 100, "1000": 1000, "1001": 1000}


def test_words_are_looked_for_along_the_links(staff):
    team = staff.make("users/teams/", name="Glacier Flow")["id"]
    cluster = staff.make("allocations/clusters/", name="Borealis")["id"]
    request = staff.make("allocations/requests/", title="Ice", description="Cold", submitter=staff.id, team=team)["id"]
    allocation = staff.make("allocations/allocations/", requested=1, cluster=cluster, request=request)["id"]
    comment = staff.make("allocations/comments/", content="Well", request=request)["id"]
    for path, words, found in (
        ("allocations/requests/", "glacier admin COLD", [request]),
        ("allocations/allocations/", "ice borealis flow", [allocation]),
        ("allocations/comments/", "alex well ice", [comment]),
        ("allocations/comments/", "alex badly", []),
        ("users/users/", "admin centre", []),
        ("users/users/", "Robin", [2]),
    ):
        assert staff.ids(path, _search=words) == found


@pytest.mark.parametrize(
    "path", ["allocations/reviews/", "allocations/attachments/", "notifications/notifications/", "logs/audit/"]
)
def test_some_lists_cannot_be_searched_as_in_the_real_service(staff, path):
    assert staff.get(path).status_code == 200
    answer = staff.get(path, _search="x")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")


def test_older_services_tell_the_total_in_headers(services, log_in):
    staff = log_in(services(list_style="headers", sample=True))
    answer = staff.get("allocations/requests/", _limit=3, _offset=6)
    assert [one["id"] for one in answer.json()] == [7, 8, 9]
    totals = {name: answer.headers[name] for name in ("X-Limit", "X-Offset", "X-Total-Count")}
    assert totals == {"X-Limit": "3", "X-Offset": "6", "X-Total-Count": "700"}


def test_still_older_services_send_all_records_and_have_another_route_for_memberships(services, log_in):
    staff = log_in(services(list_style="bare", sample=True))
    assert len(staff.get("allocations/requests/", _limit=3).json()) == 700
    assert len(staff.get("users/membership/").json()) > 100
    assert staff.get("users/memberships/").status_code == 404
    assert staff.get("users/").json()["membership"] == f"{staff.url}/users/membership/"
    assert staff.ids("allocations/clusters/", _order="-id")[0] == 8


def test_services_with_tokens_send_all_records_and_ignore_what_they_do_not_know(old_keystone, log_in):
    staff = log_in(old_keystone)
    made = [staff.make("allocations/clusters/", name=name)["id"] for name in ("b", "a", "c")]
    query = {"_limit": 1, "_order": "name", "_search": "a", "_offset": 2, "unknown": "x"}
    assert staff.ids("allocations/clusters/", **query) == made


def test_a_list_without_log_in_is_refused(keystone):
    answer = requests.get(f"{keystone.url}/allocations/clusters/", timeout=30)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Token")
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
