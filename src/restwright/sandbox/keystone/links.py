"""Kinds of values that are other records, by their numbers."""

from __future__ import annotations

from typing import Any

from restwright.sandbox.keystone.kinds import MOST_INTEGER, Invalid, Kind, Schema

__all__ = ["Link", "Links", "as_id"]


class Link(Kind):
    """The number of another record.

    Args:
        target: Class of its table.
    """

    def __init__(self, target: type[Any]) -> None:
        self.target = target

    def parse(self, value: Any) -> int:
        """The number; whether there is such a record, the database knows."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise Invalid(f"Incorrect type. Expected pk value, received {type(value).__name__}.")
        number = as_id(str(value))
        if number is None and isinstance(value, str) and not value.strip().lstrip("-").isdecimal():
            raise Invalid(f"Incorrect type. Expected pk value, received {type(value).__name__}.")
        if number is None:
            raise self.missing(value)
        return number

    def parse_filter(self, text: str) -> int:
        """The number; whether there is such a record, the database knows."""
        number = as_id(text)
        if number is None:
            raise self.not_a_choice()
        return number

    def missing(self, value: Any) -> Invalid:
        """There is no such record."""
        return Invalid(f'Invalid pk "{value}" - object does not exist.')

    def not_a_choice(self) -> Invalid:
        """There is no such record to filter by."""
        return Invalid("Select a valid choice. That choice is not one of the available choices.")

    def schema(self) -> Schema:
        """An integer."""
        return {"type": "integer"}


class Links(Link):
    """The numbers of other records. Filters by them are ignored."""

    lookups = ()

    def parse(self, value: Any) -> Any:
        """A list without repetitions."""
        if not isinstance(value, list):
            raise Invalid(f'Expected a list of items but got type "{type(value).__name__}".')
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return list(dict.fromkeys(super(Links, self).parse(item) for item in items))

    def schema(self) -> Schema:
        """An array."""
        return {"type": "array", "items": {"type": "integer"}}


def as_id(text: str) -> int | None:
    """The number of a record, or None where no record could have it."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        return None
    number = int(text)
    return number if number <= MOST_INTEGER else None
