"""JSON by orjson, with its three silent losses mended.

orjson writes NaN and infinity as null and reads integers beyond 64 bits as floats.  Both are told by a quick
look at the text; only then the standard library, which keeps them apart, does the work.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any, Final

import orjson

_PLAIN: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
# With all digits alike, a long integer is found several times faster than with a regular expression.
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_INTEGER: Final = b"0" * 19


def encode(value: Any) -> bytes:
    """The JSON text of a value, in UTF-8; dates and datetimes become ISO 8601 text.

    Raises:
        TypeError: Something in it has no JSON form.
        ValueError: A float in it is not finite, the value contains itself, or it is nested very deeply.
    """
    try:
        text = orjson.dumps(value)
    except TypeError:  # orjson's error for all it refuses: long integers, keys that are numbers, deep nesting
        try:
            return json.dumps(value, default=iso, allow_nan=False).encode()
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
    if b"null" in text:
        json.dumps(value, default=_anything, allow_nan=False)  # raises if one of the nulls was a NaN
    return text


def encode_plain(value: Any) -> bytes:
    """The JSON text of what JSON itself has forms for: text, numbers, booleans, None, lists and objects.

    Raises:
        TypeError: Something in it is of another type, a date for one.
        ValueError: A float in it is not finite, the value contains itself, or it is nested very deeply.
    """
    try:
        text = orjson.dumps(value, option=_PLAIN)
    except TypeError:
        return _by_standard_library(value)
    if b"null" in text:
        _by_standard_library(value)  # raises if one of the nulls was a NaN
    return text


def _by_standard_library(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def decode(text: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is not JSON, or nested deeper than any service of ours would.
    """
    if _LONG_INTEGER not in text.translate(_DIGITS):
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
