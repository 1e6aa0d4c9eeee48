"""Criteria: what the items of a listing have to be like, written once for all services.

    where("amount") >= 5
    where("status").is_in(["new", "open"]) & where("title").contains("disk")

A service renders them in its own grammar; what that cannot say fails before anything is sent.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

__all__ = ["Condition", "Criteria", "Field", "Is", "Render", "UnsupportedCriteria", "render", "where"]


class Is(enum.Enum):
    """How a field relates to the value of a condition; its value is what the error messages call it."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    BETWEEN = "between"
    IN = "is_in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    NOT_STARTS_WITH = "not_starts_with"
    ENDS_WITH = "ends_with"
    NOT_ENDS_WITH = "not_ends_with"
    HAS_ALL = "has_all"
    HAS_ANY = "has_any"
    NULL = "is_null"
    NOT_NULL = "not_null"
    MISSING = "is_missing"
    PRESENT = "is_present"


_OPPOSITE: Final = {
    Is.EQUAL: Is.NOT_EQUAL,
    Is.LESS: Is.AT_LEAST,
    Is.GREATER: Is.AT_MOST,
    Is.IN: Is.NOT_IN,
    Is.CONTAINS: Is.NOT_CONTAINS,
    Is.STARTS_WITH: Is.NOT_STARTS_WITH,
    Is.ENDS_WITH: Is.NOT_ENDS_WITH,
    Is.NULL: Is.NOT_NULL,
    Is.MISSING: Is.PRESENT,
}
_OPPOSITE.update({negative: positive for positive, negative in list(_OPPOSITE.items())})


class UnsupportedCriteria(ValueError):
    """A service has no way to say this."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to hold."""

    field: str
    """The field's name; dots lead to members of members."""
    relation: Is
    value: Any = None
    """A tuple for `IN`, `NOT_IN`, `HAS_ALL`, `HAS_ANY`, and for `BETWEEN`: both ends, which count as well."""

    def __str__(self) -> str:
        return f"{self.field} {self.relation.value}"


class Criteria:
    """Conditions that all have to hold, in the order they were given; `&` joins them, `~` turns one around."""

    __slots__ = ("conditions",)

    def __init__(self, *conditions: Condition) -> None:
        self.conditions: Final = conditions

    def __and__(self, other: Criteria) -> Criteria:
        return Criteria(*self.conditions, *other.conditions)

    def __invert__(self) -> Criteria:
        if len(self.conditions) == 1 and (opposite := _OPPOSITE.get(self.conditions[0].relation)):
            one = self.conditions[0]
            return Criteria(Condition(one.field, opposite, one.value))
        raise UnsupportedCriteria(f"no service can turn this around: {self!r}")

    def __iter__(self) -> Iterator[Condition]:
        return iter(self.conditions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Criteria) and self.conditions == other.conditions

    def __hash__(self) -> int:
        return hash(self.conditions)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "criteria are neither true nor false: join them with & instead of `and`, "
            "and say where(...).between(low, high) instead of low <= where(...) <= high"
        )

    def __repr__(self) -> str:
        return " & ".join(_shown(condition) for condition in self.conditions) or "Criteria()"


def where(field: str) -> Field:
    """The field of this name, to be compared with values.

    >>> (where("amount") >= 5) & where("status").is_in(["new", "open"])
    (where('amount') >= 5) & where('status').is_in(['new', 'open'])
    """
    return Field(field)


class Field:
    """A field of the items, whose comparisons are `Criteria`."""

    __slots__ = ("_name",)
    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # == makes criteria

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]  # not all are typed
            raise TypeError(f"the name of a field is a text, and not empty, got {name!r}")
        self._name = name

    def _is(self, relation: Is, value: Any = None) -> Criteria:
        if isinstance(value, Field | Criteria):
            raise TypeError(f"{self!r} is compared with a value, got {value!r}")
        return Criteria(Condition(self._name, relation, value))

    # Not what `==` means elsewhere, and that is the point of it.
    def __eq__(self, value: object) -> Criteria:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._is(Is.EQUAL, value)

    def __ne__(self, value: object) -> Criteria:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._is(Is.NOT_EQUAL, value)

    def __lt__(self, value: Any) -> Criteria:
        return self._is(Is.LESS, value)

    def __le__(self, value: Any) -> Criteria:
        return self._is(Is.AT_MOST, value)

    def __gt__(self, value: Any) -> Criteria:
        return self._is(Is.GREATER, value)

    def __ge__(self, value: Any) -> Criteria:
        return self._is(Is.AT_LEAST, value)

    def between(self, low: Any, high: Any) -> Criteria:
        """From `low` to `high`, both included."""
        return self._is(Is.BETWEEN, (low, high))

    def is_in(self, values: Iterable[Any]) -> Criteria:
        """It is one of the values."""
        return self._is(Is.IN, _several("is_in", values))

    def not_in(self, values: Iterable[Any]) -> Criteria:
        """It is none of the values."""
        return self._is(Is.NOT_IN, _several("not_in", values))

    def contains(self, text: str) -> Criteria:
        """It is a text with this text in it."""
        return self._is(Is.CONTAINS, _text("contains", text))

    def not_contains(self, text: str) -> Criteria:
        """It is a text without this text in it."""
        return self._is(Is.NOT_CONTAINS, _text("not_contains", text))

    def starts_with(self, text: str) -> Criteria:
        """It is a text that begins so."""
        return self._is(Is.STARTS_WITH, _text("starts_with", text))

    def not_starts_with(self, text: str) -> Criteria:
        """It is a text that begins otherwise."""
        return self._is(Is.NOT_STARTS_WITH, _text("not_starts_with", text))

    def ends_with(self, text: str) -> Criteria:
        """It is a text that ends so."""
        return self._is(Is.ENDS_WITH, _text("ends_with", text))

    def not_ends_with(self, text: str) -> Criteria:
        """It is a text that ends otherwise."""
        return self._is(Is.NOT_ENDS_WITH, _text("not_ends_with", text))

    def has_all(self, values: Iterable[Any]) -> Criteria:
        """It is a list that has all of the values."""
        return self._is(Is.HAS_ALL, _several("has_all", values))

    def has_any(self, values: Iterable[Any]) -> Criteria:
        """It is a list that has at least one of the values."""
        return self._is(Is.HAS_ANY, _several("has_any", values))

    def is_null(self) -> Criteria:
        """It has no value: null."""
        return self._is(Is.NULL)

    def not_null(self) -> Criteria:
        """It has a value that is not null."""
        return self._is(Is.NOT_NULL)

    def is_missing(self) -> Criteria:
        """The item has no such field."""
        return self._is(Is.MISSING)

    def is_present(self) -> Criteria:
        """The item has such a field, whatever its value."""
        return self._is(Is.PRESENT)

    def __repr__(self) -> str:
        return f"where({self._name!r})"


# What a service makes of a condition: query parameters.
Render: TypeAlias = Callable[[Condition], Mapping[str, str]]


def render(criteria: Criteria, grammar: Mapping[Is, Render], *, service: str) -> dict[str, str]:
    """The query parameters for criteria, in the grammar of a service.

    Args:
        criteria: What to say.
        grammar: How it is said there, for each relation that the service knows.
        service: Its name, for errors.

    Raises:
        UnsupportedCriteria: The service does not know the relation, or the same parameter would stand twice.
    """
    params: dict[str, str] = {}
    for condition in criteria:
        how = grammar.get(condition.relation)
        if how is None:
            known = ", ".join(relation.value for relation in grammar)
            raise UnsupportedCriteria(f"{service} has no way to say {condition}; it knows {known}")
        for name, text in how(condition).items():
            if params.get(name, text) != text:
                raise UnsupportedCriteria(f"{service} takes only one condition of this kind: {condition}")
            params[name] = text
    return params


def _several(name: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{name} takes a list of values, got {values!r}")
    several = tuple(values)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not several:
        raise ValueError(f"{name} takes at least one value, got none")
    return several  # pyright: ignore[reportUnknownVariableType]


def _text(name: str, text: Any) -> str:
    if not isinstance(text, str) or not text:
        raise TypeError(f"{name} takes a text that is not empty, got {text!r}")
    return text


_SYMBOLS: Final = frozenset({Is.EQUAL, Is.NOT_EQUAL, Is.LESS, Is.AT_MOST, Is.GREATER, Is.AT_LEAST})
_LISTS: Final = frozenset({Is.IN, Is.NOT_IN, Is.HAS_ALL, Is.HAS_ANY})


def _shown(condition: Condition) -> str:
    field, relation, value = f"where({condition.field!r})", condition.relation, condition.value
    if relation in _SYMBOLS:
        return f"({field} {relation.value} {value!r})"
    values: list[Any] = [value]
    if relation is Is.BETWEEN:
        values = [*value]
    elif relation in _LISTS:
        values = [[*value]]
    elif value is None:
        values = []
    return f"{field}.{relation.value}({', '.join(map(repr, values))})"
