"""Who may do what: staff, the owner, an admin and a member of a team, and somebody else."""

from __future__ import annotations

import pytest

WHO = ("staff", "owner", "deputy", "member", "other")


@pytest.fixture
def people(keystone, log_in):
    """Those people, a team, and a record of each kind that belongs to it."""
    found = {name: log_in(keystone, name) for name in WHO}
    staff = found["staff"]
    team = staff.make("users/teams/", name="A Team")["id"]
    roles = {"owner": "OW", "deputy": "AD", "member": "MB"}
    memberships = {
        name: staff.make("users/memberships/", user=found[name].id, team=team, role=role)["id"]
        for name, role in roles.items()
    }
    cluster = staff.make("allocations/clusters/", name="c1")["id"]
    request = staff.make("allocations/requests/", title="t", description="d", submitter=staff.id, team=team)["id"]
    bodies = {
        "allocations/clusters/": {"name": "c2"},
        "allocations/requests/": {"title": "t", "description": "d", "submitter": staff.id, "team": team},
        "allocations/allocations/": {"requested": 1, "cluster": cluster, "request": request},
        "allocations/reviews/": {"status": "AP", "request": request},
        "allocations/comments/": {"content": "x", "request": request},
        "research/grants/": {"title": "t", "agency": "a", "amount": 1, "start_date": "2024-01-01", "team": team},
        "research/publications/": {"title": "t", "team": team},
        "users/teams/": {"name": "B Team"},
        "users/memberships/": {"user": found["other"].id, "team": team, "role": "MB"},
        "users/users/": {"username": "new", "password": "correct horse"},
    }
    return found, team, memberships, bodies


MAY_CREATE = {
    "allocations/clusters/": "staff",
    "allocations/requests/": "staff owner deputy",
    "allocations/allocations/": "staff owner deputy",
    "allocations/reviews/": "staff",
    "allocations/comments/": "staff owner deputy member",
    "research/grants/": "staff owner deputy member",
    "research/publications/": "staff owner deputy member",
    "users/teams/": "staff owner deputy member other",
    "users/memberships/": "staff owner deputy",
    "users/users/": "staff",
}
# path: who may read one, who may change one, who sees it in the list
MAY = {
    "allocations/clusters/": ("staff owner deputy member other", "staff", "staff owner deputy member other"),
    "allocations/requests/": ("staff owner deputy member", "staff", "staff owner deputy member"),
    "allocations/allocations/": ("staff owner deputy member", "staff", "staff owner deputy member"),
    "allocations/reviews/": ("staff owner deputy member", "staff", "staff owner deputy member"),
    "allocations/comments/": ("staff owner deputy member", "staff owner deputy member", "staff owner deputy member"),
    "research/grants/": ("staff owner deputy member", "staff owner deputy member", "staff owner deputy member"),
    "research/publications/": ("staff owner deputy member", "staff owner deputy member", "staff owner deputy member"),
}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}


@pytest.mark.parametrize("path", sorted(MAY_CREATE))
def test_who_may_create(people, path):
    found, _, _, bodies = people
    for name in WHO:
        answer = found[name].post(path, bodies[path])
        if name in MAY_CREATE[path].split():
            assert answer.status_code == 201, (name, answer.text)
            assert found["staff"].delete(f"{path}{answer.json()['id']}/").status_code == 204
        else:
            assert (answer.status_code, answer.json()) == (403, FORBIDDEN), name


@pytest.mark.parametrize("path", sorted(MAY))
def test_who_may_read_change_and_list(people, path):
    found, _, _, bodies = people
    made = found["staff"].make(path, **bodies[path])["id"]
    readers, writers, listers = (names.split() for names in MAY[path])
    is_hidden = path == "allocations/comments/"  # for others there is no such record
    for name in WHO:
        refusal = 404 if is_hidden and name not in readers else 403
        assert found[name].get(f"{path}{made}/").status_code == (200 if name in readers else refusal), name
        assert (made in found[name].ids(path)) is (name in listers), name
        assert found[name].patch(f"{path}{made}/", {}).status_code == (200 if name in writers else refusal), name
    for name in reversed(WHO):
        answer = found[name].delete(f"{path}{made}/")
        if name in writers:
            assert answer.status_code == 204, name
            break
        assert answer.status_code == (404 if is_hidden else 403), name


def test_a_body_is_judged_before_the_permission_unless_only_staff_may(people):
    found = people[0]
    assert found["other"].post("research/grants/", {}).status_code == 400
    assert found["other"].post("allocations/clusters/", {}).status_code == 403


def test_a_record_cannot_be_given_to_a_team_where_one_may_not_put_it(people):
    found, _, _, bodies = people
    foreign = found["staff"].make("users/teams/", name="Z Team")["id"]
    grant = found["member"].make("research/grants/", **bodies["research/grants/"])["id"]
    assert found["member"].patch(f"research/grants/{grant}/", {"team": foreign}).status_code == 403
    assert found["member"].get(f"research/grants/{grant}/").json()["team"] != foreign


def test_teams_are_seen_by_their_people_and_changed_by_who_leads_them(people):
    found, team, *_ = people
    path = f"users/teams/{team}/"
    for name in WHO:
        assert (team in found[name].ids("users/teams/")) is (name != "other"), name
        assert found[name].patch(path, {}).status_code == (200 if name in ("staff", "owner", "deputy") else 403), name
    found["staff"].patch(path, {"is_active": False})
    assert team not in found["owner"].ids("users/teams/")
    assert team in found["staff"].ids("users/teams/")
    assert found["owner"].ids("users/memberships/") == []


def test_who_founds_a_team_owns_it(people):
    found = people[0]
    made = found["other"].make("users/teams/", name="Mine")
    assert [(one["user"], one["role"]) for one in made["_membership"]] == [(found["other"].id, "OW")]
    assert found["staff"].make("users/teams/", name="Not mine")["_membership"] == []


def test_people_may_leave_a_team_but_not_throw_others_out(people):
    found, _, memberships, _ = people
    assert found["member"].delete(f"users/memberships/{memberships['deputy']}/").status_code == 403
    assert found["member"].delete(f"users/memberships/{memberships['member']}/").status_code == 204
    assert found["deputy"].delete(f"users/memberships/{memberships['owner']}/").status_code == 204


def test_people_change_themselves_but_not_what_they_may(people):
    found = people[0]
    other = found["other"]
    answer = other.patch(f"users/users/{other.id}/", {"first_name": "Olga", "is_staff": True, "is_superuser": True})
    assert (answer.status_code, answer.json()["first_name"], answer.json()["is_staff"]) == (200, "Olga", False)
    assert answer.json()["is_superuser"] is False
    assert other.patch(f"users/users/{found['member'].id}/", {"first_name": "X"}).status_code == 403
    assert other.delete(f"users/users/{other.id}/").status_code == 403
    assert found["staff"].patch(f"users/users/{other.id}/", {"is_staff": True}).json()["is_staff"] is True
    assert other.post("allocations/clusters/", {"name": "c9"}).status_code == 201


def test_staff_may_remove_even_itself(people):
    found = people[0]
    found["staff"].patch(f"users/users/{found['other'].id}/", {"is_staff": True})
    assert found["other"].delete(f"users/users/{found['other'].id}/").status_code == 204
    assert found["other"].get("authentication/whoami/").status_code == 401
    last = found["staff"].get("logs/audit/", _order="-id").json()["results"][0]
    assert (last["action"], last["actor"], last["_actor"]) == ("delete", found["other"].id, None)


def test_inactive_users_are_seen_by_staff_alone(people):
    found = people[0]
    found["staff"].patch(f"users/users/{found['other'].id}/", {"is_active": False})
    assert found["other"].id in found["staff"].ids("users/users/")
    assert found["other"].id not in found["member"].ids("users/users/")


def test_clusters_are_listed_by_their_access_mode(people):
    found, team, *_ = people
    staff = found["staff"]
    made = {
        mode: staff.make("allocations/clusters/", name=mode, access_mode=mode, access_teams=[team])["id"]
        for mode in ("WL", "BL")
    }
    assert {made["WL"], made["BL"]} <= set(staff.ids("allocations/clusters/"))
    for name, mode in (("member", "WL"), ("other", "BL")):
        listed = found[name].ids("allocations/clusters/")
        assert [one for one in made if made[one] in listed] == [mode], name


def test_a_team_asks_for_units_of_clusters_that_it_has_access_to(people):
    found, team, _, bodies = people
    body = bodies["allocations/allocations/"]
    for mode, teams, status in (("WL", [team], 201), ("WL", [], 403), ("BL", [team], 403), ("BL", [], 201)):
        name = f"{mode}{teams}"
        cluster = found["staff"].make("allocations/clusters/", name=name, access_mode=mode, access_teams=teams)["id"]
        assert found["owner"].post("allocations/allocations/", {**body, "cluster": cluster}).status_code == status, name
        assert found["staff"].post("allocations/allocations/", {**body, "cluster": cluster}).status_code == 201


def test_private_comments_are_among_staff(people):
    found, _, _, bodies = people
    body = {**bodies["allocations/comments/"], "private": True}
    assert found["member"].post("allocations/comments/", body).status_code == 403
    made = found["staff"].make("allocations/comments/", **body)
    assert made["user"] == found["staff"].id
    assert found["member"].ids("allocations/comments/") == []
    assert found["member"].get(f"allocations/comments/{made['id']}/").status_code == 404


def test_a_review_is_by_whoever_writes_it(people):
    found, _, _, bodies = people
    body = bodies["allocations/reviews/"]
    assert found["staff"].make("allocations/reviews/", **body)["reviewer"] == found["staff"].id
    refused = found["staff"].post("allocations/reviews/", {**body, "reviewer": found["other"].id})
    assert refused.status_code == 400
    assert refused.json() == {"reviewer": ["Reviewer cannot be set to a different user than the submitter."]}


def test_preferences_are_ones_own(people):
    found = people[0]
    mine = found["member"].make("notifications/preferences/")["id"]
    path = f"notifications/preferences/{mine}/"
    for name, status in (("member", 200), ("staff", 200), ("other", 403)):
        assert found[name].get(path).status_code == status
        assert found[name].patch(path, {"notify_on_expiration": False}).status_code == status
    assert found["other"].ids("notifications/preferences/") == []
    assert found["other"].post("notifications/preferences/", {"user": found["owner"].id}).status_code == 403


def test_notifications_are_ones_own_and_only_marked_as_read(services, log_in):
    keystone = services(sample=True)
    user, staff = log_in(keystone, "user"), log_in(keystone)
    one = user.get("notifications/notifications/", _limit=1).json()["results"][0]
    path = f"notifications/notifications/{one['id']}/"
    changed = user.patch(path, {"read": not one["read"], "subject": "mine"}).json()
    assert (changed["read"], changed["subject"]) == (not one["read"], one["subject"])
    assert staff.get(path).status_code == 404
    for method in ("POST", "PUT", "DELETE"):
        answer = user.send(method, "notifications/notifications/" if method == "POST" else path, json={})
        assert (answer.status_code, answer.json()) == (405, {"detail": f'Method "{method}" not allowed.'})


@pytest.mark.parametrize("path", ["logs/requests/", "logs/audit/", "logs/tasks/", "logs/feed/"])
def test_logs_are_for_staff(staff, user, path):
    assert staff.get(path).status_code == 200
    assert user.get(path).json() == FORBIDDEN
    assert staff.post(path, {}).status_code == 405


@pytest.fixture
def groups(old_keystone, log_in):
    """People of the jwt era, a group, and what belongs to it."""
    found = {name: log_in(old_keystone, name) for name in WHO}
    staff = found["staff"]
    body = {"name": "G", "pi": found["owner"].id, "admins": [found["deputy"].id], "members": [found["member"].id]}
    group = staff.make("users/researchgroups/", **body)["id"]
    cluster = staff.make("allocations/clusters/", name="c1")["id"]
    request = staff.make("allocations/requests/", title="t", description="d", group=group)["id"]
    grant = {"title": "t", "agency": "a", "amount": "1", "grant_number": "n", "fiscal_year": 2024, "group": group}
    paper = {"title": "t", "abstract": "a", "date": "2024-01-01", "journal": "j", "group": group}
    bodies = {
        "allocations/clusters/": {"name": "c2"},
        "allocations/requests/": {"title": "t", "description": "d", "group": group},
        "allocations/allocations/": {"requested": 1, "cluster": cluster, "request": request},
        "allocations/reviews/": {"status": "AP", "request": request},
        "research/grants/": {**grant, "start_date": "2024-01-01", "end_date": "2024-12-31"},
        "research/publications/": paper,
    }
    return found, group, bodies


@pytest.mark.parametrize(
    ("path", "creators", "readers", "writers"),
    [
        ("allocations/clusters/", "staff", "staff owner deputy member other", "staff"),
        ("allocations/requests/", "staff owner deputy", "staff owner deputy member", "staff"),
        ("allocations/allocations/", "staff", "staff owner deputy member", "staff"),
        ("allocations/reviews/", "staff", "staff owner deputy member", "staff"),
        ("research/grants/", "staff owner deputy", "staff owner deputy member", "staff owner deputy"),
        (
            "research/publications/",
            "staff owner deputy member",
            "staff owner deputy member",
            "staff owner deputy member",
        ),
    ],
)
def test_in_the_jwt_era_what_is_foreign_does_not_exist(groups, path, creators, readers, writers):
    found, _, bodies = groups
    made = found["staff"].make(path, **bodies[path])["id"]
    for name in WHO:
        assert found[name].post(path, bodies[path]).status_code == (201 if name in creators.split() else 403), name
        is_reader = name in readers.split()
        assert found[name].get(f"{path}{made}/").status_code == (200 if is_reader else 404), name
        assert (made in found[name].ids(path)) is is_reader, name
        status = 200 if name in writers.split() else 403 if is_reader or writers == "staff" else 404
        assert found[name].patch(f"{path}{made}/", {}).status_code == status, name


def test_in_the_jwt_era_anybody_founds_a_group_and_its_leads_change_it(groups):
    found, group, _ = groups
    assert found["other"].post("users/researchgroups/", {"name": "H", "pi": found["other"].id}).status_code == 201
    for name in WHO:
        status = 200 if name in ("staff", "owner", "deputy") else 403
        assert found[name].patch(f"users/researchgroups/{group}/", {}).status_code == status, name
        assert group in found[name].ids("users/researchgroups/"), name
        assert found[name].get("logs/requests/").status_code == (200 if name == "staff" else 403)


def test_in_the_jwt_era_users_change_themselves(groups):
    found = groups[0]
    other = found["other"]
    answer = other.patch(f"users/users/{other.id}/", {"first_name": "Olga", "is_staff": True, "password": "new one"})
    assert (answer.json()["first_name"], answer.json()["is_staff"]) == ("Olga", False)
    assert other.log_in("other", "new one").ok
    assert other.patch(f"users/users/{found['deputy'].id}/", {"first_name": "X"}).status_code == 403
    assert other.post("users/users/", {"username": "x", "password": "y"}).status_code == 403
