"""Who may do what, as data: each resource says for each act who may, and how its records belong to teams and users."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement

__all__ = ["Access", "Caller", "Scope", "Who", "follow", "through"]

LEADING = frozenset({"OW", "AD"})


class Who(enum.Flag):
    """Groups of callers; staff may always, unless it is nobody."""

    NOBODY = 0
    STAFF = enum.auto()
    LEADS = enum.auto()
    """Owners and admins of the record's team."""
    MEMBERS = enum.auto()
    """All of the record's team."""
    OWNER = enum.auto()
    """The user whose record it is."""
    ANYONE = enum.auto()


@dataclass
class Caller:
    """Whoever sent the request and is known.

    Attributes:
        user: Row of the user.
        find_roles: Tells the roles of a user, by the teams' ids.
        id: Of the user; known also when the transaction is over.
    """

    user: Any
    find_roles: Callable[[Any], Mapping[int, str]]
    id: int = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.user.id

    @property
    def is_staff(self) -> bool:
        """Whether the user may do everything."""
        return bool(self.user.is_staff or self.user.is_superuser)

    @cached_property
    def roles(self) -> Mapping[int, str]:
        """Role by the team's id, as of the first time that it is asked for."""
        return self.find_roles(self.user)


Scope: TypeAlias = Callable[[Any, Caller], ColumnElement[bool]]
"""Of a table's class, the condition that a caller's records fulfil."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may do what with the records of a resource.

    Attributes:
        read: Who may read one.
        create: Who may create one; judged by the record as it would be.
        update: Who may change one.
        delete: Who may delete one.
        team: Path of attributes from a record to its team's id.
        owner: Path of attributes from a record to its user's id.
        listed: What is in the lists of those who are not staff; everything, if None.
        hides: Whether a single record that is not listed does not exist (404), rather than being forbidden (403).
        staff_too: Whether staff has such lists as well.
    """

    read: Who = Who.ANYONE
    create: Who = Who.STAFF
    update: Who = Who.STAFF
    delete: Who = Who.STAFF
    team: str = ""
    owner: str = ""
    listed: Scope | None = None
    hides: bool = False
    staff_too: bool = False

    def allows(self, who: Who, caller: Caller, record: Any) -> bool:
        """Whether the caller belongs to those who may, as far as this record goes."""
        if Who.ANYONE in who or (caller.is_staff and who):
            return True
        role = caller.roles.get(follow(record, self.team)) if self.team else None
        if (Who.MEMBERS in who and role is not None) or (Who.LEADS in who and role in LEADING):
            return True
        return Who.OWNER in who and bool(self.owner) and follow(record, self.owner) == caller.id

    def scope(self, model: type[Any], caller: Caller) -> ColumnElement[bool] | None:
        """The condition for the caller's lists, or None if there is none."""
        if self.listed is None or (caller.is_staff and not self.staff_too):
            return None
        return self.listed(model, caller)


def follow(record: Any, path: str) -> Any:
    """The value at the end of a path of attributes, such as `request.team_id`."""
    for name in path.split("."):
        record = getattr(record, name)
    return record


def through(model: Any, path: str, condition: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """A condition on the column at the end of a path of attributes: `through(Allocation, "request.team_id", ...)`."""
    name, _, rest = path.partition(".")
    attribute = getattr(model, name)
    if not rest:
        return condition(attribute)
    inner = through(attribute.property.mapper.class_, rest, condition)
    found: ColumnElement[bool] = attribute.has(inner)
    return found
