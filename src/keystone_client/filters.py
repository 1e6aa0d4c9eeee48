"""Filters of a listing, as plain dicts or as criteria, in the grammar of the service.

Whatever the service would ignore without a word (an unknown suffix, an empty value) is refused before anything is
sent: it would answer with records that were not asked for.
"""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from restwright.criteria import Condition, Criteria, Is, Render, UnsupportedCriteria, render

__all__ = ["Filters", "filters"]

Filters: TypeAlias = Mapping[str, Any] | Criteria

COMPARISONS: Final = ("lt", "lte", "gt", "gte")
CALENDAR: Final = ("year", "month", "day", "week", "week_day", "hour", "minute", "second")
TEXTS: Final = ("contains", "startswith", "endswith")
NEGATIONS: Final = ("not_eq", "not_in", "not_contains", "not_startswith", "not_endswith")
LOOKUPS: Final = ("in", "isnull", *COMPARISONS, *TEXTS, *NEGATIONS, *CALENDAR)
LISTS: Final = ("in", "not_in")
PAGING: Final = ("_limit", "_offset", "_order", "_search")


def filters(given: Filters | None) -> dict[str, str]:
    """The query parameters for filters.

    >>> from restwright import where
    >>> filters(where("amount") >= 5)
    {'amount__gte': '5'}
    >>> filters({"status__in": ["PD", "AP"], "active": None})
    {'status__in': 'PD,AP', 'active__isnull': 'true'}

    Raises:
        TypeError: They are neither a dict nor criteria.
        ValueError: The service has no such lookup, or would ignore the value.
    """
    if given is None:
        return {}
    if isinstance(given, Criteria):
        return render(given, _GRAMMAR, service="Keystone")
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all callers are typed
        raise TypeError(f"filters must be a dict such as {{'name': 'c1'}} or where('name') == 'c1', got {given!r}")
    params: dict[str, str] = {}
    for name, value in given.items():
        lookup = _lookup(name)
        if value is None:
            if lookup:
                raise ValueError(f"the filter {name!r} has no value: {name.rpartition('__')[0]}__isnull asks for null")
            params[f"{name}__isnull"] = "true"
        else:
            params[name] = _list(name, value) if lookup in LISTS else _one(name, value)
    return params


def check_names(params: Iterable[str], known: Collection[str], resource: str) -> None:
    """Refuse filters that the resource has not.

    Args:
        params: Names of query parameters.
        known: Those that the service's own document lists; empty if it lists none.
        resource: Its name, for the error.

    Raises:
        ValueError: One is not among them.
    """
    for name in params:
        if known and name not in known and name not in PAGING:
            close = difflib.get_close_matches(name, known, 3)
            raise ValueError(f"{resource} has no filter {name!r}" + (f"; there is {', '.join(close)}" if close else ""))


def negated(params: Iterable[str]) -> str:
    """The first filter that asks for the opposite of something, which old services ignore; empty if none does."""
    return next((name for name in params if name.rpartition("__")[2] in NEGATIONS and "__" in name), "")


def _lookup(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise TypeError(f"the name of a filter is a text, got {name!r}")
    if name.startswith("_"):
        if name not in PAGING:
            raise ValueError(f"there is no parameter {name!r}: expected one of {', '.join(PAGING)}")
        return ""
    field, mark, lookup = name.rpartition("__")
    if not mark:
        return ""
    if not field or lookup not in LOOKUPS:
        close = difflib.get_close_matches(lookup, LOOKUPS, 1)
        hint = f"did you mean {field}__{close[0]}? " if close else ""
        raise ValueError(
            f"unknown lookup {lookup!r} in the filter {name!r}: {hint}expected one of {', '.join(LOOKUPS)}"
        )
    return lookup


def _list(name: str, value: Any) -> str:
    if isinstance(value, str):
        texts = value.split(",")
    elif isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        items: Iterable[Any] = value  # pyright: ignore[reportUnknownVariableType]
        texts = [_one(name, item) for item in items]
        if any("," in text for text in texts):
            raise ValueError(f"the filter {name!r} takes no value with a comma in it, got {value!r}")
    else:
        raise TypeError(f"the filter {name!r} takes a list of values, got {value!r}")
    if not any(texts):
        raise ValueError(f"the filter {name!r} takes at least one value: the service ignores an empty one")
    return ",".join(texts)


def _one(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal, str)):
        text = str(value)
        if not text:
            raise ValueError(f"the filter {name!r} is empty: the service would ignore it")
        return text
    more = f"; {name}__in takes several" if isinstance(value, (list, tuple, set, frozenset)) else ""
    raise TypeError(f"the filter {name!r} takes a text, number, bool, date or time, got {value!r}{more}")


def _plain(suffix: str) -> Render:
    def how(condition: Condition) -> Mapping[str, str]:
        name = f"{condition.field}{suffix}"
        if condition.value is None:
            raise UnsupportedCriteria(f"Keystone compares with null by is_null() and not_null() only: {condition}")
        return {name: _one(name, condition.value)}

    return how


def _equal(suffix: str, isnull: str) -> Render:
    plain = _plain(suffix)
    return lambda condition: plain(condition) if condition.value is not None else _null(isnull)(condition)


def _several(suffix: str) -> Render:
    def how(condition: Condition) -> Mapping[str, str]:
        name = f"{condition.field}{suffix}"
        try:
            return {name: _list(name, condition.value)}
        except ValueError as error:
            raise UnsupportedCriteria(str(error)) from error

    return how


def _null(text: str) -> Render:
    return lambda condition: {f"{condition.field}__isnull": text}


def _between(condition: Condition) -> Mapping[str, str]:
    name, (low, high) = condition.field, condition.value
    return {f"{name}__gte": _one(name, low), f"{name}__lte": _one(name, high)}


_GRAMMAR: Final[Mapping[Is, Render]] = {
    Is.EQUAL: _equal("", "true"),
    Is.NOT_EQUAL: _equal("__not_eq", "false"),
    Is.LESS: _plain("__lt"),
    Is.AT_MOST: _plain("__lte"),
    Is.GREATER: _plain("__gt"),
    Is.AT_LEAST: _plain("__gte"),
    Is.BETWEEN: _between,
    Is.IN: _several("__in"),
    Is.NOT_IN: _several("__not_in"),
    Is.CONTAINS: _plain("__contains"),
    Is.NOT_CONTAINS: _plain("__not_contains"),
    Is.STARTS_WITH: _plain("__startswith"),
    Is.NOT_STARTS_WITH: _plain("__not_startswith"),
    Is.ENDS_WITH: _plain("__endswith"),
    Is.NOT_ENDS_WITH: _plain("__not_endswith"),
    Is.NULL: _null("true"),
    Is.NOT_NULL: _null("false"),
}
