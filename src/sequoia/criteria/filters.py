"""Criteria of the core, `where(...)`, in the grammar of Sequoia: `with<Field>=<value>`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final

from restwright.criteria import Condition, Criteria, Is, Render, UnsupportedCriteria, render

__all__ = ["filters", "parameter"]


def filters(criteria: Criteria) -> dict[str, str]:
    """The query parameters for criteria.

    >>> from restwright import where
    >>> filters((where("duration") >= 60) & where("type").is_in(["film", "series"]))
    {'withDuration': '60/', 'withType': 'film||series'}

    Raises:
        UnsupportedCriteria: Sequoia has no way to say it.
    """
    return render(criteria, _GRAMMAR, service="Sequoia")


def parameter(field: str) -> str:
    """The name of the query parameter that a field is compared by.

    >>> parameter("contentRef")
    'withContentRef'
    """
    if not isinstance(field, str) or not field:  # pyright: ignore[reportUnnecessaryIsInstance]  # not all are typed
        raise ValueError(f"the name of a field is a text, and not empty, got {field!r}")
    return f"with{field[0].upper()}{field[1:]}"


def _text(condition: Condition, value: Any) -> str:
    """A value, so that the service takes it for nothing else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if not isinstance(value, (str, int, float)):
        raise UnsupportedCriteria(f"Sequoia compares with a text, a number or a date, got {value!r} for {condition}")
    text = str(value)
    # What the grammar is made of, and has no escape for.
    if not text or text.startswith("!") or "*" in text or "/" in text or "||" in text:
        raise UnsupportedCriteria(f"Sequoia cannot take {text!r} literally: !, *, / and || have a meaning: {condition}")
    return text


def _form(form: str) -> Render:
    return lambda condition: {parameter(condition.field): form.format(_text(condition, condition.value))}


def _fixed(text: str) -> Render:
    return lambda condition: {parameter(condition.field): text}


def _between(condition: Condition) -> Mapping[str, str]:
    low, high = (_text(condition, value) for value in condition.value)
    return {parameter(condition.field): f"{low}/{high}"}


def _one_of(condition: Condition) -> Mapping[str, str]:
    return {parameter(condition.field): "||".join(_text(condition, value) for value in condition.value)}


_GRAMMAR: Final[Mapping[Is, Render]] = {
    Is.EQUAL: _form("{}"),
    Is.NOT_EQUAL: _form("!{}"),
    Is.LESS: _form("!{}/"),
    Is.AT_MOST: _form("/{}"),
    Is.GREATER: _form("!/{}"),
    Is.AT_LEAST: _form("{}/"),
    Is.BETWEEN: _between,
    Is.IN: _one_of,
    Is.STARTS_WITH: _form("{}*"),
    Is.MISSING: _fixed("!*"),
    Is.PRESENT: _fixed("*"),
}
