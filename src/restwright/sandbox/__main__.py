"""`python -m restwright.sandbox SERVICE`: a service of the sandbox, until it is told to stop."""

from __future__ import annotations

import argparse
import errno
import importlib
import ipaddress
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Final, TextIO

from restwright.sandbox.command import Command, Rows

_SERVICES: Final = {
    "identity": "an OpenID provider",
    "keystone": "a Keystone, of both eras",
    "sequoia": "the services of Sequoia, with their registry",
}
_FOR_TESTS: Final = (
    "This is for tests only. Everybody who reaches it can log in as anybody: the passwords are below.\n{}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a service; the exit status is 2 for misuse, a port in use among it."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m restwright.sandbox", description="Services for tests.")
    services = parser.add_subparsers(dest="service", required=True, metavar="SERVICE")
    wanted = next((one for one in given if one in _SERVICES), None)
    command: Command | None = None
    for name, text in _SERVICES.items():
        service = services.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}, for tests only.")
        if name == wanted:  # the others, and what they need, are not even imported
            command = _command(parser, name)
            _add_arguments(service, command)
    options = parser.parse_args(given)
    assert command is not None
    _check_address(parser, options)
    return _run(parser, command, options)


def _command(parser: argparse.ArgumentParser, name: str) -> Command:
    try:
        command: Command = importlib.import_module(f"restwright.sandbox.{name}.command").COMMAND
    except ImportError as error:
        parser.error(str(error))
    return command


def _add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    add = parser.add_argument
    add("--port", type=int, default=command.port, help="to listen on; 0 for a free one (%(default)s)")
    add("--address", default="127.0.0.1", help="to listen on (%(default)s)")
    add("--expose", action="store_true", help="allow an address that other machines reach")
    add("--control", action="store_true", help="take orders to misbehave by HTTP, on another port")
    add("--json", action="store_true", help="print addresses and logins as JSON on stdout, and the table on stderr")
    add("--verbose", action="store_true", help="log requests on stderr")
    command.add_arguments(parser)


def _check_address(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if not 0 <= options.port <= 65535:
        parser.error(f"--port must be 0 to 65535, got {options.port}")
    try:
        is_local = ipaddress.ip_address(options.address).is_loopback
    except ValueError:
        is_local = options.address == "localhost"
    if not is_local and not options.expose:
        parser.error(f"--address {options.address} can be reached from other machines, which needs --expose")


def _run(parser: argparse.ArgumentParser, command: Command, options: argparse.Namespace) -> int:
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger().setLevel(logging.ERROR)  # its own news are in the table
    if options.verbose:
        logging.getLogger("restwright.sandbox").setLevel(logging.INFO)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        running = command.start(options)
    except (ValueError, ImportError) as error:
        parser.error(str(error))
    except OSError as error:
        why = "the port is in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        parser.error(f"cannot listen on {options.address} port {options.port}: {why}")
    with running:
        rows = command.rows(running)
        rows += [] if running.control_url is None else [("control", running.control_url)]
        _print_table(command.forgets(options), rows, sys.stderr if options.json else sys.stdout)
        if options.json:
            document = {"url": running.url, "control": running.control_url, **command.document(running)}
            print(json.dumps(document), flush=True)  # noqa: T201  # what it is for
        stop.wait()
    return 0


def _print_table(forgets: str, rows: Rows, stream: TextIO) -> None:
    width = max(len(name) for name, _ in rows)
    table = "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)
    text = f"{_FOR_TESTS.format(forgets)}\n\n{table}\n\nStop it with Ctrl+C."
    print(text, file=stream, flush=True)  # what it is for


if __name__ == "__main__":
    sys.exit(main())
