"""Create, read, update, delete; what is wrong with a body, in the words of Django REST framework."""

from __future__ import annotations

import datetime

import pytest


def test_a_record_is_created_with_defaults_and_read_again(staff):
    made = staff.make("allocations/clusters/", name="c1", description="the first")
    assert {name: made[name] for name in ("name", "description", "enabled", "access_mode", "access_teams")} == {
        "name": "c1",
        "description": "the first",
        "enabled": True,
        "access_mode": "OP",
        "access_teams": [],
    }
    assert staff.get(f"allocations/clusters/{made['id']}/").json() == made


def test_a_patch_changes_what_it_names(staff):
    made = staff.make("allocations/clusters/", name="c1", description="d")
    changed = staff.patch(f"allocations/clusters/{made['id']}/", {"description": None, "enabled": False})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["description"], changed.json()["enabled"]) == ("c1", None, False)


def test_a_put_needs_all_required_fields(staff):
    made = staff.make("allocations/clusters/", name="c1")
    path = f"allocations/clusters/{made['id']}/"
    assert staff.put(path, {"description": "d"}).json() == {"name": ["This field is required."]}
    assert staff.put(path, {"name": "c2"}).json()["name"] == "c2"


def test_a_deleted_record_is_gone_and_its_number_is_not_given_again(staff):
    made = staff.make("allocations/clusters/", name="c1")
    path = f"allocations/clusters/{made['id']}/"
    gone = staff.delete(path)
    assert (gone.status_code, gone.content, gone.headers.get("Content-Type")) == (204, b"", None)
    missing = staff.get(path)
    assert (missing.status_code, missing.json()) == (404, {"detail": "No Cluster matches the given query."})
    assert staff.make("allocations/clusters/", name="c2")["id"] > made["id"]


@pytest.mark.parametrize(
    ("pk", "detail"),
    [
        ("99", "No Cluster matches the given query."),
        ("99999999999999999999", "No Cluster matches the given query."),
        ("abc", "Not found."),
        ("-1", "Not found."),
    ],
)
def test_a_record_that_is_not_there_is_404(staff, pk, detail):
    answer = staff.get(f"allocations/clusters/{pk}/")
    assert (answer.status_code, answer.json()) == (404, {"detail": detail})


def test_read_only_fields_in_a_body_are_ignored(staff):
    made = staff.make("allocations/clusters/", name="c1", id=77, _history=["x"])
    assert made["id"] != 77
    team = staff.make("users/teams/", name="A Team", slug="mine")
    assert team["slug"] == "a-team"


def test_the_name_of_a_team_stays(staff):
    team = staff.make("users/teams/", name="A Team")
    changed = staff.patch(f"users/teams/{team['id']}/", {"name": "B Team", "is_active": False}).json()
    assert (changed["name"], changed["is_active"]) == ("A Team", False)


def test_teams_of_like_names_have_slugs_of_their_own(staff):
    slugs = [staff.make("users/teams/", name=name)["slug"] for name in ("A Team", "A team", "a-team", "!")]
    assert slugs == ["a-team", "a-team-2", "a-team-3", "team"]


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        ("allocations/clusters/", {}, {"name": ["This field is required."]}),
        ("allocations/clusters/", {"name": None}, {"name": ["This field may not be null."]}),
        ("allocations/clusters/", {"name": " "}, {"name": ["This field may not be blank."]}),
        ("allocations/clusters/", {"name": ["c"]}, {"name": ["Not a valid string."]}),
        ("allocations/clusters/", {"name": True}, {"name": ["Not a valid string."]}),
        ("allocations/clusters/", {"name": "\ud800"}, {"name": ["Not a valid string."]}),
        ("allocations/clusters/", {"name": "a\0b"}, {"name": ["Null characters are not allowed."]}),
        (
            "allocations/clusters/",
            {"name": "c" * 51},
            {"name": ["Ensure this field has no more than 50 characters."]},
        ),
        (
            "allocations/clusters/",
            {"name": "c", "enabled": "perhaps", "access_mode": "XX", "access_teams": 3},
            {
                "enabled": ["Must be a valid boolean."],
                "access_mode": ['"XX" is not a valid choice.'],
                "access_teams": ['Expected a list of items but got type "int".'],
            },
        ),
        (
            "allocations/clusters/",
            {"name": "c", "access_teams": [99]},
            {"access_teams": ['Invalid pk "99" - object does not exist.']},
        ),
        (
            "users/memberships/",
            {"role": "MB", "user": "x", "team": 99},
            {
                "user": ["Incorrect type. Expected pk value, received str."],
                "team": ['Invalid pk "99" - object does not exist.'],
            },
        ),
        (
            "allocations/requests/",
            {"title": "t", "description": "d", "submitter": 1, "team": True, "active": "tomorrow", "expire": 5},
            {
                "team": ["Incorrect type. Expected pk value, received bool."],
                "active": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
                "expire": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
            },
        ),
        (
            "allocations/allocations/",
            {"requested": 5.7, "awarded": -1, "final": 2**40, "cluster": None, "request": 2**70},
            {
                "requested": ["A valid integer is required."],
                "awarded": ["Ensure this value is greater than or equal to 0."],
                "final": ["Ensure this value is less than or equal to 2147483647."],
                "cluster": ["This field may not be null."],
                "request": [f'Invalid pk "{2**70}" - object does not exist.'],
            },
        ),
        (
            "research/grants/",
            {"title": "t", "agency": "a", "amount": "much", "start_date": "2024-02-30"},
            {
                "amount": ["A valid number is required."],
                "start_date": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
                "team": ["This field is required."],
            },
        ),
        (
            "users/users/",
            {"username": "u", "password": "short", "email": "nowhere"},
            {"email": ["Enter a valid email address."]},
        ),
        (
            "users/users/",
            {"username": "u", "password": "12345"},
            {
                "password": [
                    "This password is too short. It must contain at least 8 characters.",
                    "This password is entirely numeric.",
                ]
            },
        ),
        ("users/users/", {"username": "u", "password": "password"}, {"password": ["This password is too common."]}),
        ("allocations/clusters/", [], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_what_is_wrong_is_said_by_field(staff, path, body, errors):
    answer = staff.post(path, body)
    assert (answer.status_code, answer.json()) == (400, errors)


@pytest.mark.parametrize(
    ("amount", "kept"), [("1000", "1000.00"), (12.5, "12.50"), ("0.01", "0.01"), (" 7 ", "7.00"), ("-3.2", "-3.20")]
)
def test_amounts_have_two_decimals(staff, amount, kept):
    team = staff.make("users/teams/", name="A Team")["id"]
    grant = {"title": "t", "agency": "a", "amount": amount, "start_date": "2024-01-01", "team": team}
    assert staff.make("research/grants/", **grant)["amount"] == kept


def test_a_name_can_be_taken_once(everywhere, log_in):
    staff = log_in(everywhere)
    first = staff.make("allocations/clusters/", name="c1")
    second = staff.make("allocations/clusters/", name="c2")
    taken = {"name": ["cluster with this name already exists."]}
    assert staff.post("allocations/clusters/", {"name": "c1"}).json() == taken
    assert staff.patch(f"allocations/clusters/{second['id']}/", {"name": "c1"}).json() == taken
    assert staff.patch(f"allocations/clusters/{first['id']}/", {"name": "c1"}).status_code == 200
    again = staff.post("users/users/", {"username": "admin", "password": "correct horse"})
    assert again.json() == {"username": ["A user with that username already exists."]}


def test_a_user_is_in_a_team_once(everywhere, log_in):
    staff = log_in(everywhere)
    team = staff.make("users/teams/", name="A Team")["id"]
    staff.make("users/memberships/", user=staff.id, team=team, role="OW")
    again = staff.post("users/memberships/", {"user": staff.id, "team": team, "role": "MB"})
    assert again.json() == {"non_field_errors": ["The fields user, team must make a unique set."]}


def test_several_records_may_have_no_doi(everywhere, log_in):
    staff = log_in(everywhere)
    team = staff.make("users/teams/", name="A Team")["id"]
    for doi in (None, None, "10.1/x"):
        staff.make("research/publications/", title="t", team=team, doi=doi)
    again = staff.post("research/publications/", {"title": "t", "team": team, "doi": "10.1/x"})
    assert again.json() == {"doi": ["publication with this doi already exists."]}


def test_records_show_what_they_link_to(staff):
    team = staff.make("users/teams/", name="A Team")
    cluster = staff.make("allocations/clusters/", name="c1")
    request = staff.make(
        "allocations/requests/",
        title="t",
        description="d",
        submitter=staff.id,
        team=team["id"],
        assignees=[staff.id],
    )
    allocation = staff.make("allocations/allocations/", requested=5, cluster=cluster["id"], request=request["id"])
    assert request["_team"] == {"id": team["id"], "slug": "a-team", "name": "A Team", "is_active": True}
    assert [one["username"] for one in request["_assignees"]] == ["admin"]
    assert request["_submitter"]["display_name"] == "Alex Admin"
    assert request["submitted"] == datetime.datetime.now(datetime.UTC).date().isoformat()
    assert allocation["_cluster"] == {"id": cluster["id"], "name": "c1", "enabled": True}
    assert allocation["_request"] == {
        "id": request["id"],
        "title": "t",
        "status": "PD",
        "active": None,
        "expire": None,
    }


def test_the_users_of_a_team_are_its_memberships(staff, user):
    team = staff.make("users/teams/", name="A Team", users=[user.id])
    assert [(one["user"], one["role"]) for one in team["_membership"]] == [(user.id, "MB")]
    kept = staff.make("users/memberships/", user=staff.id, team=team["id"], role="OW")
    changed = staff.patch(f"users/teams/{team['id']}/", {"users": [staff.id]}).json()
    assert [(one["id"], one["user"], one["role"]) for one in changed["_membership"]] == [(kept["id"], staff.id, "OW")]


def test_changes_are_kept_as_history(staff):
    made = staff.make("allocations/clusters/", name="c1")
    path = f"allocations/clusters/{made['id']}/"
    staff.patch(path, {"description": "d"})
    staff.patch(path, {"description": "d"})  # changes nothing
    history = staff.get(path).json()["_history"]
    assert [one["action"] for one in history] == ["update", "create"]
    assert history[0]["changes"] == {"description": [None, "d"]}
    assert history[0]["actor"] == staff.id
    assert history[0]["_actor"]["username"] == "admin"
    staff.delete(path)
    entries = staff.get("logs/audit/", record_type="allocations/clusters", _order="-id").json()["results"]
    assert [one["action"] for one in entries] == ["delete", "update", "create"]


def test_passwords_are_never_shown(staff):
    made = staff.make("users/users/", username="u", password="correct horse")
    staff.patch(f"users/users/{made['id']}/", {"password": "battery staple"})
    everything = staff.get(f"users/users/{made['id']}/").text + staff.get("logs/audit/").text
    assert "correct horse" not in everything
    assert "battery staple" not in everything
    assert "scrypt" not in everything


def test_what_hangs_on_a_record_goes_with_it_but_no_cluster_in_use(everywhere, log_in):
    staff = log_in(everywhere)
    team = staff.make("users/teams/", name="A Team")["id"]
    cluster = staff.make("allocations/clusters/", name="c1")["id"]
    request = staff.make("allocations/requests/", title="t", description="d", submitter=staff.id, team=team)["id"]
    staff.make("allocations/allocations/", requested=5, cluster=cluster, request=request)
    refused = staff.delete(f"allocations/clusters/{cluster}/")
    assert (refused.status_code, refused.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert staff.get(f"allocations/clusters/{cluster}/").status_code == 200
    assert staff.delete(f"users/teams/{team}/").status_code == 204
    assert staff.ids("allocations/requests/") == staff.ids("allocations/allocations/") == []
    assert staff.delete(f"allocations/clusters/{cluster}/").status_code == 204
