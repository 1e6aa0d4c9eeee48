"""What both type checkers must see of a server's arguments, and must not take.  Nothing in here runs."""

from __future__ import annotations

import argparse
from typing import assert_type

from tornado.web import RequestHandler

from rest_tools.server import ArgumentHandler, ArgumentSource, RestHandler
from rest_tools.server.arguments import Argument, Arguments

QUERY = ArgumentSource.QUERY_ARGUMENTS


class Fruits(RestHandler):
    query = Arguments(QUERY, Argument("name"), Argument("sizes", type=int, nargs="*", choices=[1, 2], default=[]))

    def get(self) -> None:
        assert_type(self.query.parse(self), argparse.Namespace)

    def post(self) -> None:
        arguments = ArgumentHandler(ArgumentSource.JSON_BODY_ARGUMENTS, self)
        arguments.add_argument("amount", "--number", type=float, default=1)
        assert_type(arguments.parse_args(), argparse.Namespace)


class Plain(RequestHandler):
    def post(self) -> None:
        ArgumentHandler(QUERY, self)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


Argument("a", type=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Argument("a", action="store_true")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Argument("a", strict_type=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
