"""JSON with types: dates, times, sets and bytes as `{"__jsonclass__": [name, payload]}`.

What a body says of its types is never more than a hint: a class that is not listed here, or a payload that it
cannot read, leaves the object as it is.
"""

from __future__ import annotations

import ast
import base64
import json
import logging
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, ClassVar, Final, Protocol, TypeAlias, cast

from restwright import json_codec

JSONType: TypeAlias = Any
logger = logging.getLogger(__name__)

_MARK: Final = "__jsonclass__"
_MARK_BYTES: Final = _MARK.encode()
_MAX_UNCOMPRESSED: Final = 128 << 20  # bytes
_NESTING: Final = frozenset({list, dict, OrderedDict})


class _Converter(Protocol):
    """How values of one class are written and read."""

    @staticmethod
    def dumps(obj: Any, name: str | None = None) -> Any:
        """The payload, of types that JSON has."""

    @staticmethod
    def loads(obj: Any, name: str | None = None) -> Any:
        """The value again; any exception if there is none."""


class datetime_converter:
    """ISO 8601 text, with the UTC offset of an aware datetime."""

    @staticmethod
    def dumps(obj: datetime, name: str | None = None) -> str:
        """`2020-01-02T03:04:05[.ffffff][+00:00]`."""
        return obj.isoformat()

    @staticmethod
    def loads(obj: str, name: str | None = None) -> datetime:
        """From date and time with a `T` or a blank between them, or from a date only."""
        return datetime.fromisoformat(obj)


class date_converter:
    """ISO 8601 text."""

    @staticmethod
    def dumps(obj: date, name: str | None = None) -> str:
        """`2020-01-02`."""
        return obj.isoformat()

    @staticmethod
    def loads(obj: str, name: str | None = None) -> date:
        """The date again."""
        return date.fromisoformat(obj)


class time_converter:
    """ISO 8601 text."""

    @staticmethod
    def dumps(obj: time, name: str | None = None) -> str:
        """`03:04:05[.ffffff][+00:00]`."""
        return obj.isoformat()

    @staticmethod
    def loads(obj: str, name: str | None = None) -> time:
        """The time again."""
        return time.fromisoformat(obj)


class binary_converter:
    """Base64 of text in UTF-8."""

    @staticmethod
    def dumps(obj: str | bytes, name: str | None = None) -> str:
        """Base64."""
        return base64.b64encode(obj.encode() if isinstance(obj, str) else obj).decode()

    @staticmethod
    def loads(obj: str, name: str | None = None) -> str:
        """The text again."""
        return base64.b64decode(obj, validate=True).decode()


class bytearray_converter:
    """Base64."""

    @staticmethod
    def dumps(obj: bytearray, name: str | None = None) -> str:
        """Base64."""
        return base64.b64encode(obj).decode()

    @staticmethod
    def loads(obj: str, name: str | None = None) -> bytearray:
        """The bytes again."""
        return bytearray(base64.b64decode(obj, validate=True))


class set_converter:
    """A list, in any order."""

    @staticmethod
    def dumps(obj: set[Any], name: str | None = None) -> list[Any]:
        """The items."""
        return list(obj)

    @staticmethod
    def loads(obj: list[Any], name: str | None = None) -> set[Any]:
        """The set again."""
        return set(obj)


class repr_converter:
    """The text of a Python literal; for files of one's own, never for what others send."""

    @staticmethod
    def dumps(obj: Any, name: str | None = None) -> str:
        """The literal."""
        return repr(obj)

    @staticmethod
    def loads(obj: str, name: str | None = None) -> Any:
        """The value again; nothing is called."""
        return ast.literal_eval(obj)


class _OrderedDictConverter:
    """Pairs in order."""

    @staticmethod
    def dumps(obj: Mapping[Any, Any], name: str | None = None) -> list[list[Any]]:
        return [[key, value] for key, value in obj.items()]

    @staticmethod
    def loads(obj: list[Any], name: str | None = None) -> OrderedDict[Any, Any]:
        return OrderedDict(obj)


JSONConverters: Final[dict[str, type[_Converter]]] = {
    "datetime": datetime_converter,
    "date": date_converter,
    "time": time_converter,
    "binary": binary_converter,
    "bytearray": bytearray_converter,
    "OrderedDict": _OrderedDictConverter,
    "set": set_converter,
}


def objToJSON(obj: Any) -> Any:
    """What JSON has for a value that it does not know.

    Raises:
        TypeError: Nothing.
        UnicodeDecodeError: Bytes that are not UTF-8.
    """
    if isinstance(obj, bytes):
        return obj.decode()
    name = type(obj).__name__
    if name not in JSONConverters:
        raise TypeError(f"a {name} has no JSON form: {obj!r:.80}")
    return {_MARK: [name, JSONConverters[name].dumps(obj, name)]}


def JSONToObj(obj: Any) -> Any:
    """The value that a decoded object stands for; itself if it stands for none."""
    if not isinstance(obj, dict) or _MARK not in obj:
        return cast("Any", obj)
    marked = cast("dict[str, Any]", obj)
    try:
        name, payload = marked[_MARK]
        return JSONConverters[name].loads(payload, name)
    except Exception as error:  # noqa: BLE001  # a body can hold anything there
        logger.debug("a %s is left as it is: %s", _MARK, type(error).__name__)
        return marked


def json_encode(value: JSONType, indent: int | str | None = None) -> str:
    r"""JSON text that is safe within HTML: `</` becomes `<\/`.

    Raises:
        TypeError: Something in it has no JSON form.

    >>> json_encode({"day": date(2020, 1, 2), "html": "</b>"})
    '{"day":{"__jsonclass__":["date","2020-01-02"]},"html":"<\\/b>"}'
    """
    return json.dumps(value, default=objToJSON, indent=indent, separators=(",", ":")).replace("</", "<\\/")


def json_decode(value: str | bytes | bytearray) -> JSONType:
    """The value of a JSON text, its marked objects revived.

    Raises:
        json.JSONDecodeError: It is not JSON, nested too deeply, or has a number of thousands of digits.
        UnicodeDecodeError: It is not UTF-8.
        TypeError: It is no text.

    >>> json_decode('{"__jsonclass__": ["date", "2020-01-02"]}')
    datetime.date(2020, 1, 2)
    """
    if not isinstance(value, (str, bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"value must be str, bytes or bytearray, got {type(value).__name__}")
    text = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    try:
        # Few bodies have marks, and those without are decoded several times faster.
        return json.loads(value, object_hook=JSONToObj) if _MARK_BYTES in text else json_codec.decode(text)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(str(error), "", 0) from error


def is_deeper(value: JSONType, levels: int) -> bool:
    """Whether lists and objects are nested in more than so many levels.

    >>> is_deeper([[1], {}], 1), is_deeper([[1], {}], 2)
    (True, False)
    """
    level: list[Any] = [value] if type(value) in _NESTING else []
    for _ in range(levels):
        level = [inner for outer in level for inner in _inside(outer) if type(inner) in _NESTING]
    return bool(level)


def _inside(value: list[Any] | dict[Any, Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


class json_compressor:
    """JSON text that is kept small: zlib, then base64."""

    max_size: ClassVar[int] = _MAX_UNCOMPRESSED
    """The longest text that is uncompressed, in bytes."""

    @staticmethod
    def compress(obj: bytes) -> bytes:
        """The text made small; nothing stays nothing."""
        return base64.b64encode(zlib.compress(obj)) if obj else b""

    @classmethod
    def uncompress(cls, obj: bytes) -> str:
        """The text again.

        Raises:
            ValueError: It is longer than `max_size`, or breaks off.
            TypeError: It is no bytes.
        """
        if not obj:
            return ""
        if isinstance(cast("Any", obj), str):
            raise TypeError("bytes are needed, not str")
        stream = zlib.decompressobj()
        text = stream.decompress(base64.b64decode(obj), cls.max_size)
        if not stream.eof:
            raise ValueError(f"the compressed text breaks off, or is longer than {cls.max_size} bytes")
        return text.decode()
