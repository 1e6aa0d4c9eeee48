"""Requests without a pause on some tens of connections, from wrk, or from our clients where there is no wrk."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.load import Load
from benchmarks.servers.contract import REQUESTS, Request

CONNECTIONS = 32
_GRACE = 30.0  # seconds that wrk may take beyond those of the load

# What wrk prints at its end.
_DONE = re.compile(r"(?P<requests>\d+) requests in (?P<seconds>[\d.]+)(?P<unit>ms|s|m),")
_FAULT = re.compile(r"Socket errors: .*|Non-2xx or 3xx responses: .*")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Answered:
    """So many requests, in so many seconds."""

    requests: int
    seconds: float


def generator() -> str:
    """What makes the load, as a reader would call it."""
    if (wrk := shutil.which("wrk")) is None:
        return "clients of ours"
    told = subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False).stdout
    return " ".join(told.split()[:2])


def saturate(port: int, name: str, *, seconds: int, cpu: int | None = None, own: bool = False) -> Answered:
    """Send this request again and again, on each connection the next one as soon as the last was answered.

    Args:
        port: Of the server, on this host.
        name: Of the request in `contract.REQUESTS`.
        seconds: How long.
        cpu: The core to keep wrk on, if the system can.
        own: Our clients, even where wrk is on the PATH.

    Raises:
        RuntimeError: Not all was answered with 2xx.
    """
    wrk = None if own else shutil.which("wrk")
    return _wrk(wrk, port, REQUESTS[name], seconds, cpu) if wrk else _own(port, REQUESTS[name], seconds)


def _wrk(wrk: str, port: int, request: Request, seconds: int, cpu: int | None) -> Answered:
    stay: Callable[[], None] | None = None
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        stay = partial(os.sched_setaffinity, 0, {cpu})
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        # A JSON string in ASCII is a Lua string, too.
        script.write(f"wrk.method = {json.dumps(request.method)}\n")
        for name, value in request.headers.items():
            script.write(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}\n")
        if request.body:
            script.write(f"wrk.body = {json.dumps(request.body.decode())}\n")
        script.flush()
        told = subprocess.run(
            [
                *(wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name),
                f"http://127.0.0.1:{port}{request.target}",
            ],
            preexec_fn=stay,  # before it starts threads
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + _GRACE,
        )
    fault, done = _FAULT.search(told.stdout), _DONE.search(told.stdout)
    if fault or not done:
        raise RuntimeError(f"wrk: {fault[0] if fault else told.stderr or told.stdout}")
    return Answered(int(done["requests"]), float(done["seconds"]) * _UNITS[done["unit"]])


def _own(port: int, request: Request, seconds: int) -> Answered:
    begun = time.monotonic()
    with Load(port, message=request.message(), kept=CONNECTIONS, fresh=0) as load:
        time.sleep(seconds)
    bad = sum(count for status, count in load.statuses.items() if not 200 <= status < 300)
    if bad or load.failures or load.refused:
        raise RuntimeError(f"{bad} answers were not 2xx, {len(load.failures) + load.refused} requests had none")
    return Answered(sum(load.statuses.values()), time.monotonic() - begun)
