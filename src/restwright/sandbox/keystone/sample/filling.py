"""An empty database gets accounts, or a whole computing centre, in the tables of its era."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from sqlalchemy import func, insert, select
from sqlalchemy.orm import DeclarativeBase, Session

from restwright.sandbox.keystone.catalogue.hooks import slug_of
from restwright.sandbox.keystone.passwords import hashed
from restwright.sandbox.keystone.sample.centre import Centre, Row, accounts_only, invent
from restwright.sandbox.keystone.settings import Settings
from restwright.sandbox.keystone.tables import jwt as jwt_tables
from restwright.sandbox.keystone.tables import session as session_tables
from restwright.sandbox.keystone.tables.shared import today

__all__ = ["fill"]

Rows: TypeAlias = Iterator[tuple[Any, Iterable[Row]]]
"""Tables with their rows, in an order in which each finds what it refers to."""


def fill(session: Session, settings: Settings) -> None:
    """Write the accounts, and the sample if it is wanted, unless there are users already."""
    tables = jwt_tables if settings.era == "jwt" else session_tables
    if session.scalar(select(func.count(tables.User.id))):
        return
    accounts = [
        {"username": settings.staff.username, "first_name": "Alex", "last_name": "Admin", "is_staff": True},
        {"username": settings.plain.username, "first_name": "Robin", "last_name": "User", "is_staff": False},
    ]
    centre = invent(settings.seed, today(), first=accounts) if settings.sample else accounts_only(accounts)
    staff, plain = hashed(settings.staff.password), hashed(settings.plain.password)
    for number, row in enumerate(centre.users):
        row["password"] = plain if number else staff  # all others have that of the plain one
    for table, rows in _jwt_rows(centre) if settings.era == "jwt" else _session_rows(centre):
        numbered = [{"id": number, **row} for number, row in enumerate(rows, 1)] if hasattr(table, "id") else [*rows]
        if numbered:
            session.execute(insert(table), numbered)
    if session.get_bind().dialect.name == "postgresql":
        _count_on(session, tables.Base)


def _session_rows(centre: Centre) -> Rows:
    tables = session_tables
    yield tables.User, centre.users
    yield tables.Token, [{"key": secrets.token_hex(20), "user_id": number} for number in (1, 2)]
    yield (
        tables.Team,
        [{"name": one.name, "slug": slug_of(one.name), "is_active": one.is_active} for one in centre.teams],
    )
    yield (
        tables.Membership,
        [
            {"role": role, "user_id": user, "team_id": number}
            for number, team in enumerate(centre.teams, 1)
            for role, users in (("OW", [team.owner]), ("AD", team.admins), ("MB", team.members))
            for user in users
        ],
    )
    modes = {"granite": "WL", "fjord": "BL"}
    yield tables.Cluster, [{**one, "access_mode": modes.get(one["name"], "OP")} for one in centre.clusters]
    limited = [number for number, one in enumerate(centre.clusters, 1) if one["name"] in modes]
    yield (
        tables.cluster_access_teams,
        [{"source_id": cluster, "target_id": team} for cluster in limited for team in (2, 3, 5)],
    )
    yield tables.Grant, centre.grants
    yield tables.Publication, centre.publications
    yield tables.AllocationRequest, [_without(one, "assignee_id") for one in centre.requests]
    yield tables.request_assignees, _assignees(centre)
    for links, linked in ((tables.request_grants, centre.grants), (tables.request_publications, centre.publications)):
        yield links, list(_of_same_team(centre, linked))
    yield tables.Allocation, centre.allocations
    yield tables.AllocationReview, centre.reviews
    yield tables.Comment, centre.comments
    yield tables.Notification, centre.notifications


def _jwt_rows(centre: Centre) -> Rows:
    tables = jwt_tables
    yield tables.User, centre.users
    yield (
        tables.ResearchGroup,
        [{"name": one.name, "is_active": one.is_active, "pi_id": one.owner} for one in centre.teams],
    )
    for links, name in ((tables.group_admins, "admins"), (tables.group_members, "members")):
        pairs = ((number, user) for number, team in enumerate(centre.teams, 1) for user in getattr(team, name))
        yield links, [{"source_id": group, "target_id": user} for group, user in pairs]
    yield tables.Cluster, centre.clusters
    grants = [_without(one, "pi", "description", "team_id") | {"group_id": one["team_id"]} for one in centre.grants]
    yield tables.Grant, [{**one, "fiscal_year": one["start_date"].year} for one in grants]
    yield (
        tables.Publication,
        [
            {name: one[name] for name in ("title", "abstract", "journal", "doi")}
            | {"date": one["published"] or one["submitted"], "group_id": one["team_id"]}
            for one in centre.publications
        ],
    )
    yield (
        tables.AllocationRequest,
        [
            _without(one, "assignee_id", "submitter_id", "team_id") | {"group_id": one["team_id"]}
            for one in centre.requests
        ],
    )
    yield tables.request_assignees, _assignees(centre)
    yield tables.Allocation, centre.allocations
    yield (
        tables.AllocationReview,
        [_without(one, "submitted") | {"date_modified": one["submitted"]} for one in centre.reviews],
    )


def _assignees(centre: Centre) -> list[Row]:
    return [{"source_id": number, "target_id": one["assignee_id"]} for number, one in enumerate(centre.requests, 1)]


def _of_same_team(centre: Centre, linked: list[Row]) -> Iterator[Row]:
    """Each request with what its team had when it was submitted, up to three of them."""
    for number, request in enumerate(centre.requests, 1):
        begun = [
            other
            for other, one in enumerate(linked, 1)
            if one["team_id"] == request["team_id"]
            and one.get("submitted", one.get("start_date")) <= request["submitted"]
        ]
        yield from ({"source_id": number, "target_id": other} for other in begun[-3:])


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _count_on(session: Session, base: type[DeclarativeBase]) -> None:
    """Let PostgreSQL number new rows from where we stopped."""
    for mapper in base.registry.mappers:
        if hasattr(mapper.class_, "id"):
            column = mapper.columns["id"]
            is_called = False
            sequence = func.pg_get_serial_sequence(column.table.name, "id")
            session.execute(select(func.setval(sequence, func.coalesce(func.max(column) + 1, 1), is_called)))
