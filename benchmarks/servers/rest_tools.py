"""One script for `wipac-rest-tools` and for ours, which takes its place; what only ours has comes at the end."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from benchmarks.servers.contract import GREETING

# By name: two distributions have it, and only one of them is typed.
rest_tools = importlib.import_module("rest_tools.server")
try:
    declarations: Any = importlib.import_module("rest_tools.server.arguments")
except ImportError:
    declarations = None


class Plain(rest_tools.RestHandler):  # type: ignore[misc,name-defined]
    def get(self) -> None:
        self.write(GREETING)


class Query(rest_tools.RestHandler):  # type: ignore[misc,name-defined]
    def get(self) -> None:
        arguments = rest_tools.ArgumentHandler(rest_tools.ArgumentSource.QUERY_ARGUMENTS, self)
        arguments.add_argument("name", type=str)
        arguments.add_argument("amount", type=float)
        arguments.add_argument("fresh", type=bool, default=False)
        arguments.add_argument("tags", type=str, nargs="*", default=[])
        self.write(vars(arguments.parse_args()))


class Body(rest_tools.RestHandler):  # type: ignore[misc,name-defined]
    def post(self) -> None:
        arguments = rest_tools.ArgumentHandler(rest_tools.ArgumentSource.JSON_BODY_ARGUMENTS, self)
        arguments.add_argument("name", type=str)
        arguments.add_argument("amount", type=float)
        arguments.add_argument("fresh", type=bool, default=False)
        arguments.add_argument("tags", type=list, default=[])
        self.write(vars(arguments.parse_args()))


def start(port: int, *, observed: bool) -> None:
    ours = declarations is not None
    server = rest_tools.RestServer(**({"json_log": True} if observed and ours else {}))
    setup = rest_tools.RestHandlerSetup({})
    for route, handler in (("/plain", Plain), ("/arguments", Query), ("/json", Body)):
        server.add_route(route, handler, setup)
    if ours:
        server.add_route("/declared", _declared(), setup)
        if observed:
            server.add_standard_routes()
    server.startup(address="127.0.0.1", port=port)


def _declared() -> type:
    argument = declarations.Argument
    fruit = declarations.Arguments(
        rest_tools.ArgumentSource.QUERY_ARGUMENTS,
        argument("name", type=str),
        argument("amount", type=float),
        argument("fresh", type=bool, default=False),
        argument("tags", type=str, nargs="*", default=[]),
    )

    class Declared(rest_tools.RestHandler):  # type: ignore[misc,name-defined]
        @declarations.takes(fruit)  # type: ignore[untyped-decorator]
        def get(self, values: argparse.Namespace) -> None:
            self.write(vars(values))

    return Declared
