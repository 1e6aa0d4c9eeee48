"""Arguments declared beside the method that takes them, where documentation finds them too."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar, cast

from rest_tools.server.arguments.collection import Arguments
from rest_tools.server.arguments.source import HasArguments

P = ParamSpec("P")
HandlerT = TypeVar("HandlerT", bound=HasArguments)
ResultT = TypeVar("ResultT")

_DECLARED = "rest_tools_arguments"


def takes(
    arguments: Arguments,
) -> Callable[
    [Callable[Concatenate[HandlerT, argparse.Namespace, P], ResultT]], Callable[Concatenate[HandlerT, P], ResultT]
]:
    """A decorator that parses these arguments, and calls the method with them right after `self`.

    A request that they do not fit is answered with 400 instead.  Arguments of query and body both: decorate twice;
    as with all decorators the nearest one comes first, in the parameters too.  Decorators that ask who is
    calling go above this one.
    """

    def decorate(
        method: Callable[Concatenate[HandlerT, argparse.Namespace, P], ResultT],
    ) -> Callable[Concatenate[HandlerT, P], ResultT]:
        @functools.wraps(method)
        def wrapper(self: HandlerT, /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
            return method(self, arguments.parse(self), *args, **kwargs)

        vars(wrapper)[_DECLARED] = (*declared(method), arguments)
        return wrapper

    return decorate


def declared(method: object) -> tuple[Arguments, ...]:
    """What a method takes, in the order of its parameters; also through decorators that use `functools.wraps`."""
    return cast("tuple[Arguments, ...]", getattr(method, _DECLARED, ()))
