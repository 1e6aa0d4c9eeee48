"""Measure all peers in turns, print the tables and write docs/benchmarks.md: `python -m benchmarks.run`."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import report
from benchmarks.cases import CASES, GROUPS, IMPORT, KINTO_HTTP, SLOW_ASYNC, Case, Result
from benchmarks.child import Job
from benchmarks.environments import OURS, PEERS, ROOT, Environment, prepare
from benchmarks.imports import import_cost
from benchmarks.request_cost import request_cost
from benchmarks.saturate import CONNECTIONS, generator
from benchmarks.stub import stub
from benchmarks.stub.answers import PAGE_SIZE, PAGES

DOCS = ROOT / "docs" / "benchmarks.md"
CHILD_TIMEOUT = 300.0
FEWEST_ROUNDS = 3
SPREAD = 0.05  # of a peer's rounds, up to which the fewest are enough


def main() -> None:
    options = _options()
    # A `kill` runs the clean-ups too: no server is left behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    environments = _prepare(name for name in options.peers if _is_needed(name, options.only))
    server_cpu, other_cpu = _cores()
    client_cpu = other_cpu if options.pin else None
    pages = PAGES // 10 if options.quick else PAGES
    records = pages * PAGE_SIZE
    results: dict[str, dict[str, Result]] = {}
    with stub(pages=pages, cpu=server_cpu) as server:

        def as_client(case: Case, environment: Environment, calls: int) -> dict[str, Any]:
            module = case.ours if environment.peer.name == OURS else environment.peer.module
            job = Job(module, case.what, server.url, calls, case.in_flight, records, client_cpu)
            return _run(environment, job)

        def as_server(case: Case, environment: Environment, calls: int) -> dict[str, Any]:
            return request_cost(
                environment, case.what, calls=calls, observed=case.observed, server_cpu=server_cpu, load_cpu=other_cpu
            )

        for case in CASES:
            if case.group in options.only:
                measure = as_server if case.group == "server" else as_client
                results[case.name] = _measure(case, environments, measure, quick=options.quick)
    if IMPORT in options.only:
        results[IMPORT] = _imports(environments, 3 if options.quick else 10)
    facts = _facts(environments.values(), server.server)
    facts["client"] = "on one core" if client_cpu is not None else "on any core"
    facts["listing"] = f"{pages:,} pages of {PAGE_SIZE} records"
    facts["load on our servers"] = f"{generator()}, {CONNECTIONS} connections"
    _hand_out(options, results, facts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls and of the pages, one round")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="some parts")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), help="some peers")
    parser.add_argument("--pin", action="store_true", help="keep the client on one core, apart from the server's")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the medians there")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the page there, not docs/benchmarks.md")
    return parser.parse_args()


def _is_needed(peer: str, groups: Collection[str]) -> bool:
    importing = IMPORT in groups and peer in {KINTO_HTTP, OURS}
    return importing or any(peer in case.peers for case in CASES if case.group in groups)


def _prepare(names: Iterable[str]) -> dict[str, Environment]:
    environments = {}
    for name in names:
        _say(f"environment of {name}")
        try:
            environments[name] = prepare(PEERS[name])
        except subprocess.CalledProcessError as error:
            _say(f"  left out: {_last_line(error.stderr) or error}")
    return environments


def _cores() -> tuple[int | None, int | None]:
    """A core for the server and another for the client, where the system lets us choose."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def _measure(
    case: Case,
    environments: dict[str, Environment],
    measure: Callable[[Case, Environment, int], dict[str, Any]],
    *,
    quick: bool,
) -> dict[str, Result]:
    """The median of each peer; the peers take turns, so that a busy minute hits all alike."""
    taking_part = [environments[name] for name in case.peers if name in environments]
    measured: dict[str, list[dict[str, Any]]] = {environment.peer.name: [] for environment in taking_part}
    rounds = 1 if quick else case.rounds
    for number in range(rounds):
        if number >= FEWEST_ROUNDS and all(map(_agree, measured.values())):
            break
        for environment in taking_part:
            peer = environment.peer
            _say(f"{case.title}: round {number + 1} of {rounds}, {peer.name}")
            share = (0.1 if quick else 1) * (SLOW_ASYNC.get(peer.name, 1) if case.what.endswith("async") else 1)
            calls = max(int(case.calls * share), case.in_flight)
            measured[peer.name].append(measure(case, environment, calls))
    return {name: _median(answers) for name, answers in measured.items()}


def _agree(answers: list[dict[str, Any]]) -> bool:
    """Do the rounds of a peer differ so little in their CPU that more of them would tell nothing new?"""
    cpu = [answer["cpu_us"] for answer in answers if "failed" not in answer]
    return not cpu or max(cpu) <= (1 + SPREAD) * min(cpu)


def _run(environment: Environment, job: Job) -> dict[str, Any]:
    command = [environment.python, "-m", "benchmarks.child", json.dumps(asdict(job))]
    try:
        answer = subprocess.run(
            command,
            cwd=ROOT,
            env=environment.variables(),
            capture_output=True,
            text=True,
            check=True,
            timeout=CHILD_TIMEOUT,
        )
    except subprocess.CalledProcessError as error:
        return {"failed": _last_line(error.stderr)}
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {CHILD_TIMEOUT:.0f} s"}
    result: dict[str, Any] = json.loads(answer.stdout)
    return result


def _median(answers: list[dict[str, Any]]) -> Result:
    failed = [answer for answer in answers if "failed" in answer]
    return failed[0] if failed else {key: median(answer[key] for answer in answers) for key in answers[0]}


def _imports(environments: dict[str, Environment], repetitions: int) -> dict[str, Result]:
    results: dict[str, Result] = {}
    for name in (KINTO_HTTP, OURS):
        if name in environments:
            _say(f"Import: {name}")
            results[name] = import_cost(environments[name], repetitions)
    return results


def _facts(environments: Iterable[Environment], server: str) -> dict[str, str]:
    facts = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {_processor()}, {platform.system()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "stub server": server,
        "environment variables": f"{len(os.environ)} (requests looks through them for proxies on every call)",
    }
    for environment in environments:
        versions = ", ".join(f"{name} {version}" for name, version in environment.versions.items())
        facts[f"environment of {environment.peer.name}"] = versions
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _hand_out(options: argparse.Namespace, results: dict[str, dict[str, Result]], known: dict[str, str]) -> None:
    print(report.facts(known), report.tables(results), sep="\n\n")
    if options.json:
        options.json.write_text(json.dumps({"facts": known, "results": results}, indent=2) + "\n")
    whole = not options.quick and options.only == list(GROUPS) and all(OURS in case for case in results.values())
    target = options.docs or (DOCS if whole else None)
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(report.page(results, known))
    _say(f"{target or DOCS} {'written' if target else 'left as it is: not all was measured'}")


def _last_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
