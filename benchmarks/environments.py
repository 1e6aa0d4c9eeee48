"""An environment for each peer, made once from PyPI under `.bench/`; ours is the one that runs this."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench" / f"python{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Peer:
    """A library under measurement."""

    name: str
    module: str
    requirement: str | None = None  # None: in the environment that runs the benchmark
    shown: tuple[str, ...] = ()  # distributions whose versions matter
    server: str = ""  # module under `servers`, of those that have one


OURS = "ours"
_OUR_PARTS = ("restwright", "requests", "urllib3", "aiohttp", "orjson", "tornado")
_WIPAC_PARTS = ("wipac-rest-tools", "requests", "urllib3", "tornado")
PEERS = {
    peer.name: peer
    for peer in (
        Peer("urllib3", "urllib3", "urllib3", ("urllib3",)),
        Peer("aiohttp", "aiohttp", "aiohttp", ("aiohttp",)),
        Peer("requests", "requests", "requests", ("requests", "urllib3")),
        Peer("httpx", "httpx", "httpx", ("httpx", "httpcore")),
        Peer("kinto-http", "kinto_http", "kinto-http", ("kinto-http", "requests", "urllib3")),
        Peer("tornado", "tornado", "tornado", ("tornado",), "tornado"),
        Peer("wipac-rest-tools", "rest_tools", "wipac-rest-tools", _WIPAC_PARTS, "rest_tools"),
        Peer("sequoia-client-sdk", "sequoia", "sequoia-client-sdk", ("sequoia-client-sdk", "requests", "urllib3")),
        Peer(OURS, "kinto_http", None, _OUR_PARTS, "rest_tools"),
    )
}


@dataclass(frozen=True)
class Environment:
    """A peer that can be run."""

    peer: Peer
    python: str
    versions: dict[str, str]

    def variables(self) -> dict[str, str]:
        """The process environment: an installed peer is not to find our packages on a PYTHONPATH.

        Bytecode is kept, as it is for everybody else: pip has written that of the peers.
        """
        kept = dict(os.environ)
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        if self.peer.requirement:
            kept.pop("PYTHONPATH", None)
        return kept


def prepare(peer: Peer) -> Environment:
    """The peer's environment, built if it is not there yet.

    Raises:
        subprocess.CalledProcessError: pip could not install it; or, of ours, it cannot be imported.
    """
    python = sys.executable
    if peer.requirement:
        folder = CACHE / peer.name
        python = str(folder / "bin" / "python")
        ready = folder / "ready"
        if not ready.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            (CACHE.parent / ".gitignore").write_text("*\n")  # git and ruff pass it by
            venv.create(folder, clear=True, with_pip=True)
            pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", peer.requirement]
            subprocess.run(pip, check=True, stdout=sys.stderr)
            ready.touch()
    environment = Environment(peer, python, {})
    _ask(environment, "-c", f"import {peer.module}")
    found: dict[str, str] = json.loads(_ask(environment, "-m", "benchmarks.child", "versions"))
    return Environment(peer, python, {name: found[name] for name in peer.shown if name in found})


def _ask(environment: Environment, *arguments: str) -> str:
    command = [environment.python, *arguments]
    answer = subprocess.run(command, cwd=ROOT, env=environment.variables(), check=True, capture_output=True, text=True)
    return answer.stdout
