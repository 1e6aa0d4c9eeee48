"""Declarations that are made anew in each request, compiled once: they are known by their content.

What cannot be told apart by its content (closures, bound methods, objects of one's own) is never kept: it may differ
from request to request, and may hold on to one.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, cast

from rest_tools.server.arguments.argument import Argument

_MOST = 4096  # declarations; a service has tens of them
_MOST_ITEMS = 64  # of a list that is looked through
_ITSELF = frozenset({str, bytes, bool, type(None)})  # equal to nothing but themselves, once numbers are wrapped

_known: dict[tuple[Any, ...], Argument] = {}


class _NotByContentError(Exception):
    """Nobody can say whether this is the same as the last time."""


def compiled(name: str, aliases: tuple[str, ...], options: dict[str, Any]) -> Argument:
    """The argument declared so: the one of earlier requests, if there was one."""
    try:
        content = [value if value.__class__ in _ITSELF else _content(value) for value in options.values()]
        key = (name, aliases, *options, *content)
        found = _known.get(key)
    except (_NotByContentError, TypeError):
        return Argument(name, *aliases, **options)
    if found is None:
        found = Argument(name, *aliases, **options)
        if len(_known) >= _MOST:
            _known.clear()
        _known[key] = found
    return found


def _content(value: Any) -> Any:
    """Something that equals that of another value only if both are the same in kind and content."""
    kind = value.__class__
    if kind in _ITSELF:
        return value
    if kind is int or kind is float:
        return kind, repr(value)  # 1, 1.0 and True are equal, 0.0 and -0.0 too
    if kind is list or kind is tuple:
        items = cast("list[Any]", value)
        if len(items) > _MOST_ITEMS:
            raise _NotByContentError
        return (kind, *[_content(item) for item in items])
    if kind is dict:
        return dict, _content([part for pair in cast("dict[Any, Any]", value).items() for part in pair])
    return _lasting(value)


def _lasting(value: Any) -> Any:
    """A key for a callable that is the same in each request."""
    if isinstance(value, type):
        if "<locals>" not in value.__qualname__:
            return value
    elif isinstance(value, FunctionType):
        # The function itself may be made anew each time, its code is not; without anything bound to it, all are alike.
        if value.__closure__ is None and value.__defaults__ is None and value.__kwdefaults__ is None:
            # By identity, which the kept function guards: code in two modules may be equal and mean different things.
            return FunctionType, id(value.__code__), id(value.__globals__)
    elif isinstance(value, MethodType | BuiltinFunctionType):
        owner: object = value.__self__
        if isinstance(owner, ModuleType) or (isinstance(owner, type) and "<locals>" not in owner.__qualname__):
            return value
    raise _NotByContentError
