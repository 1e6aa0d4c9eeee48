"""Column types that say more than SQL does: from them follow how a value is read, shown, filtered and documented."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import BigInteger, DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator

__all__ = ["Choice", "Email", "Moment", "Money", "Slug"]


class Choice(TypeDecorator[str]):
    """One of a few codes.

    Args:
        labels: What each code means, for people.
    """

    impl = String
    cache_ok = True

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__(max(map(len, labels)))
        self._labels = labels  # not `labels`: SQLAlchemy would cache statements by them, and dicts have no hash

    @property
    def labels(self) -> Mapping[str, str]:
        """What each code means."""
        return self._labels


class Email(TypeDecorator[str]):
    """An address of electronic mail."""

    impl = String
    cache_ok = True


class Slug(TypeDecorator[str]):
    """A name for URLs: letters, digits, dashes and underscores."""

    impl = String
    cache_ok = True


class Moment(TypeDecorator[datetime.datetime]):
    """A point in time. Python has it in UTC; the database without a zone, so that SQLite and PostgreSQL agree."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:  # noqa: ARG002
        """UTC, without saying so."""
        return None if value is None else value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:  # noqa: ARG002
        """UTC, and saying so."""
        return None if value is None else value.replace(tzinfo=datetime.UTC)


class Money(TypeDecorator[Decimal]):
    """An amount with two decimals, kept in hundredths: SQLite has no decimal numbers."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Hundredths; more decimals than two, as filters may have, are cut off."""
        return None if value is None else int(value * 100)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """With two decimals."""
        return None if value is None else Decimal(value).scaleb(-2)
