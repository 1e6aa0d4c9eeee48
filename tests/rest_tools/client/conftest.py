"""One test, four runners: a call is awaited, blocks, or is a stream, blocking or awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rest_tools.client import RestClient
from restwright.sandbox.pytest_plugin import identity, identity_server
from restwright.testing import Reply, serve
from restwright.testing.serve import Server

__all__ = ["identity", "identity_server"]


def _awaited(client, *args, **kwargs):
    return asyncio.run(client.request(*args, **kwargs))


def _blocking(client, *args, **kwargs):
    return client.request_seq(*args, **kwargs)


def _streamed(client, *args, **kwargs):
    return next(client.request_stream(*args, **kwargs), None)


def _streamed_awaited(client, *args, **kwargs):
    async def first():
        return await anext(aiter(client.request_stream_async(*args, **kwargs)), None)

    return asyncio.run(first())


RUNNERS = {
    "request": _awaited,
    "request_seq": _blocking,
    "request_stream": _streamed,
    "request_stream_async": _streamed_awaited,
}


@pytest.fixture(params=RUNNERS)
def call(request) -> Callable[..., Any]:
    """`call(client, method, path, args, headers)`: what came of it, of a stream its first value."""
    return RUNNERS[request.param]


@pytest.fixture(params=["request", "request_seq"])
def ask(request) -> Callable[..., Any]:
    """The same, where streams are none of the matter."""
    return RUNNERS[request.param]


@pytest.fixture
def connect() -> Iterator[Callable[..., RestClient]]:
    """`connect(url)` is a client that is patient, and makes no delays of its own."""
    with contextlib.ExitStack() as closing:

        def connect(url, *args, kind=RestClient, **settings):
            settings = {"timeout": 30.0, "backoff_factor": 0.0, **settings}
            return closing.enter_context(kind(url, *args, **settings))

        yield connect


@pytest.fixture
def service() -> Iterator[Server]:
    """A service that answers 401 to tokens in `service.refused`, and all others with the token that it got."""
    refused: set[str] = set()

    def app(request):
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return Reply(401, json={"code": 401, "error": "expired"}) if token in refused else Reply(json={"token": token})

    with serve(app) as server:
        server.refused = refused
        yield server
