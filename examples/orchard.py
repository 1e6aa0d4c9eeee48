"""An orchard as a service, with a documentation page: run it, and open the address that it prints.

    python examples/orchard.py [port]

Each method declares what it takes with `@takes`, so requests are checked before it runs, and the page at `/docs` shows
what can be asked. To change trees, paste the printed token at "Authorize".
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
from itertools import count
from typing import Any

from tornado.web import HTTPError

from rest_tools.server import (
    ArgumentSource,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
    role_authorization,
)
from rest_tools.server.arguments import Argument, Arguments, takes
from rest_tools.utils import Auth

QUERY, BODY = ArgumentSource.QUERY_ARGUMENTS, ArgumentSource.JSON_BODY_ARGUMENTS
KINDS = ["apple", "pear", "plum"]

SEARCH = Arguments(
    QUERY,
    Argument("kind", type=str, choices=KINDS, nargs="*", default=KINDS, help="Trees of these kinds."),
    Argument("least-height", type=float, default=0.0, help="In meters."),
    Argument("bears-fruit", type=bool, default=None, help="Only those that do, or only those that do not."),
    Argument("label", type=str, default=None, max_length=20, help="Only trees with this label."),
    Argument("limit", type=int, choices=range(1, 101), default=20, help="At most so many."),
    strict=True,
)
TREE = Arguments(
    BODY,
    Argument("kind", type=str, choices=KINDS, help="What grows on it."),
    Argument("height", type=float, default=1.0, help="In meters."),
    Argument("place", type=float, nargs=2, help="Meters to the east and to the north of the gate."),
    Argument("bears-fruit", type=bool, default=False, help="Whether there is something to pick."),
    Argument("labels", type=str, nargs="*", default=[], max_items=10, max_length=20, help="Words of your own."),
    Argument("notes", type=dict, default={}, max_items=20, help="Whatever else there is to say."),
    strict=True,
)
CHANGE = Arguments(
    BODY,
    Argument("height", type=float, default=argparse.SUPPRESS, help="In meters."),
    Argument("bears-fruit", type=bool, default=argparse.SUPPRESS, help="Whether there is something to pick."),
    strict=True,
)
DRY_RUN = Arguments(QUERY, Argument("dry-run", type=bool, default=False, help="Change nothing."), strict=True)
WEIGHTS = Arguments(QUERY, Argument("grams", type=int, nargs="+", help="The weight of each fruit."), strict=True)
WORDS = Arguments(
    QUERY,
    Argument("times", type=int, choices=range(1, 10), default=1, help="How often to say it."),
    Argument("loudly", type=bool, default=False, help="In capital letters; yes and no do, too."),
)
ORDER = Arguments(
    BODY,
    Argument("name", type=str, help="Who picks it up."),
    Argument("boxes", type=int, default=1, help="How many of them; a number in a text does, too."),
)


class TreeStore:
    """The trees; the oldest ones go when there are too many."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._numbers = count(1)
        self._trees: dict[int, dict[str, Any]] = {}

    def add(self, tree: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        self._trees[number] = {"number": number, **tree}
        if len(self._trees) > self._most:
            del self._trees[min(self._trees)]
        return self._trees[number]

    def find(self, number: str) -> dict[str, Any]:
        with contextlib.suppress(KeyError, ValueError):  # a number of thousands of digits is none
            return self._trees[int(number)]
        raise HTTPError(404, reason="there is no such tree")

    def all(self) -> list[dict[str, Any]]:
        return list(self._trees.values())

    def remove(self, number: int) -> None:
        del self._trees[number]


class TreeHandler(RestHandler):
    """Knows the trees."""

    def initialize(self, *args: Any, trees: TreeStore, **kwargs: Any) -> None:
        super().initialize(*args, **kwargs)
        self.trees = trees


class Trees(TreeHandler):
    """The trees of the orchard."""

    @takes(SEARCH)
    def get(self, wanted):
        """Find trees.

        Those that were planted first come first.
        """
        found = [
            tree
            for tree in self.trees.all()
            if tree["kind"] in wanted.kind
            and tree["height"] >= wanted.least_height
            and wanted.bears_fruit in {None, tree["bears_fruit"]}
            and (wanted.label is None or wanted.label in tree["labels"])
        ]
        self.write({"trees": found[: wanted.limit]})

    @takes(DRY_RUN)
    @takes(TREE)
    async def post(self, tree, options):
        """Plant a tree."""
        planted = {"number": 0, **vars(tree)} if options.dry_run else self.trees.add(vars(tree))
        self.set_status(200 if options.dry_run else 201)
        self.write(planted)


class Tree(TreeHandler):
    """One of them."""

    def get(self, number):
        """Look at a tree."""
        self.write(self.trees.find(number))

    @authenticated
    @takes(CHANGE)
    def patch(self, change, number):
        """Note that a tree has changed.

        Only for those who have a token.
        """
        tree = self.trees.find(number)
        tree |= vars(change)
        self.write(tree)

    @role_authorization(roles=["gardener"])
    @takes(DRY_RUN)
    def delete(self, options, number):
        """Cut down a tree.

        Only for gardeners.
        """
        tree = self.trees.find(number)
        if not options.dry_run:
            self.trees.remove(tree["number"])
        self.set_status(204)


class Scales(RestHandler):
    """The scales in the barn."""

    @takes(WEIGHTS)
    def get(self, fruits):
        """Weigh fruits."""
        self.write({"total": sum(fruits.grams)})


class Parrot(RestHandler):
    """The parrot on the gate."""

    @takes(WORDS)
    def get(self, options, words):
        """Have some words repeated.

        Its arguments are not strict.
        """
        said = " ".join([words] * options.times)
        self.write({"said": said.upper() if options.loudly else said})


class Orders(RestHandler):
    """The shop."""

    @takes(ORDER)
    def post(self, order):
        """Order boxes of fruit.

        Its arguments are not strict.
        """
        self.write({"ordered": vars(order)})


class Me(RestHandler):
    """Whoever asks."""

    @authenticated
    def get(self):
        """Ask who you are."""
        self.write({"user": self.current_user, "role": self.auth_data.get("role")})


def orchard(secret: str) -> RestServer:
    """The service; tokens are signed with the secret."""
    setup = RestHandlerSetup({"auth": {"secret": secret, "issuer": "orchard"}, "unauthenticated_status": 401})
    trees = TreeStore()
    trees.add({"kind": "apple", "height": 4.5, "place": [3, 8], "bears_fruit": True, "labels": ["old"], "notes": {}})
    trees.add({"kind": "plum", "height": 2.0, "place": [7, 8], "bears_fruit": False, "labels": [], "notes": {}})
    server = RestServer(max_body_size=1_000_000)
    server.add_route("/trees", Trees, {**setup, "trees": trees})
    server.add_route(r"/trees/(\d+)", Tree, {**setup, "trees": trees})
    server.add_route("/scales", Scales, setup)
    server.add_route("/parrot/([^/]+)", Parrot, setup)
    server.add_route("/orders", Orders, setup)
    server.add_route("/me", Me, setup)
    server.add_standard_routes(title="Orchard", version="1.0", description="Trees, and what they *bear*.")
    return server


def gardener(secret: str) -> str:
    """A token for a day."""
    return Auth(secret, issuer="orchard").create_token("alice", expiration=86400, payload={"role": "gardener"})


async def main() -> None:
    secret = secrets.token_hex(64)
    server = orchard(secret)
    server.startup(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
    print(f"http://localhost:{server.port}/docs\ntoken: {gardener(secret)}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
