"""JSON Schemas of declared arguments.

They promise no more than the parser takes. It takes more at times (a `bool` of the query may be `yes`); clients who
keep to the schema need not know. What a callable of one's own refuses, it alone knows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeAlias

from rest_tools.server.arguments import MAX_ITEMS, MAX_LENGTH, Argument, Arguments, ArgumentSource, Unset

__all__ = ["body_of", "is_query", "query_parameters"]

Schema: TypeAlias = dict[str, Any]

_MOST_CHOICES = 100
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
_NESTED = {list: "array", dict: "object"}
_MOST_OF = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}
_KINDS: dict[str, tuple[type, ...]] = {  # to the letter: a bool is no integer here
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def query_parameters(arguments: Arguments) -> list[dict[str, Any]]:
    """Parameter objects for arguments of the query; those that repeat are arrays."""
    return [
        {
            "name": argument.name,
            "in": "query",
            "required": argument.required,
            **_description(argument),
            "schema": _schema(argument, is_json=False),
        }
        for argument in arguments
    ]


def body_of(arguments: Arguments) -> dict[str, Any]:
    """The request body object for arguments of the JSON body."""
    required = [argument.name for argument in arguments if argument.required]
    schema = {
        "type": "object",
        "properties": {one.name: {**_description(one), **_schema(one, is_json=True)} for one in arguments},
        "required": required,
        "additionalProperties": False,
    }
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def is_query(arguments: Arguments) -> bool:
    """Whether the arguments come from the query."""
    return arguments.source is ArgumentSource.QUERY_ARGUMENTS


def _description(argument: Argument) -> dict[str, str]:
    return {"description": argument.help} if argument.help and argument.help != argparse.SUPPRESS else {}


def _schema(argument: Argument, *, is_json: bool) -> Schema:
    schema = _element(argument, is_json=is_json)
    nargs = argument.nargs
    if nargs is not None and nargs != "?":
        schema = {"type": "array", "items": schema}
        if isinstance(nargs, int):
            schema |= {"minItems": nargs, "maxItems": nargs}
        else:
            # In a query, no value at all is no argument.
            schema |= {"minItems": 1} if nargs == "+" or (argument.required and not is_json) else {}
            schema |= {"maxItems": argument.max_items} if argument.max_items != MAX_ITEMS else {}
    return schema | _default(argument, schema)


def _element(argument: Argument, *, is_json: bool) -> Schema:
    kind: Any = argument.type
    schema: Schema = {}
    if kind in _PLAIN:
        schema["type"] = _PLAIN[kind]
    elif not is_json:
        schema["type"] = "string"
    elif kind in _NESTED:
        schema["type"] = _NESTED[kind]
    schema |= _bounds(argument, schema.get("type"))
    return schema | _choices(argument.choices, schema, is_own_type=kind is not None and kind not in _PLAIN)


def _bounds(argument: Argument, kind: str | None) -> Schema:
    """The most of what may come, whatever its type makes of it; the usual bounds go without saying."""
    bounds: Schema = {}
    if argument.max_length != MAX_LENGTH:
        bounds["string"] = argument.max_length
    if argument.max_items != MAX_ITEMS:
        bounds |= {"array": argument.max_items, "object": argument.max_items}
    return {_MOST_OF[bounded]: most for bounded, most in bounds.items() if kind in {None, bounded}}


def _choices(choices: Any, schema: Schema, *, is_own_type: bool) -> Schema:
    if choices is None or isinstance(choices, str) or not isinstance(choices, Iterable):
        return {}
    if isinstance(choices, range) and choices and choices.step == 1 and schema.get("type") == "integer":
        return {"minimum": choices[0], "maximum": choices[-1]}
    listed: list[Any] = list(islice(choices, _MOST_CHOICES + 1))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(choices, set | frozenset):
        listed.sort(key=repr)  # the same document each time
    # Choices are compared after conversion: one's own type may have made such a value of any text.
    known = (str,) if is_own_type else (str, int, float, bool)
    is_listed = 0 < len(listed) <= _MOST_CHOICES
    return {"enum": listed} if is_listed and all(type(one) in known and _fits(one, schema) for one in listed) else {}


def _default(argument: Argument, schema: Schema) -> Schema:
    if argument.default is Unset.UNSET or argument.default is None or argument.default == argparse.SUPPRESS:
        return {}
    is_known = argument.type is None or argument.type in _PLAIN
    try:
        # What the request gets, which of a text is what the type made of it.
        value = json.loads(json.dumps(argument.absent() if is_known else argument.default, allow_nan=False))
    except (TypeError, ValueError):
        return {}
    return {"default": value} if _fits(value, schema) else {}


def _fits(value: Any, schema: Schema) -> bool:
    """Whether a JSON value is valid, as far as the schemas made here go."""
    kind: str | None = schema.get("type")
    if kind is not None and type(value) not in _KINDS[kind]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "minimum" in schema:
        return bool(schema["minimum"] <= value <= schema["maximum"])
    items: list[Any] = value if kind == "array" else []
    if not all(_fits(one, schema.get("items", {})) for one in items):
        return False
    for bounded, keyword in _MOST_OF.items():
        if type(value) in _KINDS[bounded] and len(value) > schema.get(keyword, len(value)):
            return False
    return kind != "array" or len(value) >= schema.get("minItems", 0)
