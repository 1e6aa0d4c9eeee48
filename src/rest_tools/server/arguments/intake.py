"""The value of one argument, out of what came under its name: counted, bounded, converted, checked."""

from __future__ import annotations

import argparse
import logging
import time
from typing import Any, cast

from rest_tools.server.arguments.argument import Argument
from rest_tools.server.arguments.converters import Convert
from rest_tools.server.arguments.problems import Rejected, invalid_choice, own_message

_log = logging.getLogger(__name__)


def from_texts(argument: Argument, convert: Convert | None, values: list[bytes]) -> Any:
    """The value of a query or form argument; of more values than it takes, the first ones count.

    Raises:
        Rejected: It does not take them.
    """
    nargs = argument.nargs
    if nargs is None or nargs == "?":
        return _element(argument, convert, _text(values[0]))
    if isinstance(nargs, int):
        values = values[:nargs]
    _check_items(argument, len(values))
    return [_element(argument, convert, _text(value)) for value in values]


def from_json(argument: Argument, convert: Convert | None, value: Any, *, strict: bool) -> Any:
    """The value of a member of a JSON body; with `nargs`, each item of a list is converted for itself.

    Raises:
        Rejected: It does not take it.
    """
    if argument.nargs is None or argument.nargs == "?":
        return _element(argument, convert, value)
    is_list = isinstance(value, list)
    if strict and not is_list:
        raise Rejected("invalid type")
    items: list[Any] = cast("list[Any]", value) if is_list else [value]  # who has one value often leaves the list out
    _check_items(argument, len(items))
    return [_element(argument, convert, item) for item in items]


def _check_items(argument: Argument, count: int) -> None:
    nargs = argument.nargs
    if isinstance(nargs, int) and count != nargs:
        raise Rejected(f"expected {nargs} argument{'s' * (nargs != 1)}")
    if nargs == "+" and not count:
        raise Rejected("expected at least one argument")
    if count > argument.max_items:
        raise Rejected(f"more than {argument.max_items} items")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Rejected("invalid UTF-8") from None


def _element(argument: Argument, convert: Convert | None, value: Any) -> Any:
    kind = value.__class__
    if kind is str:
        if len(value) > argument.max_length:
            raise Rejected(f"longer than {argument.max_length} characters")
    elif (kind is list or kind is dict) and len(value) > argument.max_items:
        raise Rejected(f"more than {argument.max_items} items")
    if convert is None and argument.choices is None:
        return value
    try:
        if convert is not None:
            value = convert(value)
        is_choice = argument.choices is None or argument.has_choice(value)
        fault = None if is_choice else invalid_choice(value, argument.choices)
    except argparse.ArgumentTypeError as error:
        raise own_message(error) from error
    except (TypeError, ValueError) as error:
        raise Rejected("invalid type") from error
    except Exception as error:
        # Not the client's fault as far as anybody foresaw, so somebody has to look at it.
        _log.exception("argument %s: its type failed", argument.name)
        message = f"Unknown argument-handling error ({time.time()})"
        raise Rejected(message, whole=message) from error
    if fault is not None:
        raise fault
    return value
