"""JSON by orjson, with its three silent losses mended.

orjson writes NaN and infinity as null and reads integers beyond 64 bits as floats.  Both are told by a quick
look at the text; only then the standard library, which keeps them apart, does the work.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from typing import Any, Final

import orjson

_ALL_TO_DEFAULT: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_DIGITS: Final = bytes(ord("0") if chr(code) in "0123456789" else ord(" ") for code in range(256))
_LONG_INTEGER: Final = b"0" * 19


def encode(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """The JSON text of a value, in UTF-8; dates and datetimes become ISO 8601 text.

    Args:
        value: Of the types that JSON has, or that `default` takes.
        default: Makes a value of such types from one that JSON does not have, dates included, in place of ISO 8601.

    Raises:
        TypeError: Something in it has no JSON form.
        ValueError: A float in it is not finite, the value contains itself, or it is nested very deeply.
    """
    try:
        text = orjson.dumps(value) if default is None else orjson.dumps(value, default, _ALL_TO_DEFAULT)
    except TypeError:  # orjson's error for all it refuses: long integers, keys that are numbers, deep nesting
        try:
            return json.dumps(value, default=default or iso, allow_nan=False).encode()
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
    if b"null" in text:
        # Raises if one of the nulls was a NaN.
        json.dumps(value, default=_anything if default is None else _or_anything(default), allow_nan=False)
    return text


def decode(text: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is not JSON, or nested deeper than any service of ours would.
    """
    if _LONG_INTEGER not in text.translate(_DIGITS):  # several times as fast as a regular expression
        try:
            return orjson.loads(text)
        except ValueError:
            pass  # the standard library also takes NaN, a byte order mark and UTF-16 (RFC 8259, 8.1)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def iso(value: object) -> str:
    """ISO 8601 text of a date or datetime."""
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no JSON form: {value!r:.80}")


def _anything(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def _or_anything(default: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        try:
            return default(value)
        except TypeError:  # orjson knows it by itself
            return _anything(value)

    return convert
