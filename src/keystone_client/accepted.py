"""What callers of the released packages pass, each in its own shape, as the operations here want it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl

from restwright.message import EMPTY, UNSET, Unset

Params: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]] | str


def timed(timeout: Any) -> Mapping[str, Any]:
    """The settings of a request with a timeout of its own; that of `httpx` will do, and its word for none, too."""
    timeout = seconds_of(timeout)
    return EMPTY if isinstance(timeout, Unset) else {"timeout": timeout}


def seconds_of(timeout: Any) -> Any:
    """A timeout in the words of `requests`, from those of `httpx`."""
    if type(timeout).__name__ == "UseClientDefault":
        return UNSET
    if hasattr(timeout, "connect") and hasattr(timeout, "read"):
        return timeout.connect, timeout.read
    return timeout


def early_timeout(given: Any, timeout: Any) -> tuple[Any, Any]:
    """An argument and the timeout after it, if some releases have the timeout in the place of that argument.

    A number can be nothing else there.
    """
    if isinstance(given, (int, float)) and not isinstance(given, bool) and isinstance(timeout, Unset):
        return None, given
    return given, timeout


def params_of(given: Params | None) -> dict[str, str]:
    """Query parameters, from a dict, pairs or a text; None leaves one out, and a list is joined with commas.

    Raises:
        TypeError: They are something else.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        return dict(parse_qsl(given.removeprefix("?"), keep_blank_values=True))
    try:
        pairs = dict(cast("Any", given))
    except (TypeError, ValueError):
        raise TypeError(f"params must be a dict, pairs of name and value, or a query, got {given!r}") from None
    return {name: _text(value) for name, value in pairs.items() if value is not None}


def headers_of(given: Mapping[str, str | None] | None) -> Mapping[str, str]:
    """Header fields, from a dict; None leaves one out.

    Raises:
        TypeError: They are something else.
    """
    if not isinstance(given, (Mapping, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"headers must be a dict, got {type(given).__name__}")
    return {name: value for name, value in (given or {}).items() if value is not None}


def fields_of(data: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record, from a dict and keyword arguments.

    Raises:
        TypeError: `data` is something else.
    """
    if not isinstance(data, (Mapping, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"data must be a dict of fields, got {type(data).__name__}")
    return {**(data or {}), **more}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(_text, cast("Iterable[Any]", value)))
    return str(value)
