"""Filters, `with<Field>=<value>`: what a value means, and the same in SQL.

A comparison goes by what the document has: numbers are compared as numbers, dates as points in time, other texts by
code points. A list matches if one of its members does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, and_, or_, select

from restwright.sandbox.sequoia.tables import LONGEST_TEXT, Resource, Value
from restwright.sandbox.sequoia.values import as_moment, as_number

__all__ = ["Filter", "Malformed", "OneOf", "Present", "Range", "condition", "fields_of", "is_literal", "parse"]

_LAST: Final = "\U0010ffff"


class Malformed(ValueError):
    """A value that the grammar does not have."""


@dataclass(frozen=True)
class Present:
    """`*`: the field has a value."""


@dataclass(frozen=True)
class OneOf:
    """`a`, `a*` and `a||b`: texts, and beginnings of texts."""

    texts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Range:
    """`a/b`, `a/` and `/b`: between the two, both included; None is no bound."""

    low: str | None
    high: str | None


Test: TypeAlias = Present | OneOf | Range


@dataclass(frozen=True)
class Filter:
    """A test, or with `!` its opposite.

    Outside of a range is only what has a value there; not equal is also what has none.
    """

    test: Test
    negated: bool = False


def parse(text: str) -> Filter:
    """What a value means.

    >>> parse("!2/5")
    Filter(test=Range(low='2', high='5'), negated=True)

    Raises:
        Malformed: Nothing.
    """
    negated = text.startswith("!")
    body = text[1:] if negated else text
    if not body:
        raise Malformed("it is empty")
    if body.startswith("!"):
        raise Malformed("it has more than one !")
    return Filter(_test(body), negated)


def is_literal(text: str) -> bool:
    """Whether a text, as a value, means itself."""
    return bool(text) and not text.startswith("!") and not any(sign in text for sign in "*/|")


def fields_of(parameter: str) -> tuple[str, ...]:
    """The paths that a parameter may be about; none if it is no filter.

    >>> fields_of("withContentRef"), fields_of("within")
    (('contentRef', 'ContentRef'), ())
    """
    name = parameter.removeprefix("with")
    if not name or name == parameter or name[0] != name[0].upper():
        return ()
    # The first letter was made a capital; it may have been one.
    return tuple(dict.fromkeys((name[0].lower() + name[1:], name)))


def condition(scope: int, fields: tuple[str, ...], given: Filter) -> ColumnElement[bool]:
    """Of resources of a scope, what those fulfil that are looked for."""
    test, is_opposite = given.test, given.negated
    if isinstance(test, Range):
        match = _outside(test) if is_opposite else _inside(test)
        is_opposite = False
    elif isinstance(test, OneOf):
        match = or_(*(_equal(text) for text in test.texts), *(_begins(text) for text in test.prefixes))
    else:
        match = None
    found = select(Value.resource).where(Value.scope == scope, Value.field.in_(fields))
    if match is not None:
        found = found.where(match)
    return Resource.id.not_in(found) if is_opposite else Resource.id.in_(found)


def _test(body: str) -> Test:
    if body == "*":
        return Present()
    if "||" in body:
        return _one_of(body.split("||"))
    if "/" not in body:
        return _one_of([body])
    low, _, high = body.partition("/")
    if "/" in high:
        raise Malformed("a range has one /")
    if not low and not high:
        raise Malformed("a range has a bound")
    if "*" in body:
        raise Malformed("the bounds of a range have no *")
    return Range(low or None, high or None)


def _one_of(parts: list[str]) -> OneOf:
    for part in parts:
        if not part.rstrip("*"):
            raise Malformed("beside || and before * there is a text")
        if "*" in part[:-1]:
            raise Malformed("a * is at the end")
        if "/" in part:
            raise Malformed("/ and || do not go together")
    texts = tuple(part for part in parts if not part.endswith("*"))
    return OneOf(texts, tuple(part[:-1] for part in parts if part.endswith("*")))


def _equal(text: str) -> ColumnElement[bool]:
    return or_(Value.text == text[:LONGEST_TEXT], *_as_value(operator.eq, text))


def _begins(prefix: str) -> ColumnElement[bool]:
    prefix = prefix[:LONGEST_TEXT]
    end = _after(prefix)
    return Value.text >= prefix if end is None else and_(Value.text >= prefix, Value.text < end)


def _after(prefix: str) -> str | None:
    """The first text after all that begin so; None if there is none."""
    stem = prefix.rstrip(_LAST)
    if not stem:
        return None
    code = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)  # no surrogates


def _inside(given: Range) -> ColumnElement[bool]:
    # Of one row: of the members of a list, one has to be in the range.
    bounds = [(operator.ge, given.low), (operator.le, given.high)]
    return and_(*(_compare(compare, bound) for compare, bound in bounds if bound is not None))


def _outside(given: Range) -> ColumnElement[bool]:
    bounds = [(operator.lt, given.low), (operator.gt, given.high)]
    return or_(*(_compare(compare, bound) for compare, bound in bounds if bound is not None))


def _compare(compare: Callable[[Any, Any], Any], bound: str) -> ColumnElement[bool]:
    texts = ["t"] if as_moment(bound) is not None else ["t", "d"]
    as_text = and_(Value.type.in_(texts), compare(Value.text, bound[:LONGEST_TEXT]))
    return or_(as_text, *_as_value(compare, bound))


def _as_value(compare: Callable[[Any, Any], Any], bound: str) -> list[ColumnElement[bool]]:
    values = {"n": as_number(bound), "d": as_moment(bound)}
    return [
        and_(Value.type == kind, compare(Value.number, value)) for kind, value in values.items() if value is not None
    ]
