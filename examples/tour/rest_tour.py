"""rest_tools: a small server, and a client that logs in at the OpenID provider to use it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import requests
from screen import Screen

from rest_tools.client import ClientCredentialsAuth
from rest_tools.server import (
    ArgumentHandler,
    ArgumentSource,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
    role_authorization,
)
from rest_tools.server.ndjson import write_ndjson
from restwright.sandbox import IdentityProvider, Sandbox
from restwright.sandbox.event_loop import LoopThread

TITLE = "REST: a server of your own, and its client"
SERVICES = ("identity",)


# --- what is shown, and runs ---------------------------------------------------------------------------------------


class Fruits(RestHandler):
    stock: ClassVar = {"apple": 3, "pear": 5}

    @authenticated
    def get(self):
        self.write(self.stock)

    @authenticated
    def post(self):
        arguments = ArgumentHandler(ArgumentSource.JSON_BODY_ARGUMENTS, self)
        arguments.add_argument("name", type=str)
        arguments.add_argument("amount", type=int)
        fruit = arguments.parse_args()
        self.stock[fruit.name] = fruit.amount
        self.set_status(201)

    @role_authorization(roles=["gardener"])
    def delete(self):
        self.stock.clear()


class Harvest(RestHandler):
    @authenticated
    async def get(self):
        async def baskets():
            for number in range(1, 4):
                await asyncio.sleep(0.2)
                yield {"basket": number, "kilos": 7 * number}

        await write_ndjson(self, baskets())


async def serve(provider: IdentityProvider) -> RestServer:
    setup = RestHandlerSetup({"auth": {"openid_url": provider.url, "audience": "service"}})
    server = RestServer()
    server.add_route("/fruits", Fruits, setup)
    server.add_route("/harvest", Harvest, setup)
    server.startup(port=0)
    return server


def log_in(url: str, provider: IdentityProvider) -> ClientCredentialsAuth:
    return ClientCredentialsAuth(url, provider.url, "service", "service-secret")


def use(api: ClientCredentialsAuth) -> dict[str, int]:
    api.request_seq("POST", "/fruits", {"name": "banana", "amount": 12})
    return api.request_seq("GET", "/fruits")


async def use_awaited(url: str, provider: IdentityProvider) -> list[dict[str, int]]:
    async with ClientCredentialsAuth(url, provider.url, "service", "service-secret") as api:
        return await asyncio.gather(*[api.request("GET", "/fruits") for _ in range(100)])


def follow(api: ClientCredentialsAuth) -> Iterator[dict[str, int]]:
    yield from api.request_stream("GET", "/harvest")


def wrong_argument(api: ClientCredentialsAuth) -> None:
    api.request_seq("POST", "/fruits", {"name": "cherry", "amount": "many"})


def not_allowed(api: ClientCredentialsAuth) -> None:
    api.request_seq("DELETE", "/fruits")


def not_there(api: ClientCredentialsAuth) -> None:
    api.request_seq("GET", "/vegetables")


# --- the steps -----------------------------------------------------------------------------------------------------


def run(screen: Screen, sandbox: Sandbox, _count: int | None) -> dict[str, Any]:
    """All steps; what they came to."""
    provider = sandbox.identity
    screen.step("Write a server: typed arguments, logins, roles, a stream", Fruits, Harvest, serve)
    with serving(provider) as url:
        screen.tell(f"It listens at {url} and takes tokens of the OpenID provider at {provider.url}")

        screen.step("Log in as a program, by client id and secret, and use it", log_in, use)
        with log_in(url, provider) as api:
            stock = use(api)
            screen.table(("fruit", "amount"), sorted(stock.items()))
            screen.check("the banana has arrived", stock == {"apple": 3, "pear": 5, "banana": 12})

            screen.step("The same client, awaited: 100 requests at once, with one login", use_awaited)
            logins, begun = provider.count("token"), time.perf_counter()
            answers = asyncio.run(use_awaited(url, provider))
            logins, seconds = provider.count("token") - logins, time.perf_counter() - begun
            screen.tell(f"{len(answers)} answers in {seconds:.2f} s, {logins} login")
            screen.check("all answers are the same, and one login was enough", answers == [stock] * 100 and logins == 1)

            screen.step("Follow a stream: each line is handed out as it comes", follow)
            begun = time.perf_counter()
            lines = [(round(time.perf_counter() - begun, 1), line["basket"], line["kilos"]) for line in follow(api)]
            screen.table(("after seconds", "basket", "kilos"), lines)
            screen.check("the first one came before the last one was there", lines[0][0] < lines[-1][0])

            screen.step("Be refused: the errors say why", wrong_argument, not_allowed, not_there)
            statuses = [refusal(screen, api, call) for call in (wrong_argument, not_allowed, not_there)]
            screen.check("those were a 400, a 403 and a 404", statuses == [400, 403, 404])
    return {"answers": len(answers), "logins": logins, "lines": len(lines), "refused": statuses}


@contextmanager
def serving(provider: IdentityProvider) -> Iterator[str]:
    """The URL of the server, which runs in a thread until the end of the block."""
    loop = LoopThread()
    try:
        server = loop.run(serve(provider))
        yield f"http://localhost:{server.port}"
        loop.run(server.stop(drain=0))
    finally:
        loop.close()


def refusal(screen: Screen, api: ClientCredentialsAuth, call: Callable[[ClientCredentialsAuth], None]) -> int | None:
    """The status that a call is refused with; None if it was not."""
    try:
        call(api)
    except requests.HTTPError as error:
        screen.tell(f"{type(error).__name__}: {error}")
        return error.response.status_code
    return None
