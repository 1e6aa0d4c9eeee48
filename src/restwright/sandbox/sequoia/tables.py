"""The tables: resources as JSON text, and beside them the values that they are found by.

A value is a row for each scalar at each path of a document. So filters are the same SQL in SQLite and PostgreSQL, and
use an index, whatever members the documents have.
"""

from __future__ import annotations

from sqlalchemy import Double, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["LONGEST_PATH", "LONGEST_TEXT", "Base", "Resource", "Scope", "Value"]

LONGEST_PATH = 200
LONGEST_TEXT = 400
"""Characters of a text that count when it is compared: an index of PostgreSQL takes 2,700 bytes."""


def _text(length: int) -> String:
    """Compared by code points, in both databases."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """All tables."""


class Scope(Base):
    """A kind of resources of one owner; a number that the other tables can hold in the place of both."""

    __tablename__ = "sequoia_scope"
    __table_args__ = (UniqueConstraint("kind", "owner"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(200))
    owner: Mapped[str] = mapped_column(String(200))


class Resource(Base):
    """A resource. Its number never comes again: pages go by it."""

    __tablename__ = "sequoia_resource"
    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[int]
    ref: Mapped[str] = mapped_column(_text(400))
    version: Mapped[str] = mapped_column(String(40))
    document: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("scope", "ref"),
        Index("sequoia_resource_order", "scope", "id"),
        {"sqlite_autoincrement": True},
    )


class Value(Base):
    """A value of a resource.

    `type` is `t` for text, `d` for text that is a date, `n` for a number, `b` for a boolean and `o` for an object,
    which is there but has no value. No foreign keys, which would double the time of a bulk load.
    """

    __tablename__ = "sequoia_value"
    __table_args__ = (Index("sequoia_value_of", "resource", "field"), {"sqlite_with_rowid": False})

    scope: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    field: Mapped[str] = mapped_column(_text(LONGEST_PATH), primary_key=True)
    text: Mapped[str] = mapped_column(_text(LONGEST_TEXT), primary_key=True)
    type: Mapped[str] = mapped_column(String(1), primary_key=True)
    resource: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[float | None] = mapped_column(Double)
    is_first: Mapped[bool]
