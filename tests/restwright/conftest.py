"""One test, two runners: `connect(url)` is a client whose calls block in the test, whichever way they are made."""

from __future__ import annotations

import asyncio

import pytest
from tests.timing import PATIENCE

from restwright import AsyncClient, Operations, Request, SyncClient, fetch, operation
from restwright.plan import exchange


class Asking(Operations):
    @operation
    def ask(self, method, url, **fields):
        return (yield from fetch(Request(method, url, **fields)))


class Sync(SyncClient, Asking):
    pass


class Async(AsyncClient, Asking):
    pass


class Caller:
    """A client of either kind; `get` and `ask` return the answer or raise."""

    def __init__(self, client, run):
        self.client, self.run = client, run
        self.session = client.session

    def ask(self, method, url="/x", **fields):
        return self.run(self.client.ask(method, url, **fields))

    def get(self, url="/x", **fields):
        return self.ask("GET", url, **fields)

    def close(self):
        self.run(self.client.aclose() if isinstance(self.client, Async) else self.client.close())


@pytest.fixture(params=["sync", "async"])
def mode(request):
    return request.param


@pytest.fixture
def connect(mode):
    """Opens clients that are patient, unless told otherwise, and do nothing of themselves: no retries, no redirects."""
    callers = []
    with asyncio.Runner() as runner:

        def connect(url, **settings):
            settings = {"timeout": PATIENCE, "policy": exchange, **settings}
            if mode == "sync":
                callers.append(Caller(Sync(url, Asking(), **settings), lambda result: result))
            else:
                callers.append(Caller(Async(url, Asking(), **settings), runner.run))
            return callers[-1]

        connect.loop = runner
        yield connect
        for caller in callers:
            caller.close()
