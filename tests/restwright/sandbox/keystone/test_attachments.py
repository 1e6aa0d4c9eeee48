"""Files beside requests."""

from __future__ import annotations

import pytest

PATH = "allocations/attachments/"
PDF = ("plan.pdf", b"%PDF-1.7 ...", "application/pdf")


@pytest.fixture
def request_id(staff):
    team = staff.make("users/teams/", name="A Team")["id"]
    return staff.make("allocations/requests/", title="t", description="d", submitter=staff.id, team=team)["id"]


def attach(api, request_id, file=PDF, **fields):
    return api.send("POST", PATH, data={"request": request_id, **fields}, files={"file": file})


def test_a_file_is_attached_and_read_again(staff, request_id):
    answer = attach(staff, request_id)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["file"], made["request"]) == ("plan.pdf", "allocations/plan.pdf", request_id)
    assert made["_request"]["title"] == "t"
    got = staff.get(f"media/{made['file']}")
    assert (got.content, got.headers["Content-Type"]) == (PDF[1], "application/pdf")
    assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_may_have_another_name_and_never_another_ones_path(staff, request_id):
    first, second = attach(staff, request_id).json(), attach(staff, request_id, name="Plan").json()
    assert second["name"] == "Plan"
    assert first["file"] != second["file"]
    assert second["file"].startswith("allocations/plan_")
    assert second["file"].endswith(".pdf")


@pytest.mark.parametrize(
    ("filename", "path"),
    [
        ("../../etc/passwd.txt", "allocations/passwd.txt"),
        ("a b<c>.txt", "allocations/a_bc.txt"),
        ("\N{SNOWMAN}.txt", "allocations/file.txt"),
        (r"C:\plans\x.txt", "allocations/x.txt"),
    ],
)
def test_paths_stay_where_they_belong(staff, request_id, filename, path):
    made = attach(staff, request_id, (filename, b"x", "text/plain")).json()
    assert made["file"] == path
    assert staff.get(f"media/{path}").content == b"x"


@pytest.mark.parametrize(
    ("file", "errors"),
    [
        (("empty.pdf", b"", "application/pdf"), ["The submitted file is empty."]),
        (("x.pdf.html", b"<p>", "application/pdf"), ["File type 'text/html' is not allowed."]),
        (("page.html", b"<p>", "application/pdf"), ["File type 'text/html' is not allowed."]),
        (("nothing", b"x", "application/pdf"), ["File type 'application/octet-stream' is not allowed."]),
        (("big.txt", b"x" * 2621441, "text/plain"), ["File size should not exceed 2621440 bytes."]),
    ],
)
def test_some_files_are_not_taken(staff, request_id, file, errors):
    answer = attach(staff, request_id, file)
    assert (answer.status_code, answer.json()) == (400, {"file": errors})


@pytest.mark.parametrize("suffix", ["DOCX", "xlsx", "odt", "csv", "md", "jpeg", "webp"])
def test_office_files_tables_and_images_are_taken(staff, request_id, suffix):
    assert attach(staff, request_id, (f"plan.{suffix}", b"x", None)).status_code == 201


def test_the_largest_file_is_taken(staff, request_id):
    assert attach(staff, request_id, ("big.txt", b"x" * 2621440, "text/plain")).status_code == 201


def test_a_file_is_needed_and_a_text_is_none(staff, request_id):
    assert staff.post(PATH, {"request": request_id}).json() == {"file": ["No file was submitted."]}
    answer = staff.send("POST", PATH, data={"request": request_id, "file": "plan.pdf"})
    assert answer.json() == {"file": ["The submitted data was not a file. Check the encoding type on the form."]}
    assert staff.send("POST", PATH, files={"file": PDF}).json() == {"request": ["This field is required."]}


def test_a_new_file_takes_the_place_of_the_old_one(staff, request_id):
    made = attach(staff, request_id).json()
    changed = staff.send("PATCH", f"{PATH}{made['id']}/", files={"file": ("new.txt", b"new", "text/plain")}).json()
    assert (changed["name"], changed["file"]) == ("plan.pdf", "allocations/new.txt")
    assert staff.get("media/allocations/plan.pdf").status_code == 404
    assert staff.get("media/allocations/new.txt").content == b"new"
    assert staff.patch(f"{PATH}{made['id']}/", {"name": "Other"}).json()["file"] == "allocations/new.txt"


def test_leads_attach_members_read_and_others_see_nothing(keystone, staff, log_in, request_id):
    team = staff.get(f"allocations/requests/{request_id}/").json()["team"]
    people = {role: log_in(keystone, f"person{role}") for role in ("OW", "MB", "")}
    for role in ("OW", "MB"):
        staff.make("users/memberships/", user=people[role].id, team=team, role=role)
    made = attach(people["OW"], request_id).json()
    for role, created, read in (("OW", 201, 200), ("MB", 403, 200), ("", 403, 403)):
        assert attach(people[role], request_id).status_code == created
        assert people[role].get(f"media/{made['file']}").status_code == read
        assert people[role].delete(f"{PATH}{made['id']}/").status_code == 403
    assert log_in(keystone, "nobody").get(f"media/{made['file']}").status_code == 401


def test_what_is_not_there_is_404_in_html(staff):
    answer = staff.get("media/allocations/nothing.pdf")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
