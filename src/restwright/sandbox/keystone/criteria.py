"""The filter grammar of lists: `field=value`, `field__suffix=value`.

Which suffixes there are follows from the kind of the field. Unknown parameters and empty values are ignored, as the
service does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, and_, extract, false, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from restwright.sandbox.keystone.answers import bad_request
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.kinds import Flag, Invalid, Kind, Whole
from restwright.sandbox.keystone.links import Link
from restwright.sandbox.keystone.resource import Field, Resource

__all__ = ["conditions"]

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "contains": lambda column, text: column.contains(text, autoescape=True),
    "startswith": lambda column, text: column.startswith(text, autoescape=True),
    "endswith": lambda column, text: column.endswith(text, autoescape=True),
}
_NEGATED: Final = {"not_eq": "", "not_in": "in", "not_contains": "contains"} | {
    "not_startswith": "startswith",
    "not_endswith": "endswith",
}
# Since 0.9.3 and 0.10.7; the service with tokens has none of them.
NEGATIONS: Final = frozenset(_NEGATED)


def conditions(call: Call, resource: Resource) -> list[ColumnElement[bool]]:
    """What the filter parameters of a request ask for.

    Raises:
        ApiError: 400, with messages by parameter.
    """
    found: list[ColumnElement[bool]] = []
    errors: dict[str, list[str]] = {}
    for parameter, field, lookup in parameters(resource, has_negations=call.application.era.has_negations):
        text = call.query.get(parameter, "")
        if not text:
            continue
        try:
            condition = _condition(call, field, getattr(resource.model, field.attribute), lookup, text)
        except Invalid as fault:
            errors[parameter] = fault.messages
        else:
            if condition is not None:
                found.append(condition)
    if errors:
        raise bad_request(errors)
    return found


def parameters(resource: Resource, *, has_negations: bool) -> Iterator[tuple[str, Field, str]]:
    """All filter parameters of a resource: name, field, suffix."""
    for field in resource.shown:
        if field.is_column:
            for lookup in field.kind.lookups:
                if has_negations or lookup not in NEGATIONS:
                    yield f"{field.name}__{lookup}" if lookup else field.name, field, lookup


def _condition(call: Call, field: Field, column: Any, lookup: str, text: str) -> ColumnElement[bool] | None:
    kind = field.kind
    if lookup in _NEGATED:
        positive = _condition(call, field, column, _NEGATED[lookup], text)
        # SQL neither says of an unknown value that it is in a list, nor that it is not; people do.
        return None if positive is None else or_(column.is_(None), ~positive)
    if lookup == "isnull":
        wanted = Flag().parse_filter(text)
        return None if wanted is None else column.is_(None) if wanted else column.is_not(None)
    if lookup == "in":
        values = [_operand(call, kind, item.strip()) for item in text.split(",") if item.strip()]
        known = [value for value in values if value is not None]
        return column.in_(known) if known else None
    if lookup in _PARTS:
        part, number = _PARTS[lookup](column), Whole().parse_filter(text)
        # PostgreSQL's seconds have decimals.
        return and_(part >= literal(number), part < literal(number + 1)) if isinstance(number, int) else false()
    value = _operand(call, kind, text)
    if value is None:
        return None
    compare: Callable[[Any, Any], ColumnElement[bool]] = _COMPARE[lookup]
    return compare(column, value)


def _operand(call: Call, kind: Kind, text: str) -> Any:
    """What the column is compared with, None if the text is to be ignored."""
    value = kind.parse_filter(text)
    if isinstance(kind, Link) and call.session.get(kind.target, value) is None:
        raise kind.not_a_choice()
    # Of its own type: that of the column would be asked to hold 1.5 or 2**40 where it is an integer.
    return literal(value) if isinstance(kind, Whole) else value


class _IsoWeek(FunctionElement[int]):
    """The number of the week by ISO 8601."""

    type = Integer()
    inherit_cache = True


@compiles(_IsoWeek)
def _iso_week(element: Any, compiler: Any, **options: Any) -> str:
    return f"EXTRACT(week FROM {compiler.process(element.clauses, **options)})"


@compiles(_IsoWeek, "sqlite")
def _iso_week_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    # The week of a day is that of its Thursday, and Thursdays are counted from the first of January.
    day = compiler.process(element.clauses, **options)
    return f"((strftime('%j', date({day}, '-3 days', 'weekday 4')) - 1) / 7 + 1)"


_PARTS: Final[dict[str, Callable[[Any], ColumnElement[Any]]]] = {
    **{name: partial(extract, name) for name in ("year", "month", "day", "hour", "minute", "second")},
    "week": _IsoWeek,
    "week_day": lambda column: extract("dow", column) + 1,  # 1 is Sunday, as in Django
}
