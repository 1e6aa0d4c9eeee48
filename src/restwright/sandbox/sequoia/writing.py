"""Changes: each is done as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, and_, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from restwright.sandbox.sequoia.intake import Draft
from restwright.sandbox.sequoia.paging import find_scope
from restwright.sandbox.sequoia.refusals import conflict, no_such_resource
from restwright.sandbox.sequoia.tables import Base, Resource, Scope, Value
from restwright.sandbox.sequoia.values import scalars, words

__all__ = ["Stored", "analyze", "create", "find", "remove", "replace"]

_AT_ONCE: Final = 5000
# As tables: rows of classes would be grouped by which of their columns are null.
_RESOURCES: Final = Base.metadata.tables[Resource.__tablename__]
_VALUES: Final = Base.metadata.tables[Value.__tablename__]
Stored = tuple[int, str, str]
"""Number, version and document of a resource."""


def create(session: Session, kind: str, owner: str, drafts: Sequence[Draft]) -> list[int]:
    """Store new resources; their numbers.

    Raises:
        Refusal: 409, there are some of them already.
    """
    scope = find_scope(session, kind, owner) or _new_scope(session, kind, owner)
    refs = [one.ref for one in drafts]
    taken = [ref for part in _parts(refs) for ref in session.scalars(select(Resource.ref).where(_of(scope, part)))]
    if taken:
        raise conflict(sorted(taken))
    numbers: list[int] = []
    for part in _parts(drafts):
        before = session.scalar(select(func.max(Resource.id))) or 0
        session.execute(insert(_RESOURCES), [{"scope": scope, **_columns(one)} for one in part])
        found = session.execute(select(Resource.ref, Resource.id).where(Resource.id > before))
        ids = dict(found.all())
        _insert_values(session, (row for one in part for row in _values(scope, ids[one.ref], one)))
        numbers += ids.values()
    return numbers


def find(session: Session, kind: str, owner: str, ref: str) -> Stored:
    """A resource, to change it.

    Raises:
        Refusal: 404.
    """
    wanted = _of(find_scope(session, kind, owner), [ref])
    columns = select(Resource.id, Resource.version, Resource.document)
    found = session.execute(columns.where(wanted)).first()
    if found is None:
        raise no_such_resource([ref])
    return found


def replace(session: Session, kind: str, owner: str, number: int, draft: Draft) -> None:
    """Put a document in the place of another."""
    session.execute(update(Resource).where(Resource.id == number).values(_columns(draft)))
    session.execute(delete(Value).where(Value.resource == number))
    _insert_values(session, _values(find_scope(session, kind, owner), number, draft))


def remove(session: Session, kind: str, owner: str, refs: Collection[str]) -> None:
    """Delete resources.

    Raises:
        Refusal: 404, some of them are not there.
    """
    scope = find_scope(session, kind, owner)
    found = dict(session.execute(select(Resource.ref, Resource.id).where(_of(scope, refs))).all())
    missing = [ref for ref in refs if ref not in found]
    if missing:
        raise no_such_resource(missing)
    session.execute(delete(Value).where(Value.resource.in_(found.values())))
    session.execute(delete(Resource).where(Resource.id.in_(found.values())))


def analyze(session: Session) -> None:
    """Have PostgreSQL look at what it has, after a bulk load; else it would plan for empty tables for a minute."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text(f"ANALYZE {_RESOURCES.name}, {_VALUES.name}"))


def _of(scope: int, refs: Collection[str]) -> ColumnElement[bool]:
    return and_(Resource.scope == scope, Resource.ref.in_(refs))


def _new_scope(session: Session, kind: str, owner: str) -> int:
    scope = Scope(kind=kind, owner=owner)
    session.add(scope)
    session.flush()
    return scope.id


def _columns(draft: Draft) -> dict[str, Any]:
    document = orjson.dumps(draft.document).decode()
    return {"ref": draft.ref, "version": draft.version, "document": document, "words": words(draft.document)}


def _values(scope: int, number: int, draft: Draft) -> Iterator[tuple[Any, ...]]:
    known: set[tuple[str, str, str]] = set()
    paths: set[str] = set()
    for one in scalars(draft.document):
        if one[:3] not in known:
            known.add(one[:3])
            yield (scope, one.path, one.text, one.type, number, one.number, one.path not in paths)
            paths.add(one.path)


def _insert_values(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    """By the shortest way of each driver; they are most of what a bulk load writes."""
    connection = session.connection()
    names = ", ".join(f'"{column.name}"' for column in _VALUES.columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in _VALUES.columns)
        connection.exec_driver_sql(f"INSERT INTO {_VALUES.name} ({names}) VALUES ({marks})", list(rows))  # noqa: S608  # our own names
        return
    driver: Any = connection.connection.driver_connection  # psycopg's
    with driver.cursor() as cursor, cursor.copy(f"COPY {_VALUES.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
