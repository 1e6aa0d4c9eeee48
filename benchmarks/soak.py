"""A server under load for some minutes, at first left alone and then restarted again and again (`make soak`).

Reports what failed, how long answers took and how memory grew; ends with 1 if anything failed or memory grew by more
than a tenth.  Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load import Load, percentile

WARM_UP = 5.0  # seconds, after which memory should not grow any more
MAX_GROWTH = 0.1

SERVER = """
import sys
from rest_tools.server import ArgumentHandler, ArgumentSource, RestHandler, RestHandlerSetup, RestServer

class Fruits(RestHandler):
    def get(self):
        arguments = ArgumentHandler(ArgumentSource.QUERY_ARGUMENTS, self)
        arguments.add_argument("amount", type=int)
        self.write({"amount": arguments.parse_args().amount})

server = RestServer(log_function=lambda handler: None)
server.add_route("/fruits", Fruits, RestHandlerSetup())
server.add_standard_routes()
server.run("127.0.0.1", 0, processes=int(sys.argv[1]))
"""


def main() -> int:
    options = _options()
    half = options.minutes * 30
    with _server(options.processes) as (process, port):
        load = Load(port, "/fruits?amount=7", kept=options.clients, fresh=options.clients, pause=0.002)
        with load:
            time.sleep(min(WARM_UP, half / 2))
            left_alone = _memory(*_workers(process.pid))
            time.sleep(max(0.0, half - WARM_UP))
            growth = {"workers, left alone": (left_alone, _memory(*_workers(process.pid)))}
            supervisor = _memory(process.pid)
            restarts = _restart(process, until=time.monotonic() + half, every=options.restart_every)
            growth["supervisor, while restarting"] = (supervisor, _memory(process.pid))
        process.terminate()
        status = process.wait(30)
    return _report(load, growth, restarts, status)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="half of them without restarts")
    parser.add_argument("--processes", type=int, default=2, help="workers of the server")
    parser.add_argument("--clients", type=int, default=4, help="that keep their connection, and as many that do not")
    parser.add_argument("--restart-every", type=float, default=5.0, help="seconds")
    return parser.parse_args()


@contextlib.contextmanager
def _server(processes: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-c", SERVER, str(processes)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(r"port (\d+)", process.stderr.readline())
            yield process, int(found[1])
        finally:
            if process.poll() is None:
                process.kill()


def _restart(process: subprocess.Popen[str], *, until: float, every: float) -> int:
    """Replace all workers now and then; how often."""
    count = 0
    while time.monotonic() < until:
        before = set(_workers(process.pid))
        process.send_signal(signal.SIGHUP)
        count += 1
        time.sleep(every)
        while before & set(_workers(process.pid)) and time.monotonic() < until + 30:
            time.sleep(0.1)
    return count


def _workers(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _memory(*pids: int) -> int:
    """In kB, of the largest of the processes: pages that they share count for each of them."""
    sizes = [0]
    for pid in pids:
        with contextlib.suppress(OSError):
            sizes += map(int, re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()))
    return max(sizes)


def _report(load: Load, growth: dict[str, tuple[int, int]], restarts: int, status: int) -> int:
    failed = len(load.failures) + load.refused + sum(load.statuses.values()) - load.statuses[200]
    print(f"requests           {sum(load.statuses.values()):>10,}")
    print(f"failed             {failed:>10,}")
    print(f"rolling restarts   {restarts:>10,}")
    for percent in (50, 99, 99.9):
        print(f"{f'p{percent}':<19}{1000 * percentile(load.seconds, percent):>10.1f} ms")
    print(f"slowest            {1000 * max(load.seconds):>10.1f} ms")
    for name, (before, after) in growth.items():
        print(f"memory of {name}: {before:,} kB, then {after:,} kB")
    for failure in load.failures[:10]:
        print(failure)
    has_grown = any(after > before * (1 + MAX_GROWTH) for before, after in growth.values())
    return 1 if failed or has_grown or status else 0


if __name__ == "__main__":
    sys.exit(main())
