"""Declared arguments and standard routes as users write them; both type checkers must take it."""

from __future__ import annotations

import argparse

from rest_tools.server import ArgumentSource, RestHandler, RestServer, authenticated
from rest_tools.server.arguments import Argument, Arguments, takes

SEARCH = Arguments(ArgumentSource.QUERY_ARGUMENTS, Argument("size", type=int, default=5))
FRUIT = Arguments(ArgumentSource.JSON_BODY_ARGUMENTS, Argument("name", type=str))


class Fruits(RestHandler):
    @takes(SEARCH)
    def get(self, arguments: argparse.Namespace) -> None:
        self.write({"size": arguments.size})

    @authenticated
    @takes(SEARCH)
    @takes(FRUIT)
    async def post(self, fruit: argparse.Namespace, search: argparse.Namespace, number: str) -> None:
        self.write({"name": fruit.name, "size": search.size, "number": number})

    @takes(SEARCH)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def put(self) -> None:
        """There is no parameter for them."""


async def ping() -> None: ...


def serve() -> RestServer:
    server = RestServer(json_log=True)
    server.add_route("/fruits", Fruits)
    server.add_standard_routes(checks={"database": ping, "disk": lambda: True}, title="Fruits", version="1.0")
    return server
