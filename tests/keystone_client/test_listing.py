"""Lists: all records, whatever way the service has of handing them out."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
import requests

from restwright.errors import DecodeError, ServerError, UnusableAnswer
from restwright.sandbox.keystone import keystone_service
from restwright.testing import Reply, serve

STAFF = ("admin", "admin-secret")


def pages_app(records, size=None):
    """A service of pages that are as large as is asked for."""

    def app(request):
        limit, offset = size or int(request.query["_limit"][0]), int(request.query.get("_offset", ["0"])[0])
        url = f"http://{request.headers['Host']}{request.path}?_limit={limit}&_offset={offset + limit}"
        following = url if offset + limit < len(records) else None
        return Reply(json={"count": len(records), "next": following, "results": records[offset : offset + limit]})

    return app


def test_5000_clusters_are_listed_in_five_requests(connect):
    records = [{"id": number, "name": f"c{number}"} for number in range(5000)]
    with serve(pages_app(records)) as server:
        assert connect(server.url).retrieve_cluster() == records
        assert len(server.requests) == 5


def test_5000_clusters_of_a_real_service_are_listed(connect, era, tmp_path):
    file = tmp_path / "keystone.db"
    with keystone_service(era=era, sample=False, database=f"sqlite:///{file}") as service:
        with contextlib.closing(sqlite3.connect(file)) as database:
            mode = ", access_mode" if era == "session" else ""
            insert = f"INSERT INTO allocations_cluster (name, enabled{mode}) VALUES (?, 1{', ?' if mode else ''})"
            rows = [(f"c{number}", "OP") if mode else (f"c{number}",) for number in range(5000)]
            database.executemany(insert, rows)
            database.commit()
        caller = connect(service.url)
        caller.login(*STAFF)
        found = caller.retrieve_cluster()
        assert [each["id"] for each in found] == [*range(1, 5001)]
        assert [each["name"] for each in found] == [f"c{number}" for number in range(5000)]


@pytest.mark.parametrize("style", ["envelope", "headers", "bare"])
def test_all_records_whatever_the_paging(connect, monkeypatch, style):
    monkeypatch.setattr("keystone_client.listing.PAGE_SIZE", 2)
    with keystone_service(sample=False, list_style=style) as service:
        caller = connect(service.url)
        caller.login(*STAFF)
        for number in range(5):
            caller.create_team(name=f"t{number}")
            caller.create_membership(team=number + 1, user=2, role="MB")
        assert [team["name"] for team in caller.retrieve_team()] == [f"t{number}" for number in range(5)]
        assert [team["id"] for team in caller.iterate_team(filters={"id__gte": 3})] == [3, 4, 5]
        assert [team["id"] for team in caller.retrieve_team(filters={"_limit": 3})] == [1, 2, 3]
        assert [team["id"] for team in caller.retrieve_team(filters={"_offset": 3})] == [4, 5]
        # Memberships were found at another route before 0.7.4.
        assert len(caller.retrieve_membership(filters={"user": 2})) == 5
        assert caller.retrieve_membership(pk=1)["id"] == 1


def test_a_lazy_iterator_asks_page_by_page(loop):
    from keystone_client import KeystoneClient

    with serve(pages_app([{"id": number} for number in range(30)], size=10)) as server, KeystoneClient(server.url) as c:
        records = iter(c.iterate_cluster())
        assert [next(records)["id"] for _ in range(10)] == [*range(10)]
        assert len(server.requests) == 1
        assert len(list(records)) == 20
        assert [len(page.items) for page in c.iterate_cluster().pages()] == [10, 10, 10]


def test_records_that_move_between_pages_come_once(connect):
    def app(request):
        if "_offset" in request.query:
            return Reply(json={"next": None, "results": [{"id": 2}, {"id": 3}]})
        url = f"http://{request.headers['Host']}{request.path}?_offset=2"
        return Reply(json={"next": url, "results": [{"id": 1}, {"id": 2}]})

    with serve(app) as server:
        assert [each["id"] for each in connect(server.url).retrieve_cluster()] == [1, 2, 3]


def test_lists_are_asked_for_in_a_settled_order(connect):
    with serve(lambda request: Reply(json=[])) as server:
        caller = connect(server.url)
        for order in (None, "-name", ["name", "-id"], "id"):
            caller.retrieve_cluster(order=order)
        assert [seen.query["_order"][0] for seen in server.requests] == ["id", "-name,id", "name,-id", "id"]
        assert {seen.query["_limit"][0] for seen in server.requests} == {"1000"}


@pytest.mark.eras("session")
def test_searching_and_sorting(client):
    for name in ("b", "a", "ab"):
        client.create_cluster(name=name)
    assert [each["name"] for each in client.retrieve_cluster(search="a", order="-name")] == ["ab", "a"]
    assert [each["name"] for each in client.iterate_cluster(order="name")] == ["a", "ab", "b"]


@pytest.mark.eras("jwt")
def test_an_old_service_neither_searches_nor_sorts(client):
    for arguments in ({"search": "a"}, {"order": "name"}, {"filters": {"name__not_eq": "x"}}):
        with pytest.raises(ValueError, match=r"this service, one before 0\.4, would ignore '\w+'") as raised:
            client.retrieve_cluster(**arguments)
        assert isinstance(raised.value, ValueError)


def test_a_page_at_another_origin_is_refused(connect):
    with serve(lambda request: Reply(json=[{"id": 9}])) as other:
        page = {"count": 2, "next": f"{other.url}/allocations/clusters/?_offset=1", "results": [{"id": 1}]}
        with serve(lambda request: Reply(json=page)) as server:
            caller = connect(server.url)
            with pytest.raises(UnusableAnswer, match="the next page is at another origin") as raised:
                caller.retrieve_cluster()
            assert other.url in str(raised.value)
            assert isinstance(raised.value, requests.RequestException)
        assert other.requests == []


def test_pages_that_lead_in_a_circle_end(connect):
    def app(request):
        url = f"http://{request.headers['Host']}{request.path}?_offset=1"
        return Reply(json={"next": url, "results": [{"id": 1}]})

    with serve(app) as server, pytest.raises(DecodeError, match="lead in a circle"):
        connect(server.url).retrieve_cluster()


@pytest.mark.parametrize("body", [{"results": 3}, {"detail": "x"}, ["a"], 7])
def test_what_is_no_list_is_refused(connect, body):
    with serve(lambda request: Reply(json=body)) as server, pytest.raises(DecodeError, match="expected a list"):
        connect(server.url).retrieve_cluster()


def test_a_failure_in_the_middle_is_told(connect):
    def app(request):
        if "_offset" in request.query:
            return Reply(500)
        url = f"http://{request.headers['Host']}{request.path}?_offset=1"
        return Reply(json={"next": url, "results": [{"id": 1}]})

    with serve(app) as server, pytest.raises(ServerError):
        connect(server.url).retrieve_cluster()


@pytest.mark.parametrize("name", ["_limit", "_offset"])
def test_a_number_of_records_is_a_number(connect, name):
    with pytest.raises(ValueError, match=f"{name} must be a number of records, got '-1'"):
        connect("http://127.0.0.1:9").retrieve_cluster(filters={name: -1})


def test_records_come_once_though_a_page_repeats_them(connect):
    with serve([Reply(json=[{"id": 1}, {"id": 1}, {"id": 2}, {"id": [1]}, {"a": 1}, {"a": 1}])]) as server:
        found = connect(server.url).retrieve_cluster()
    assert found == [{"id": 1}, {"id": 2}, {"id": [1]}, {"a": 1}, {"a": 1}]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"order": 5}, "order must be the name of a field, or a list of them, got 5"),
        ({"order": ["a", 1]}, "order must be the name of a field, or a list of them"),
        ({"order": b"a"}, "order must be"),
        ({"search": ["a"]}, "search must be a text"),
        ({"search": {}}, "search must be a text"),
    ],
)
def test_what_is_neither_order_nor_words_is_told_by_name(connect, wrong, told):
    with pytest.raises(TypeError, match=told):
        connect("http://127.0.0.1:9").retrieve_cluster(**wrong)
