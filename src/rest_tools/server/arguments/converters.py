"""How a declared type makes a value of what came: the text of a query or form, or a JSON value.

Types are called on the value, so a JSON `int` takes 5.7, true and "5", and a `list` takes "ab". Strict ones take
what the type says and nothing else; a callable that is no type named here is called in both cases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Never, TypeAlias

from rest_tools.server.arguments.source import ArgumentSource

Convert: TypeAlias = Callable[[Any], Any]

_YES = frozenset({"y", "yes", "t", "true", "on", "1"})
_NO = frozenset({"n", "no", "f", "false", "off", "0"})
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def converter(declared: Convert | None, source: ArgumentSource, *, strict: bool) -> Convert | None:
    """What to call on a value, or None where it stays as it is."""
    if not isinstance(declared, type):
        return declared
    if source is ArgumentSource.JSON_BODY_ARGUMENTS:
        return (_STRICT_JSON if strict else _LOOSE).get(declared, declared)
    return (_STRICT_TEXT if strict else _LOOSE_TEXT).get(declared, declared)


def _to_bool(value: Any) -> bool:
    if not isinstance(value, str):
        return bool(value)
    word = value.lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("neither yes nor no")


def _to_int(value: Any) -> int:
    try:
        return int(value)
    except OverflowError:
        raise ValueError("infinite") from None


def _bool_text(text: str) -> bool:
    # Python clients write True, the rest of the world true.
    if text.lower() not in {"true", "false"}:
        raise ValueError("neither true nor false")
    return text.lower() == "true"


def _int_text(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("no integer")
    return int(text)


def _float_text(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("no number")
    return _finite(float(text))


def _no_text(_text: str) -> Never:
    raise TypeError("text is no list and no object")


def _int_value(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)  # JSON has one kind of numbers: 5.0 is an integer there
    if type(value) is not int:
        raise TypeError("no integer")
    return value


def _float_value(value: Any) -> float:
    if type(value) is not int and type(value) is not float:
        raise TypeError("no number")
    try:
        return _finite(float(value))
    except OverflowError:
        raise ValueError("too large") from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _only(wanted: type) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, wanted):
            raise TypeError(f"no {wanted.__name__}")
        return value

    return convert


_LOOSE: Mapping[Convert | None, Convert | None] = {bool: _to_bool, int: _to_int}
# Text is text already, in all tables but that of loose JSON.
_LOOSE_TEXT: Mapping[Convert | None, Convert | None] = {**_LOOSE, str: None}
_STRICT_TEXT: Mapping[Convert | None, Convert | None] = {
    str: None,
    bool: _bool_text,
    int: _int_text,
    float: _float_text,
    list: _no_text,
    dict: _no_text,
}
_STRICT_JSON: Mapping[Convert | None, Convert | None] = {
    **{wanted: _only(wanted) for wanted in (str, bool, list, dict)},
    int: _int_value,
    float: _float_value,
}
