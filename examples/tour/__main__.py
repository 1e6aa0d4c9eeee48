"""A tour of Restwright: the sandbox starts, and each client does its main job on it.

Before each step you see the lines of Python that do it.  They are read from the files in this folder, so what you see
is what runs.

Exit status: 0 if all that came out was right, 1 if not, 2 for misuse, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
import time
from typing import Any

from screen import Screen

from restwright.sandbox import sandbox

CLIENTS = ("kinto", "keystone", "sequoia", "rest")
COUNT = 5_000  # records for Kinto, where it is not the only one; all of them take a minute or two


def run(screen: Screen, names: list[str], count: int | None) -> dict[str, Any]:
    """The parts, one after the other; what they came to."""
    began = time.perf_counter()
    summary: dict[str, Any] = {}
    parts = {name: importlib.import_module(f"{name}_tour") for name in names}
    wanted = {service for part in parts.values() for service in part.SERVICES}
    screen.say(f"Starting the sandbox, on free ports of this machine: {', '.join(sorted(wanted))} ...")
    with sandbox(*wanted) as services:
        for name, part in parts.items():
            screen.chapter(part.TITLE)
            summary[name] = part.run(screen, services, count)
    seconds = time.perf_counter() - began
    right = screen.checks - screen.failed
    screen.say(f"\n\n{right} of {screen.checks} checks were right. The sandbox is stopped. That took {seconds:.0f} s.")
    return {"ok": not screen.failed, "checks": screen.checks, "seconds": round(seconds, 3), **summary}


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python examples/tour", description="A tour of the clients of Restwright.")
    add = parser.add_argument
    add(
        "--only",
        nargs="+",
        choices=CLIENTS,
        metavar="CLIENT",
        help=f"of {', '.join(CLIENTS)}; all of them unless given",
    )
    add("--count", type=positive, help=f"records for Kinto; {COUNT:,} unless given, or all with --only kinto")
    add("--json", action="store_true", help="print a summary as JSON on stdout, and the talk on stderr")
    options = parser.parse_args(arguments)
    names = options.only or list(CLIENTS)
    count = options.count or (None if names == ["kinto"] else COUNT)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # not every terminal can show every character
    logging.basicConfig(level=logging.ERROR)  # services tell where they listen; we do
    screen = Screen(sys.stderr if options.json else sys.stdout)
    try:
        summary = run(screen, names, count)
    except ImportError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        screen.say("\nStopped; the sandbox is gone too.")
        return 130
    if options.json:
        print(json.dumps(summary, indent=2))
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
