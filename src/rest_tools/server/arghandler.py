"""`ArgumentHandler`: the arguments of one request, declared in the method that answers it, as with argparse.

Underneath are `rest_tools.server.arguments`, which can also be declared once, beside the method. There is no argparse
inside: keys match as a whole, values are never keys, and nothing is printed.
"""

from __future__ import annotations

import argparse
from typing import Any

from rest_tools.server.arguments import Arguments, ArgumentSource, HasArguments
from rest_tools.server.arguments.problems import (
    ARGUMENTS_REQUIRED_PATTERN,
    FROM_ARGUMENT_TYPE_ERROR_PATTERN,
    INVALID_CHOICE_PATTERN,
    INVALID_VALUE_PATTERN,
    UNRECOGNIZED_ARGUMENTS_PATTERN,
)
from rest_tools.server.arguments.reuse import compiled

__all__ = [
    "ARGUMENTS_REQUIRED_PATTERN",
    "FROM_ARGUMENT_TYPE_ERROR_PATTERN",
    "INVALID_CHOICE_PATTERN",
    "INVALID_VALUE_PATTERN",
    "UNRECOGNIZED_ARGUMENTS_PATTERN",
    "USE_CACHED_VALUE_PLACEHOLDER",
    "ArgumentHandler",
    "ArgumentSource",
]

USE_CACHED_VALUE_PLACEHOLDER = "PLACEHOLDER"
"""Kept for programs that import it; values are handed to their types as they are."""


class ArgumentHandler:
    """Declare the arguments of a request, then parse them.

    What was declared in an earlier request is known by its content and not compiled again.

    Args:
        argument_source: Where the values come from.
        rest_handler: The handler of the request.
        strict: Take what the types say and nothing else: no JSON `int` from 5.7, true or "5".
    """

    def __init__(self, argument_source: ArgumentSource, rest_handler: HasArguments, *, strict: bool = False) -> None:
        self.argument_source = argument_source
        self.rest_handler = rest_handler
        self._argparser = Arguments(argument_source, strict=strict)

    def add_argument(self, name: str, *args: str, **kwargs: Any) -> None:
        """Declare one; see `rest_tools.server.arguments.Argument` for the options.

        Raises:
            ValueError: It cannot work as declared.
            TypeError: An option that there is not.
            argparse.ArgumentError: The name is taken, or is `help`.
        """
        self._argparser.add(compiled(name, args, kwargs))

    def parse_args(self) -> argparse.Namespace:
        """The values of the request.

        Raises:
            ArgumentsError: 400, a `tornado.web.HTTPError` with all that is wrong.
        """
        return self._argparser.parse(self.rest_handler)
