"""Routes: what `add_route` takes, checked when it is added, and known to the request that matched it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule
from tornado.web import RequestHandler

__all__ = ["route_of", "route_rule"]

_ROUTE = "rest_tools_route"  # Tornado tells a handler everything about its request but the route


class _Route(PathMatches):
    """Matches a path and leaves the pattern with the request."""

    def __init__(self, pattern: str | re.Pattern[str]) -> None:
        super().__init__(pattern)  # pyright: ignore[reportUnknownMemberType]  # Tornado says `Pattern` alone
        self._name = (pattern if isinstance(pattern, str) else pattern.pattern).removesuffix("$")

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        found = super().match(request)
        if found is not None:
            vars(request)[_ROUTE] = self._name
        return found


def route_of(request: HTTPServerRequest) -> str | None:
    """The pattern of the route that the request took, without a `$` at its end; None where no route matched.

    In contrast to the path there are only so many of them, whatever clients ask for.
    """
    route: str | None = vars(request).get(_ROUTE)
    return route


def route_rule(
    pattern: str | re.Pattern[str], handler: object, kwargs: Mapping[str, Any] | None = None, name: str | None = None
) -> Rule:
    """The rule for a Tornado URL spec `(pattern, handler[, kwargs[, name]])`.

    Raises:
        TypeError: The handler is no handler class, or cannot take these keyword arguments.
        ValueError: The pattern is no regular expression, or mixes named and unnamed groups.
    """
    if not (inspect.isclass(handler) and issubclass(handler, RequestHandler)):
        raise TypeError(f"route {pattern!r}: {handler!r} is not a subclass of tornado.web.RequestHandler")
    try:
        matcher = _Route(pattern)
    except Exception as error:  # re.error, or an AssertionError of Tornado's
        raise ValueError(f"route {pattern!r}: {error}") from error
    _check_kwargs(pattern, handler, kwargs or {})
    return Rule(matcher, handler, dict(kwargs or {}), name)


def _check_kwargs(pattern: str | re.Pattern[str], handler: type[RequestHandler], kwargs: Mapping[str, Any]) -> None:
    """Follow the arguments along the `initialize` methods, as far as one can tell from outside.

    A method with `**kwargs` hands on what it does not know.  Ours do so as it is; what a foreign one does with it
    can be anything, so there the check ends, and a mistake shows in the first request.
    """
    left = dict(kwargs)
    for kind in handler.__mro__:
        if "initialize" not in vars(kind):
            continue
        if kind is RequestHandler:
            break
        signature = inspect.signature(vars(kind)["initialize"])
        takes_more = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
        named = {name: left[name] for name in left if name in signature.parameters}
        try:
            signature.bind(None, **(named if takes_more else left))
        except TypeError as error:
            raise TypeError(f"route {pattern!r}: {kind.__name__}.initialize: {error}") from None
        if not takes_more:
            return
        if kind.__module__.partition(".")[0] != __name__.partition(".")[0]:
            return
        left = {name: value for name, value in left.items() if name not in named}
    if left:
        raise TypeError(f"route {pattern!r}: {handler.__name__} takes no argument {', '.join(map(repr, left))}")
