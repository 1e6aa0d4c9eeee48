"""What a request costs a server: start one, check its answer, send it load, and ask it what that took."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.environments import ROOT, Environment
from benchmarks.saturate import saturate
from benchmarks.servers.contract import REQUESTS
from benchmarks.stub.server import free_port, wait_until_answering

_SLICE = 1  # second: the least that wrk can do, and the length of the warm-up


class Server:
    """A server in its process, and what that used so far."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port

    def used(self) -> dict[str, float]:
        """Seconds of CPU, and the peak of the resident set in MB.

        Raises:
            RuntimeError: The server is gone.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        if not told:
            raise RuntimeError("the server is gone")
        used: dict[str, float] = json.loads(told)
        return used


def request_cost(
    environment: Environment, name: str, *, calls: int, observed: bool, server_cpu: int | None, load_cpu: int | None
) -> dict[str, Any]:
    """`{"cpu_us", "per_second", "growth_mb"}`, or `{"failed"}` with the reason.

    Args:
        environment: Of the library.
        name: Of the request in `contract.REQUESTS`.
        calls: How many of them at least, after a warm-up.
        observed: With all that the library has for those who run a service.
        server_cpu: The core to keep the server on, if the system can.
        load_cpu: The core for the load.
    """
    try:
        with running(environment, observed=observed, cpu=server_cpu) as server:
            check(server, name)
            saturate(server.port, name, seconds=_SLICE, cpu=load_cpu)
            before = server.used()
            answered, seconds = 0, 0.0
            while answered < calls:
                part = saturate(server.port, name, seconds=_SLICE, cpu=load_cpu)
                answered, seconds = answered + part.requests, seconds + part.seconds
            after = server.used()
    except RuntimeError as error:
        return {"failed": str(error)}
    return {
        "cpu_us": (after["cpu"] - before["cpu"]) / answered * 1e6,
        "per_second": answered / seconds,
        "growth_mb": after["rss_mb"] - before["rss_mb"],
    }


@contextmanager
def running(environment: Environment, *, observed: bool = False, cpu: int | None = None) -> Iterator[Server]:
    """The server of this library, until the end of the block.

    Raises:
        RuntimeError: It did not start.
    """
    port = free_port()
    options = ["observed"] if observed else []
    process = subprocess.Popen(
        [environment.python, "-m", "benchmarks.servers.process", environment.peer.server, str(port), *options],
        cwd=ROOT,
        env=environment.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            if cpu is not None and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(process.pid, {cpu})
            wait_until_answering(port, process)
            yield Server(process, port)
        finally:
            process.terminate()


def check(server: Server, name: str) -> None:
    """Ask once.

    Raises:
        RuntimeError: The answer is another one than that of the contract.
    """
    request = REQUESTS[name]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(request.method, request.target, request.body, request.headers)
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(f"no answer: {error!r}") from error
    finally:
        connection.close()
    if (response.status, answer) != (200, request.answer):
        raise RuntimeError(f"answered {response.status} {answer!r}, not {request.answer!r}")
