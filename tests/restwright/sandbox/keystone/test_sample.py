"""The computing centre that a new database is filled with."""

from __future__ import annotations

import datetime
import time

import pytest

from restwright.sandbox.keystone import keystone_service
from restwright.sandbox.keystone.sample.centre import invent

TODAY = datetime.date(2026, 3, 4)
ACCOUNTS = [{"username": name, "first_name": "A", "last_name": "B", "is_staff": name == "s"} for name in ("s", "p")]


def count(api, path: str, **query) -> int:
    found = api.get(path, **{"_limit": 1, **query}).json()
    return found["count"] if isinstance(found, dict) else len(found)


@pytest.mark.parametrize("database", ["sqlite://", "postgresql"])
@pytest.mark.parametrize("era", ["session", "jwt"])
def test_it_has_what_a_centre_has(services, log_in, era, database):
    begin = time.monotonic()
    keystone = services(era=era, database=database, sample=True)
    assert time.monotonic() - begin < 50  # with a PostgreSQL to start; half a second where nothing else runs
    staff = log_in(keystone)
    sizes = {
        "users/users/": 200,
        "users/teams/" if era == "session" else "users/researchgroups/": 40,
        "allocations/clusters/": 8,
        "allocations/requests/": 700,
        "allocations/allocations/": 2000,
        "research/grants/": 120,
        "research/publications/": 240,
    }
    assert {path: count(staff, path) for path in sizes} == sizes
    assert count(staff, "allocations/reviews/") > 500
    made = staff.make("allocations/clusters/", name="new")
    assert made["id"] == 9


def test_the_same_seed_makes_the_same_centre():
    same, again, other = (invent(seed, TODAY, first=ACCOUNTS) for seed in (1, 1, 2))
    assert same == again
    assert same.requests != other.requests


def test_it_makes_sense():
    centre = invent(3, TODAY, first=ACCOUNTS)
    names = [user["username"] for user in centre.users]
    assert len(set(names)) == 200
    assert all(name.isascii() for name in names)
    assert len({team.name for team in centre.teams}) == 40
    for team in centre.teams:
        assert len(set(team.everybody)) == len(team.everybody)
    for request in centre.requests:
        assert request["submitter_id"] in centre.teams[request["team_id"] - 1].leads
        assert request["submitted"] < TODAY
        assert (request["active"] is None) == (request["status"] != "AP")
    for allocation in centre.allocations:
        request = centre.requests[allocation["request_id"] - 1]
        assert (allocation["awarded"] is None) == (request["status"] != "AP")
        assert allocation["final"] is None or allocation["final"] <= allocation["awarded"] <= allocation["requested"]
        assert allocation["final"] is None or request["expire"] < TODAY
    pairs = [(one["request_id"], one["cluster_id"]) for one in centre.allocations]
    assert len(set(pairs)) == len(pairs)


def test_the_plain_user_leads_a_team_administers_one_and_is_a_member_of_one(services, log_in):
    user = log_in(services(sample=True), "user")
    memberships = user.get("authentication/whoami/").json()["_membership"]
    assert [(one["team"], one["role"]) for one in memberships] == [(1, "OW"), (2, "AD"), (3, "MB")]
    assert user.ids("users/teams/") == [1, 2, 3]
    assert count(user, "allocations/requests/") == 54
    assert count(user, "notifications/notifications/") > 0
    assert {one["name"] for one in user.get("allocations/clusters/").json()["results"]} >= {"granite", "atlas"}
    assert all(not one["private"] for one in user.get("allocations/comments/").json()["results"])


def test_everybody_else_has_the_password_of_the_plain_user(services, log_in):
    keystone = services(sample=True)
    somebody = log_in(keystone).get("users/users/", is_active=True, _order="-id").json()["results"][0]
    assert log_in(keystone, "nobody").log_in(somebody["username"], keystone.settings.plain.password).ok


def test_without_it_there_are_two_accounts(keystone, staff):
    users = staff.get("users/users/").json()["results"]
    assert [(one["username"], one["is_staff"]) for one in users] == [("admin", True), ("user", False)]
    assert count(staff, "allocations/requests/") == 0


def test_it_takes_a_moment():
    begin = time.monotonic()
    keystone_service().close()
    assert time.monotonic() - begin < 30
