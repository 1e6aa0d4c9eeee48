"""What is wrong with the arguments of a request, and how it is said.

Everything that is wrong is told at once, field by field. The one text beside it keeps argparse's words: of the first
wrong value, else of all that is missing, else of all that is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, TypedDict, cast

from tornado.web import HTTPError

from rest_tools.server.redaction import printable

_MAX_SHOWN = 100  # characters of a client's name or value, or entries of a list, that an error repeats
_MAX_UNKNOWN = 20  # names that no declaration knows
_MAX_MESSAGE = 1000  # characters of a message that a callable gave

# What the texts look like, for those who tell them apart.
ARGUMENTS_REQUIRED_PATTERN = re.compile(r"the following arguments are required: (?P<args>.+)", re.DOTALL)
UNRECOGNIZED_ARGUMENTS_PATTERN = re.compile(r"unrecognized arguments: (?P<args>.*)", re.DOTALL)
INVALID_VALUE_PATTERN = re.compile(r"argument (?P<arg>.+?): invalid type")
INVALID_CHOICE_PATTERN = re.compile(
    r"argument (?P<arg>.+?): invalid choice: (?P<value>.+) \(choose from (?P<choices>.*)\)", re.DOTALL
)
FROM_ARGUMENT_TYPE_ERROR_PATTERN = re.compile(r"argument (?P<arg>.+?): (?P<message>.*)")


class FieldError(TypedDict):
    """One thing that is wrong: the key as the client writes it, and what about it."""

    field: str
    message: str


class ArgumentsError(HTTPError):
    """400: the arguments of a request do not fit the declared ones.

    Attributes:
        error: The one text, as argparse would word it; it may repeat what the client sent.
        errors: All that is wrong, in the same order: values, what is missing, what is unknown.
        reason: The same text as `error`; the reason phrase, too, where HTTP has room for it.
    """

    def __init__(self, error: str, errors: Sequence[FieldError]) -> None:
        super().__init__(400, reason=error)
        self.error = error
        self.errors = list(errors)

    def __str__(self) -> str:
        return f"HTTP 400: {self.error}"


class Rejected(Exception):
    """A value that its argument does not take.

    Args:
        message: What the client is told of it.
        whole: The text instead of `argument NAME: MESSAGE`.
    """

    def __init__(self, message: str, *, whole: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.whole = whole


def arguments_error(
    rejected: Sequence[tuple[str, Rejected]],
    missing: Sequence[str],
    unknown: Iterable[tuple[str, str]],
    *,
    count: int,
) -> ArgumentsError:
    """The exception for all that was found.

    Args:
        rejected: Name and fault of each wrong value, in order of arrival.
        missing: Names, in order of declaration.
        unknown: Names as sent, in order of arrival, and why each is too much.
        count: How many of these there are.
    """
    shown = [(printable(name, _MAX_SHOWN), message) for name, message in islice(unknown, _MAX_UNKNOWN)]
    errors: list[FieldError] = [
        *(FieldError(field=name, message=fault.message) for name, fault in rejected),
        *(FieldError(field=name, message="required") for name in missing),
        *(FieldError(field=name, message=message) for name, message in shown),
    ]
    if rejected:
        name, fault = rejected[0]
        return ArgumentsError(fault.whole or f"argument {name}: {fault.message}", errors)
    if missing:
        return ArgumentsError(f"the following arguments are required: {', '.join(missing)}", errors)
    text = f"unrecognized arguments: {', '.join(name for name, _ in shown)}"
    if count > len(shown):
        text += f" and {count - len(shown)} more"
    return ArgumentsError(text, errors)


def invalid_choice(value: Any, choices: Any) -> Rejected:
    """The fault of a value that is none of the choices."""
    return Rejected(f"invalid choice: {_shown(value)} (choose from {_listed(choices)})")


def own_message(error: Exception) -> Rejected:
    """The fault that a callable worded itself: the first line of it, which may quote the value."""
    lines = printable(str(error).partition("\n")[0].rstrip("\r"), _MAX_MESSAGE)
    return Rejected(lines)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(printable(value, _MAX_SHOWN) if len(value) > _MAX_SHOWN else value)
    return printable(repr(value), _MAX_SHOWN)


def _listed(choices: Any) -> str:
    try:
        first = list(islice(cast("Iterable[Any]", choices), _MAX_SHOWN + 1))
    except TypeError:
        return repr(choices)  # `in` is all that it can do
    return ", ".join([repr(choice) for choice in first[:_MAX_SHOWN]] + ["..."] * (len(first) > _MAX_SHOWN))
