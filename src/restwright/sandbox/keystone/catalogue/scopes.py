"""What is in the lists of those who are not staff, as conditions on tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_

from restwright.sandbox.keystone.access import Caller, Scope, through

__all__ = ["all_of", "by_access_mode", "of_active", "of_teams", "of_user", "public"]


def of_teams(path: str) -> Scope:
    """Records of the caller's teams; `path` leads from the record to the team's id."""

    def scope(model: Any, caller: Caller) -> ColumnElement[bool]:
        return through(model, path, lambda column: column.in_(list(caller.roles)))

    return scope


def of_user(path: str) -> Scope:
    """The caller's own records; `path` leads from the record to the user's id."""

    def scope(model: Any, caller: Caller) -> ColumnElement[bool]:
        return through(model, path, lambda column: column == caller.id)

    return scope


def of_active(path: str) -> Scope:
    """Records of what is active; `path` leads to whether it is."""

    def scope(model: Any, _: Caller) -> ColumnElement[bool]:
        return through(model, path, lambda column: column.is_(True))

    return scope


def public(model: Any, _: Caller) -> ColumnElement[bool]:
    """What is not private."""
    condition: ColumnElement[bool] = model.private.is_(False)
    return condition


def by_access_mode(model: Any, caller: Caller) -> ColumnElement[bool]:
    """Clusters that are open, or whose list of teams has one of the caller's (white) or none of them (black)."""
    is_listed = model.access_teams.any(model.access_teams.property.mapper.class_.id.in_(list(caller.roles)))
    return or_(
        model.access_mode == "OP",
        and_(model.access_mode == "WL", is_listed),
        and_(model.access_mode == "BL", not_(is_listed)),
    )


def all_of(*scopes: Scope) -> Scope:
    """What is in each of the scopes."""

    def scope(model: Any, caller: Caller) -> ColumnElement[bool]:
        return and_(*(one(model, caller) for one in scopes))

    return scope
