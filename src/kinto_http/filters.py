"""Criteria in the grammar of Kinto (https://docs.kinto-storage.org/en/stable/api/1.x/filtering.html)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, cast

from kinto_http.utils import json_dumps
from restwright.criteria import Condition, Criteria, Is, Render, UnsupportedCriteria, render

__all__ = ["filters"]


def filters(criteria: Criteria) -> dict[str, str]:
    """The query parameters for criteria, as listings take them too.

    >>> from restwright import where
    >>> filters((where("size") >= 5) & (where("version") == "2.0"))
    {'min_size': '5', 'version': '"2.0"'}

    Raises:
        UnsupportedCriteria: Kinto has no way to say it.
    """
    return render(criteria, _GRAMMAR, service="Kinto")


def with_filters(criteria: Iterable[Criteria], params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a listing, with the criteria among them.

    Raises:
        TypeError: One of the criteria is none.
        ValueError: A parameter is given both ways.
    """
    both = dict(params)
    for one in criteria:
        if not isinstance(one, Criteria):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all callers are typed
            raise TypeError(f"criteria are made with where(), as in where('size') >= 5, got {one!r}")
        for name, value in filters(one).items():
            if name in both:
                raise ValueError(f"there is more than one value for the parameter {name}")
            both[name] = value
    return both


def _json(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) and not _is_json(value) else json_dumps(value)


def _is_json(text: str) -> bool:
    """Kinto would take it for another value than the text: it has to be quoted."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _plain(prefix: str) -> Render:
    return lambda condition: {f"{prefix}{condition.field}": _json(condition.value)}


def _list(prefix: str) -> Render:
    def how(condition: Condition) -> Mapping[str, str]:
        texts = [_json(value) for value in condition.value]
        if any("," in text for text in texts):
            raise UnsupportedCriteria(f"Kinto takes no value with a comma in it for {condition}")
        return {f"{prefix}{condition.field}": ",".join(texts)}

    return how


def _like(before: str, after: str) -> Render:
    def how(condition: Condition) -> Mapping[str, str]:
        text = cast("str", condition.value)
        if "*" in text:
            raise UnsupportedCriteria(f"Kinto takes * for any text, and so none in the text of {condition}")
        return {f"like_{condition.field}": f"{before}{text}{after}"}

    return how


def _json_list(prefix: str) -> Render:
    return lambda condition: {f"{prefix}{condition.field}": json_dumps([*condition.value])}


def _fixed(prefix: str, text: str) -> Render:
    return lambda condition: {f"{prefix}{condition.field}": text}


def _between(condition: Condition) -> Mapping[str, str]:
    low, high = condition.value
    return {f"min_{condition.field}": _json(low), f"max_{condition.field}": _json(high)}


_GRAMMAR: Final[Mapping[Is, Render]] = {
    Is.EQUAL: _plain(""),
    Is.NOT_EQUAL: _plain("not_"),
    Is.LESS: _plain("lt_"),
    Is.AT_MOST: _plain("max_"),
    Is.GREATER: _plain("gt_"),
    Is.AT_LEAST: _plain("min_"),
    Is.BETWEEN: _between,
    Is.IN: _list("in_"),
    Is.NOT_IN: _list("exclude_"),
    Is.CONTAINS: _like("*", "*"),
    Is.STARTS_WITH: _like("", "*"),
    Is.ENDS_WITH: _like("*", ""),
    Is.HAS_ALL: _json_list("contains_"),
    Is.HAS_ANY: _json_list("contains_any_"),
    Is.NULL: _fixed("", "null"),
    Is.NOT_NULL: _fixed("not_", "null"),
    Is.MISSING: _fixed("has_", "false"),
    Is.PRESENT: _fixed("has_", "true"),
}
