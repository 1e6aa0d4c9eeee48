"""Typed arguments of requests: declared once, checked all at once, read by people and by documentation alike."""

from __future__ import annotations

from rest_tools.server.arguments.argument import MAX_ITEMS, MAX_LENGTH, Argument, Unset
from rest_tools.server.arguments.collection import Arguments
from rest_tools.server.arguments.problems import ArgumentsError, FieldError
from rest_tools.server.arguments.source import ArgumentSource, HasArguments
from rest_tools.server.arguments.takes import takes

__all__ = [
    "MAX_ITEMS",
    "MAX_LENGTH",
    "Argument",
    "ArgumentSource",
    "Arguments",
    "ArgumentsError",
    "FieldError",
    "HasArguments",
    "Unset",
    "takes",
]
