"""Start and stop the stub: `with stub() as server: server.url`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stub import answers, nginx

START_TIMEOUT = 15.0


@dataclass(frozen=True)
class Stub:
    """A running stub: the URL that a Kinto client is given, and what serves it, as a reader would call it."""

    url: str
    server: str


@contextmanager
def stub(*, pages: int = answers.PAGES, cpu: int | None = None, own: bool = False) -> Iterator[Stub]:
    """A running stub.

    Args:
        pages: Pages of 100 records in the listing.
        cpu: The core to keep the server on, if the system can.
        own: Ours, even where nginx is on the PATH.
    """
    executable = None if own else shutil.which("nginx")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-stub-") as folder:
        if executable:
            command, name = nginx.command(executable, Path(folder), port, pages), _nginx_version(executable)
        else:
            command, name = (
                [sys.executable, "-m", "benchmarks.stub.own", str(port), str(pages)],
                "our asyncio stub",
            )
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        try:
            if cpu is not None and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(process.pid, {cpu})
            wait_until_answering(port, process)
            yield Stub(f"http://127.0.0.1:{port}/v1", name)
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _nginx_version(executable: str) -> str:
    answer = subprocess.run([executable, "-v"], capture_output=True, text=True, check=True)
    return answer.stderr.strip().rpartition(": ")[2].replace("/", " ")


def wait_until_answering(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when something listens there.

    Raises:
        RuntimeError: The process ended, or took too long.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start (exit status {process.poll()})") from None
            time.sleep(0.02)
        else:
            return
