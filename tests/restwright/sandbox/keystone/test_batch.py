"""Several requests in one, in one transaction."""

from __future__ import annotations

import json

import pytest

CLUSTERS = "/allocations/clusters/"


def action(method, path, payload=None, ref="", **more):
    return {"ref": ref, "method": method, "path": path, "payload": payload or {}, **more}


def batch(api, *actions, **job):
    return api.post("batch/", {"job": {"actions": list(actions), **job}})


def test_steps_are_done_in_order_and_may_use_what_came_before(everywhere, log_in):
    staff = log_in(everywhere)
    request = {"title": "t", "description": "of @ref{team.name}", "submitter": staff.id, "team": "@ref{team.id}"}
    answer = batch(
        staff,
        action("POST", "/users/teams/", {"name": "A Team"}, "team"),
        action("POST", "/allocations/requests/", request, "request"),
        action("GET", "/allocations/requests/@ref{request.id}/", ref="again"),
        action("PATCH", "/allocations/requests/@ref{again.id}/", {"assignees": ["@ref{again._submitter.id}"]}),
        action("GET", "/users/teams/", query_params={"name": "A Team"}, ref="list"),
        action("DELETE", "/users/teams/@ref{list.results.0.id}/"),
    )
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [(one["index"], one["ref"], one["method"], one["status"]) for one in results] == [
        (1, "team", "POST", 201),
        (2, "request", "POST", 201),
        (3, "again", "GET", 200),
        (4, "", "PATCH", 200),
        (5, "list", "GET", 200),
        (6, "", "DELETE", 204),
    ]
    team, made = results[0]["body"], results[1]["body"]
    assert (made["team"], made["description"]) == (team["id"], "of A Team")
    assert results[2]["path"] == f"/allocations/requests/{made['id']}/"
    assert results[3]["body"]["assignees"] == [staff.id]
    assert results[5]["body"] is None
    assert staff.ids("users/teams/") == []
    assert answer.text.startswith('{"results": [{"ref": "team", "index": 1, ')  # with blanks, unlike other answers


def test_a_step_that_fails_undoes_everything(everywhere, log_in):
    staff = log_in(everywhere)
    answer = batch(staff, action("POST", CLUSTERS, {"name": "a"}), action("POST", CLUSTERS, {"name": "a"}))
    assert answer.status_code == 422
    failure = answer.json()
    assert (failure["step"], failure["status"]) == (2, 400)
    assert failure["body"] == {"name": ["cluster with this name already exists."]}
    assert isinstance(failure["detail"], str)
    assert staff.ids("allocations/clusters/") == []
    assert staff.ids("logs/audit/") == []


def test_a_dry_run_answers_as_usual_and_keeps_nothing(everywhere, log_in):
    staff = log_in(everywhere)
    answer = batch(staff, action("POST", CLUSTERS, {"name": "a"}, "a"), action("GET", CLUSTERS), dry_run=True)
    assert answer.status_code == 200
    assert answer.json()["results"][1]["body"]["count"] == 1
    assert staff.ids("allocations/clusters/") == []


def test_files_come_beside_the_job(staff):
    actions = [
        action("POST", "/users/teams/", {"name": "A Team"}, "team"),
        action(
            "POST",
            "/allocations/requests/",
            {"title": "t", "description": "d", "submitter": staff.id, "team": "@ref{team.id}"},
            "request",
        ),
        action("POST", "/allocations/attachments/", {"request": "@ref{request.id}", "file": "@file{plan}"}),
    ]
    answer = staff.send(
        "POST",
        "batch/",
        data={"job": json.dumps({"actions": actions})},
        files={"plan": ("plan.txt", b"what we do", "text/plain")},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"][2]["body"]["name"] == "plan.txt"
    assert staff.get("media/allocations/plan.txt").content == b"what we do"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("@ref{nobody.id}", "@ref{nobody.id}"),
        ("x @ref{a.nothing} y", "@ref{a.nothing}"),
        ("@ref{a.access_teams.0}", "@ref{a.access_teams.0}"),
        ("@ref{a.name.x}", "@ref{a.name.x}"),
        ("@file{plan}", "@file{plan}"),
    ],
)
def test_a_token_that_stands_for_nothing_is_422(staff, text, token):
    answer = batch(staff, action("POST", CLUSTERS, {"name": "a"}, "a"), action("POST", CLUSTERS, {"name": text}))
    assert (answer.status_code, answer.json()["token"]) == (422, token)
    assert token in answer.json()["detail"]
    assert staff.ids("allocations/clusters/") == []


def test_tokens_in_query_parameters_are_texts_like_others(staff):
    staff.make("allocations/clusters/", name="b")
    answer = batch(
        staff,
        action("POST", CLUSTERS, {"name": "a"}, "a"),
        action("GET", CLUSTERS, query_params={"name": "@ref{a.name}"}),
        action("GET", CLUSTERS, query_params={"_limit": 1, "enabled": True}),
    )
    counts = [(one["body"]["count"], len(one["body"]["results"])) for one in answer.json()["results"][1:]]
    assert counts == [(0, 0), (2, 1)]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"non_field_errors": ["No data provided"]}),
        ({"job": {"actions": []}}, {"actions": {"non_field_errors": ["This list may not be empty."]}}),
        ({"job": {}}, {"actions": ["This field is required."]}),
        ({"job": []}, {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        (
            {"job": {"actions": {}}},
            {"actions": {"non_field_errors": ['Expected a list of items but got type "dict".']}},
        ),
        ({"job": {"actions": [], "dry_run": "yes"}}, {"dry_run": ["Must be a valid boolean."]}),
        (
            {"job": {"actions": [action("BREW", "/x/")]}},
            {"actions": [{"method": ['"BREW" is not a valid choice.']}]},
        ),
        (
            {"job": {"actions": [action("GET", "/x/"), {}, 5]}},
            {
                "actions": [
                    {},
                    {"method": ["This field is required."], "path": ["This field is required."]},
                    {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]},
                ]
            },
        ),
        (
            {"job": {"actions": [action("GET", "x/", ref="a b"), action("GET", "/x"), action("GET", "/" * 2049)]}},
            {
                "actions": [
                    {
                        "path": ["Path must start and end with a slash."],
                        "ref": ["A reference has letters, digits and underscores."],
                    },
                    {"path": ["Path must start and end with a slash."]},
                    {"path": ["Ensure this field has no more than 2048 characters."]},
                ]
            },
        ),
        (
            {"job": {"actions": [action("GET", "/x/", ref="a"), action("GET", 5, ref="a", query_params=[])]}},
            {
                "actions": [
                    {},
                    {
                        "path": ["Not a valid string."],
                        "ref": ['Duplicate reference "a".'],
                        "query_params": ["Expected a dictionary of items."],
                    },
                ]
            },
        ),
    ],
)
def test_a_job_that_cannot_be_tried_is_400(staff, body, errors):
    answer = staff.post("batch/", body)
    assert (answer.status_code, answer.json()) == (400, errors)


def test_a_job_that_is_no_json_is_400(staff):
    answer = staff.send("POST", "batch/", data={"job": "{"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize("path", ["/nonsense/", "/batch/", "/allocations/clusters/99/"])
def test_an_unknown_path_is_a_step_that_fails(staff, path):
    answer = batch(staff, action("GET", path))
    assert (answer.status_code, answer.json()["status"]) == (422, 404)


def test_steps_are_the_callers_own(user, nobody):
    answer = batch(user, action("POST", CLUSTERS, {"name": "a"}))
    assert (answer.status_code, answer.json()["status"]) == (422, 403)
    assert batch(nobody, action("GET", CLUSTERS)).status_code == 401


def test_who_founds_a_team_leads_it_in_the_next_step(user):
    request = {"title": "t", "description": "d", "submitter": user.id, "team": "@ref{team.id}"}
    answer = batch(
        user,
        action("POST", "/users/teams/", {"name": "Mine"}, "team"),
        action("POST", "/allocations/requests/", request),
    )
    assert answer.status_code == 200, answer.text


def test_there_is_no_batch_in_the_jwt_era(old_keystone, log_in):
    assert batch(log_in(old_keystone), action("GET", CLUSTERS)).status_code == 404
