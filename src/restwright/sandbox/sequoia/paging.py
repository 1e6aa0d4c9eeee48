"""Pages of resources in SQL: by number, or from where the page before ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from restwright.sandbox.sequoia.filters import condition
from restwright.sandbox.sequoia.query import Query, Sorting
from restwright.sandbox.sequoia.tables import Resource, Scope, Value

__all__ = ["Row", "Selection", "find_scope", "is_none_of"]


@dataclass(frozen=True)
class Row:
    """A resource of a page; `place` is where it is in the order of the page."""

    id: int
    ref: str
    document: str
    place: list[Any]


def find_scope(session: Session, kind: str, owner: str) -> int:
    """The number of a kind of an owner; 0, which nothing has, if there is none yet."""
    return session.scalar(select(Scope.id).where(Scope.kind == kind, Scope.owner == owner)) or 0


def is_none_of(column: Any, numbers: Collection[int]) -> ColumnElement[bool]:
    """A condition for any count of numbers: they are written out, for databases take only so many parameters."""
    condition: ColumnElement[bool] = column.not_in(
        bindparam(None, [*numbers], expanding=True, literal_execute=True, type_=Integer())
    )
    return condition


class Selection:
    """The resources that a query is about, in its order.

    Those of the same place in it are as they were stored. What has no value to sort by comes last, numbers come before
    dates and dates before other texts.

    Args:
        session: A transaction.
        scope: Of the resources.
        query: What is asked for.
        hidden: Numbers of resources that are left out.
    """

    def __init__(self, session: Session, scope: int, query: Query, hidden: Collection[int]) -> None:
        self._session = session
        self._conditions: list[ColumnElement[bool]] = [Resource.scope == scope]
        self._conditions += [condition(scope, fields, test) for fields, test in query.filters]
        self._conditions += [Resource.words.contains(word, autoescape=True) for word in query.words]
        if hidden:
            self._conditions.append(is_none_of(Resource.id, hidden))
        self._joins = [_Key(sorting) for sorting in query.sortings]
        self._order = [column for key in self._joins for column in key.columns]
        self._order.append((Resource.id, False))

    def count(self) -> int:
        """How many there are."""
        return self._session.scalar(select(func.count(Resource.id)).where(*self._conditions)) or 0

    def page(self, number: int, size: int) -> list[Row]:
        """A page by its number from 1, and one resource more if there is one."""
        return self._rows(self._select().offset((number - 1) * size).limit(size + 1))

    def after(self, place: Sequence[Any] | None, size: int) -> list[Row]:
        """So many resources after a place, and one more if there is one; from the beginning if it is None."""
        found = self._select()
        if place is not None:
            found = found.where(_is_after(self._order, place))
        return self._rows(found.limit(size + 1))

    def _select(self) -> Select[*tuple[Any, ...]]:
        columns = (column for column, _ in self._order[:-1])
        found: Select[*tuple[Any, ...]] = select(Resource.id, Resource.ref, Resource.document, *columns).where(
            *self._conditions
        )
        for key in self._joins:
            found = found.outerjoin(key.value, key.is_of_resource)
        return found.order_by(*(column.desc() if is_falling else column.asc() for column, is_falling in self._order))

    def _rows(self, found: Select[*tuple[Any, ...]]) -> list[Row]:
        rows = self._session.execute(found)
        return [Row(row[0], row[1], row[2], [*row[3:], row[0]]) for row in rows]


class _Key:
    """What is sorted by: of each resource its first value at a path."""

    def __init__(self, sorting: Sorting) -> None:
        self.value = value = aliased(Value)
        # Not by the scope: PostgreSQL would use the index that begins with it, and that is the wrong one.
        self.is_of_resource = and_(value.resource == Resource.id, value.field == sorting.path, value.is_first)
        rank = case((value.type.is_(None), 3), (value.type == "n", 0), (value.type == "d", 1), else_=2)
        falls = sorting.is_descending
        self.columns: list[tuple[Any, bool]] = [
            (rank, False),
            (func.coalesce(value.number, 0.0), falls),
            (func.coalesce(value.text, ""), falls),
        ]


def _is_after(order: Sequence[tuple[Any, bool]], place: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a resource comes after a place: it does by one column, and is the same in those before."""
    cases: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for (column, is_falling), value in zip(order, place, strict=True):
        cases.append(and_(*same, column < value if is_falling else column > value))
        same.append(column == value)
    return or_(*cases)
