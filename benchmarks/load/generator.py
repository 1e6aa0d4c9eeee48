"""Load for a second or more, from another process: `load(url, "plain", seconds=1)`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.environments import ROOT
from benchmarks.servers.contract import REQUESTS, Request

CONNECTIONS = 32
_GRACE = 30.0  # seconds beyond those of the load

# What wrk prints at its end.
_DONE = re.compile(r"(?P<requests>\d+) requests in (?P<seconds>[\d.]+)(?P<unit>ms|s|m),")
_FAULT = re.compile(r"Socket errors: .*|Non-2xx or 3xx responses: .*")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Load:
    """What was answered: so many requests, in so many seconds."""

    requests: int
    seconds: float


def generator() -> str:
    """What makes the load, as a reader would call it."""
    if (wrk := shutil.which("wrk")) is None:
        return "a load generator of ours"
    told = subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False).stdout
    return " ".join(told.split()[:2])


def load(url: str, name: str, *, seconds: int, cpu: int | None = None, own: bool = False) -> Load:
    """Send this request again and again, on each connection the next one as soon as the last was answered.

    Args:
        url: Of the server.
        name: Of the request in `contract.REQUESTS`.
        seconds: How long.
        cpu: The core to keep the generator on, if the system can.
        own: Ours, even where wrk is on the PATH.

    Raises:
        RuntimeError: Not all was answered with 2xx.
    """
    wrk = None if own else shutil.which("wrk")
    if wrk is not None:
        return _wrk(wrk, url, REQUESTS[name], seconds, cpu)
    command = [sys.executable, "-m", "benchmarks.load.own", url, name, str(seconds), str(CONNECTIONS)]
    return Load(**json.loads(_run(command, seconds, cpu)))


def _wrk(wrk: str, url: str, request: Request, seconds: int, cpu: int | None) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        # A JSON string in ASCII is a Lua string, too.
        script.write(f"wrk.method = {json.dumps(request.method)}\n")
        for name, value in request.headers.items():
            script.write(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}\n")
        if request.body:
            script.write(f"wrk.body = {json.dumps(request.body.decode())}\n")
        script.flush()
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name, url + request.target]
        told = _run(command, seconds, cpu)
    fault, done = _FAULT.search(told), _DONE.search(told)
    if fault or not done:
        raise RuntimeError(f"wrk: {fault[0] if fault else told}")
    return Load(int(done["requests"]), float(done["seconds"]) * _UNITS[done["unit"]])


def _run(command: list[str], seconds: int, cpu: int | None) -> str:
    stay: Callable[[], None] | None = None
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        stay = partial(os.sched_setaffinity, 0, {cpu})
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            preexec_fn=stay,  # before it starts threads
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + _GRACE,
        ).stdout
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{command[0]}: {(error.stderr or error.stdout).strip()}") from None
