r"""From the regular expression of a route to a path template of OpenAPI: `/fruits/(\d+)` is `/fruits/{number}`.

Where an expression has a part that may be left out, the template is the path without it. Expressions that stand for
several paths have no template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

__all__ = ["Template", "template_of"]

_NAMED = re.compile(r"\?P<(\w+)>")
_ANYTHING = {".*": {}, "[^/]*": {}, ".+": {"minLength": 1}, "[^/]+": {"minLength": 1}}
_PYTHON_ONLY = re.compile(r"\(\?|\\[AZabBfGNuUx0-9]")  # what JSON Schema's expressions do not have, or mean otherwise


class Template(NamedTuple):
    """A path with `{name}` for each parameter, and the schemas of these."""

    path: str
    parameters: dict[str, dict[str, Any]]


class _Group(NamedTuple):
    name: str
    inner: str


def template_of(pattern: str | re.Pattern[str], names: Sequence[str] = ()) -> Template | None:
    """The template of a route's pattern, or None where there is none.

    Args:
        pattern: Of the route.
        names: For groups without a name, in order; `arg1` and so on where they do not suffice.
    """
    text = pattern if isinstance(pattern, str) else pattern.pattern
    pieces = _pieces(text.removeprefix("^").removesuffix("$"), names)
    if pieces is None or not pieces or pieces[0] != "/":
        return None
    path = "".join(f"{{{piece.name}}}" if isinstance(piece, _Group) else piece for piece in pieces)
    return Template(path, {piece.name: _schema(piece.inner) for piece in pieces if isinstance(piece, _Group)})


def _pieces(text: str, names: Sequence[str]) -> list[str | _Group] | None:
    pieces: list[str | _Group] = []
    unnamed = _all_names(names)
    position = 0
    while position < len(text):
        char = text[position]
        if char in "?*" and pieces:
            pieces.pop()
        elif char == "\\":
            position += 1
            if text[position].isalnum() or text[position] in "{}":
                return None
            pieces.append(text[position])
        elif char == "(":
            end = _end_of_group(text, position)
            group = _group(text[position + 1 : end], unnamed, is_optional=text[end + 1 : end + 2] in {"?", "*"})
            if group is None:
                return None
            pieces.append(group)
            position = end
        elif char in "?*[{|+^$}":
            return None
        else:
            pieces.append(char)  # a dot too: few who write one in a path mean any character
        position += 1
    return pieces


def _all_names(names: Sequence[str]) -> Iterator[str]:
    yield from names
    for number in count(len(names) + 1):
        yield f"arg{number}"


def _group(inner: str, names: Iterator[str], *, is_optional: bool) -> str | _Group | None:
    if named := _NAMED.match(inner):
        return _Group(named[1], inner[named.end() :])
    if inner.startswith("?"):
        return "" if is_optional and inner.startswith("?:") else None
    name = next(names)
    for _ in range(re.compile(inner).groups):  # those inside are arguments of the method, too
        next(names)
    return _Group(name, inner)


def _end_of_group(text: str, start: int) -> int:
    """Where the parenthesis at `start` closes; there is such a place, for the expression was compiled."""
    depth, in_class, position = 0, 0, start
    while True:
        char = text[position]
        if char == "\\":
            position += 1
        elif in_class:
            # A bracket right behind the opening one, or behind its `^`, stands for itself.
            if char == "]" and text[in_class:position] not in {"", "^"}:
                in_class = 0
        elif char == "[":
            in_class = position + 1
        elif char in "()":
            depth += 1 if char == "(" else -1
            if not depth:
                return position
        position += 1


def _schema(inner: str) -> dict[str, Any]:
    if inner in _ANYTHING:
        return {"type": "string", **_ANYTHING[inner]}
    if _PYTHON_ONLY.search(inner):
        return {"type": "string"}
    return {"type": "string", "pattern": f"^({inner})$"}
