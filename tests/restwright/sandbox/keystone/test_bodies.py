"""JSON, forms, multipart, and what is none of them."""

from __future__ import annotations

import pytest


def form(api, method, path, fields):
    return api.send(method, path, data=fields)


def test_an_absent_boolean_of_a_form_is_false_except_in_a_patch(staff):
    made = form(staff, "POST", "allocations/clusters/", {"name": "c1"})
    assert (made.status_code, made.json()["enabled"]) == (201, False)
    assert staff.make("allocations/clusters/", name="c2")["enabled"] is True
    path = f"allocations/clusters/{made.json()['id']}/"
    assert form(staff, "PATCH", path, {"enabled": "true"}).json()["enabled"] is True
    assert form(staff, "PATCH", path, {"description": "d"}).json()["enabled"] is True
    assert form(staff, "PUT", path, {"name": "c1"}).json()["enabled"] is False


def test_a_form_repeats_a_name_for_a_list(staff):
    teams = [staff.make("users/teams/", name=name)["id"] for name in ("a", "b")]
    made = form(staff, "POST", "allocations/clusters/", [("name", "c1"), *(("access_teams", n) for n in teams)]).json()
    assert made["access_teams"] == teams
    path = f"allocations/clusters/{made['id']}/"
    assert form(staff, "PATCH", path, {"name": "c2"}).json()["access_teams"] == teams
    assert form(staff, "PUT", path, {"name": "c2"}).json()["access_teams"] == []


def test_an_empty_text_of_a_form_is_null_where_no_text_can_be(staff):
    team = staff.make("users/teams/", name="a")["id"]
    fields = {"title": "t", "description": "d", "submitter": staff.id, "team": team, "active": ""}
    made = form(staff, "POST", "allocations/requests/", fields)
    assert (made.status_code, made.json()["active"]) == (201, None)
    fields = {"title": "t", "agency": "a", "amount": "", "start_date": "2024-01-01", "team": team, "pi": ""}
    refused = form(staff, "POST", "research/grants/", fields)
    assert refused.json() == {"amount": ["A valid number is required."]}


def test_a_form_has_json_as_text(staff):
    made = form(staff, "POST", "notifications/preferences/", {"request_expiry_thresholds": "[7, 1]"}).json()
    assert (made["request_expiry_thresholds"], made["notify_on_expiration"]) == ([7, 1], False)
    path = f"notifications/preferences/{made['id']}/"
    refused = form(staff, "PATCH", path, {"request_expiry_thresholds": "[7"})
    assert refused.json() == {"request_expiry_thresholds": ["Value must be valid JSON."]}


def test_preferences_have_defaults_and_are_one_for_each(staff):
    made = staff.make("notifications/preferences/")
    assert (made["request_expiry_thresholds"], made["notify_on_expiration"], made["user"]) == ([30, 14], True, staff.id)
    for body in ({"user": staff.id}, {}):
        again = staff.post("notifications/preferences/", body)
        assert again.json() == {"user": ["preference with this user already exists."]}


def test_multipart_fields_are_a_form_too(staff):
    made = staff.send("POST", "allocations/clusters/", files={"name": (None, "c1"), "enabled": (None, "on")})
    assert (made.status_code, made.json()["enabled"]) == (201, True)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"name": ', "JSON parse error - Expecting value: line 1 column 10 (char 9)"),
        (b"\xff", "JSON parse error - 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b'{"name": NaN}', "JSON parse error - Out of range float values are not JSON compliant: 'NaN'"),
    ],
)
def test_what_is_no_json_is_400(staff, body, detail):
    answer = staff.send("POST", "allocations/clusters/", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})


def test_json_without_end_is_400(staff):
    body = b"[" * 100_000
    answer = staff.send("POST", "allocations/clusters/", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml; charset=utf-8"])
def test_other_media_types_are_415(staff, media_type):
    answer = staff.send("POST", "allocations/clusters/", data=b"x", headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()) == (
        415,
        {"detail": f'Unsupported media type "{media_type}" in request.'},
    )


def test_a_multipart_body_that_is_none_is_400(staff):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = staff.send("POST", "allocations/clusters/", data=b"x", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Multipart form parse error - ")


def test_no_body_is_an_empty_object(staff):
    assert staff.send("POST", "allocations/clusters/").json() == {"name": ["This field is required."]}


def test_a_body_beyond_the_limit_is_413(staff):
    headers = {"Content-Type": "application/json"}
    answer = staff.send("POST", "allocations/clusters/", data=b" " * (33 * 2**20), headers=headers)
    assert answer.status_code == 413
