"""What is wrong with a request, in words that never show the value that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final, Protocol, cast

__all__ = ["SchemaError", "reasons"]

_MAX_PARTS: Final = 20  # of one text; a body may be wrong in ten thousand places
_MAX_LENGTH: Final = 300  # characters of a part: names in it may be the client's

_PYTHON_TYPES: Final = {
    "number": "float or int",
    "integer": "int",
    "boolean": "bool",
    "string": "str",
    "array": "list",
    "object": "dict",
    "null": "None",
}

_TEXTS: Final = {
    "minLength": "must be at least {} characters long",
    "maxLength": "must be no more than {} characters long",
    "minimum": "must be at least {}",
    "maximum": "must be no more than {}",
    "minItems": "must have at least {} items",
    "maxItems": "must have no more than {} items",
    "minProperties": "must have at least {} entries",
    "maxProperties": "must have no more than {} entries",
    "uniqueItems": "items must be unique",
    "oneOf": "must match one of the accepted types",
    "anyOf": "must match one of the accepted types",
    "pattern": "must match the pattern '{}'",
}


class SchemaError(Protocol):
    """What is asked of an error of jsonschema, which has no types."""

    @property
    def message(self) -> str: ...  # noqa: D102
    @property
    def validator(self) -> str: ...  # noqa: D102  # the keyword that failed
    @property
    def validator_value(self) -> Any: ...  # noqa: D102  # and its value in the schema
    @property
    def absolute_path(self) -> Sequence[str | int]: ...  # noqa: D102  # to the wrong value, from the root


def reasons(errors: Iterable[SchemaError]) -> str:
    """One text for all violations of a schema, each `'<dotted.path>': <reason>`, or the reason alone at the root."""
    errors = iter(errors)
    parts = [_part(error) for error in islice(errors, _MAX_PARTS)]
    if (left := sum(1 for _ in errors)) > 0:
        parts.append(f"and {left} more")
    return "; ".join(parts)


def _part(error: SchemaError) -> str:
    path = ".".join(str(step) for step in error.absolute_path)
    part = f"'{path}': {_reason(error)}" if path else _reason(error)
    return part if len(part) <= _MAX_LENGTH else part[:_MAX_LENGTH] + "..."


def _reason(error: SchemaError) -> str:
    keyword, expected = error.validator, error.validator_value
    if keyword == "type":
        names = cast("list[str]", expected) if isinstance(expected, list) else [str(expected)]
        return "must be type " + " or ".join(f"'{name}' ({_PYTHON_TYPES.get(name, name)})" for name in names)
    if keyword == "enum":
        return "must be one of: " + ", ".join(repr(choice) for choice in cast("list[object]", expected))
    if keyword in {"required", "additionalProperties"}:  # they tell names, not values
        return error.message.partition("\n")[0]
    return _TEXTS[keyword].format(expected) if keyword in _TEXTS else f"failed '{keyword}' constraint"
