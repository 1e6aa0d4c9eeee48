"""Filters: plain dicts and criteria; what the service would ignore is refused."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from keystone_client.filters import filters
from restwright import UnsupportedCriteria, where


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {}),
        ({"name": "c1"}, {"name": "c1"}),
        ({"enabled": True, "private": False}, {"enabled": "true", "private": "false"}),
        ({"id__in": [1, 2]}, {"id__in": "1,2"}),
        ({"id__not_in": "1,2"}, {"id__not_in": "1,2"}),
        ({"active": None}, {"active__isnull": "true"}),
        ({"active__isnull": False}, {"active__isnull": "false"}),
        ({"expire__lt": datetime.date(2026, 1, 2)}, {"expire__lt": "2026-01-02"}),
        ({"amount__gte": Decimal("1.50")}, {"amount__gte": "1.50"}),
        ({"_limit": 5, "_search": "x"}, {"_limit": "5", "_search": "x"}),
        ((where("id") >= 2) & (where("id") < 9), {"id__gte": "2", "id__lt": "9"}),
        ((where("id") <= 2) & (where("id") > 0), {"id__lte": "2", "id__gt": "0"}),
        (where("name") != "x", {"name__not_eq": "x"}),
        (where("name") == None, {"name__isnull": "true"}),  # noqa: E711  # it is what it looks like
        (where("name") != None, {"name__isnull": "false"}),  # noqa: E711
        (where("status").is_in(["PD", "AP"]), {"status__in": "PD,AP"}),
        (where("status").not_in(["PD"]), {"status__not_in": "PD"}),
        (where("title").contains("a"), {"title__contains": "a"}),
        (where("title").not_contains("a"), {"title__not_contains": "a"}),
        (where("title").starts_with("a"), {"title__startswith": "a"}),
        (where("title").not_starts_with("a"), {"title__not_startswith": "a"}),
        (where("title").ends_with("a"), {"title__endswith": "a"}),
        (where("title").not_ends_with("a"), {"title__not_endswith": "a"}),
        (where("active").is_null(), {"active__isnull": "true"}),
        (where("active").not_null(), {"active__isnull": "false"}),
        (
            where("active").between(datetime.date(2026, 1, 1), datetime.date(2026, 2, 1)),
            {"active__gte": "2026-01-01", "active__lte": "2026-02-01"},
        ),
        (where("active__year") == 2026, {"active__year": "2026"}),
    ],
    ids=repr,
)
def test_what_is_sent(given, expected):
    assert filters(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name__contain": "x"}, "unknown lookup 'contain' in the filter 'name__contain': did you mean name__contains"),
        ({"__in": [1]}, "there is no parameter '__in'"),
        ({"_sort": "x"}, "there is no parameter '_sort'"),
        ({"name": ""}, "the filter 'name' is empty"),
        ({"id__in": []}, "takes at least one value"),
        ({"id__in": ["a,b"]}, "takes no value with a comma"),
        ({"id__lt": None}, "has no value"),
        (where("x").has_all([1]), "Keystone has no way to say x has_all"),
        (where("x") > None, "Keystone compares with null"),
        (where("x").is_in(["a,b"]), "takes no value with a comma"),
        ((where("x") > 1) & (where("x") > 2), "takes only one condition of this kind"),
    ],
)
def test_what_the_service_would_ignore_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        filters(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("a", 1)], "filters must be a dict"),
        ({1: 2}, "the name of a filter is a text"),
        ({"id": [1, 2]}, "id__in takes several"),
        ({"id__in": 3}, "takes a list of values"),
        ({"id": b"x"}, "takes a text, number"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(given, message):
    with pytest.raises(TypeError, match=message):
        filters(given)


def test_criteria_and_dicts_find_the_same(client):
    for name in ("a1", "a2", "b1"):
        client.create_cluster(name=name)
    found = client.retrieve_cluster(filters=where("name").starts_with("a") & (where("id") >= 2))
    assert [each["name"] for each in found] == ["a2"]
    assert found == client.retrieve_cluster(filters={"name__startswith": "a", "id__gte": 2})


def test_filters_of_the_caller_stay_as_they_are(client):
    given = {"name": "a"}
    client.retrieve_cluster(filters=given)
    assert given == {"name": "a"}


def test_a_filter_that_the_document_does_not_list_is_refused(client):
    client.resources()
    with pytest.raises(ValueError, match="cluster has no filter 'nme'; there is name"):
        client.retrieve_cluster(filters={"nme": "x"})


def test_search_is_given_once(client):
    with pytest.raises(ValueError, match="_search stands among the filters too"):
        client.retrieve_cluster(filters={"_search": "a"}, search="b")


def test_refusals_of_criteria_are_of_their_own_kind():
    with pytest.raises(UnsupportedCriteria):
        filters(where("x").is_missing())
