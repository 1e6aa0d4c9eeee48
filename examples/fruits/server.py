"""A fruit shop: a REST service with typed arguments, roles and a document of itself.

    python examples/fruits/server.py                       # serves http://localhost:8080
    python examples/fruits/server.py token alice gardener  # a token of the role, for an hour

Set FRUITS_SECRET to a key of your own before anybody else can reach it; FRUITS_PORT to another port.
"""

from __future__ import annotations

import argparse
import sys

from tornado.web import HTTPError

from rest_tools.server import ArgumentSource, RestHandler, RestHandlerSetup, RestServer, role_authorization
from rest_tools.server.arguments import Argument, Arguments, takes
from rest_tools.server.ndjson import write_ndjson
from rest_tools.utils import Auth, from_environment

Shop = dict[str, dict[str, object]]

wanted = Arguments(
    ArgumentSource.QUERY_ARGUMENTS,
    Argument("colour", type=str, choices=["red", "green", "yellow"], default=None, help="only those of this colour"),
    Argument("cheaper-than", type=float, default=float("inf"), help="in euros a kilo"),
)
offered = Arguments(
    ArgumentSource.JSON_BODY_ARGUMENTS,
    Argument("name", type=str, max_length=40, help="what it is called"),
    Argument("price", type=float, help="in euros a kilo"),
    Argument("colour", type=str, choices=["red", "green", "yellow"], default="red", help="seen from outside"),
    Argument("labels", type=str, nargs="*", default=[], max_items=10, help="what else to know"),
    strict=True,
)


class ShopHandler(RestHandler):
    """A handler that knows the shop."""

    def initialize(self, *args, shop: Shop, **kwargs):
        super().initialize(*args, **kwargs)
        self.shop = shop


class Fruits(ShopHandler):
    @takes(wanted)
    async def get(self, arguments: argparse.Namespace):
        """The fruits there are, one JSON object a line."""
        found = (
            fruit
            for fruit in list(self.shop.values())
            if arguments.colour in {None, fruit["colour"]} and fruit["price"] < arguments.cheaper_than
        )
        await write_ndjson(self, found)

    @role_authorization(roles=["gardener"])
    @takes(offered)
    async def post(self, arguments: argparse.Namespace):
        """Offer a fruit; for gardeners."""
        if arguments.name in self.shop:
            raise HTTPError(409, reason="there is such a fruit already")
        self.shop[arguments.name] = vars(arguments)
        self.set_status(201)
        self.set_header("Location", f"/fruits/{arguments.name}")
        self.write(vars(arguments))


class Fruit(ShopHandler):
    def get(self, name: str):
        """One fruit."""
        self.write(self._fruit(name))

    @role_authorization(roles=["gardener"])
    async def delete(self, name: str):
        """Offer it no more; for gardeners."""
        self._fruit(name)
        del self.shop[name]
        self.set_status(204)

    def _fruit(self, name: str) -> dict[str, object]:
        if name not in self.shop:
            raise HTTPError(404, reason="there is no such fruit")
        return self.shop[name]


def main() -> None:
    config = from_environment({"FRUITS_SECRET": "for a look around: " + "x" * 64, "FRUITS_PORT": 8080})
    if sys.argv[1:2] == ["token"]:
        _, _, user, role = sys.argv
        print(Auth(config["FRUITS_SECRET"], issuer="fruits").create_token(user, 3600, {"role": role}))
        return
    setup = RestHandlerSetup(
        {"auth": {"secret": config["FRUITS_SECRET"], "issuer": "fruits"}, "server_header": "Fruits"}
    )
    shop: Shop = {"apple": {"name": "apple", "price": 2.5, "colour": "red", "labels": []}}
    server = RestServer(max_body_size=100_000)
    server.add_route("/fruits", Fruits, {**setup, "shop": shop})
    server.add_route(r"/fruits/(\w+)", Fruit, {**setup, "shop": shop})
    server.add_standard_routes(title="Fruits", version="1.0", description="A small shop.")
    server.run(port=config["FRUITS_PORT"])


if __name__ == "__main__":
    main()
