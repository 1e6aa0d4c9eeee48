"""What happens before a record is written, beyond what its fields say."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from sqlalchemy import select

from restwright.sandbox.keystone.answers import bad_request, forbidden
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.passwords import faults_of, hashed
from restwright.sandbox.keystone.tables.session import AllocationRequest, Cluster, Membership, Team

__all__ = [
    "check_cluster_access",
    "check_password",
    "check_privacy",
    "check_reviewer",
    "hash_password",
    "own_team",
    "set_slug",
    "slug_of",
]


def check_password(_: Call, values: dict[str, Any], record: Any) -> None:
    """Refuse weak passwords."""
    username = values.get("username") or (record.username if record is not None else "")
    faults = faults_of(values["password"], username) if "password" in values else []
    if faults:
        raise bad_request({"password": faults})


def hash_password(_: Call, values: dict[str, Any], __: Any) -> None:
    """Keep no password as it is."""
    if "password" in values:
        values["password"] = hashed(values["password"])


def check_reviewer(call: Call, values: dict[str, Any], _: Any) -> None:
    """Nobody reviews in the name of another."""
    if values.get("reviewer_id", call.user.id) != call.user.id:
        raise bad_request({"reviewer": ["Reviewer cannot be set to a different user than the submitter."]})


def check_privacy(call: Call, values: dict[str, Any], _: Any) -> None:
    """Only staff writes what only staff sees."""
    if values.get("private") and not call.user.is_staff:
        raise forbidden()


def check_cluster_access(call: Call, values: dict[str, Any], record: Any) -> None:
    """A team gets nothing of a cluster that it has no access to."""
    if call.user.is_staff or record is not None:
        return
    cluster = call.session.get_one(Cluster, values["cluster_id"])
    team_id = call.session.get_one(AllocationRequest, values["request_id"]).team_id
    is_listed = team_id in {team.id for team in cluster.access_teams}
    if cluster.access_mode != "OP" and is_listed != (cluster.access_mode == "WL"):
        raise forbidden()


def slug_of(name: str) -> str:
    """A name for URLs."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain)).strip("-_")[:240] or "team"


def set_slug(call: Call, values: dict[str, Any], record: Any) -> None:
    """Make the name for URLs, with a number behind it where another team has it."""
    if record is not None:
        return
    slug = base = slug_of(values["name"])
    number = 1
    while call.session.scalars(select(Team.id).where(Team.slug == slug)).first() is not None:
        number += 1
        slug = f"{base}-{number}"
    values["slug"] = slug


def own_team(call: Call, _: dict[str, Any], record: Any) -> None:
    """Who founds a team owns it; staff founds teams for others."""
    if not call.user.is_staff and call.user.user not in record.users:
        call.session.add(Membership(user_id=call.user.id, team_id=record.id, role="OW"))
