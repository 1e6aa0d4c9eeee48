"""`python -m restwright.sandbox`: all services, or one of them, until they are told to stop."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final, NoReturn

from restwright.sandbox.address import is_local, is_unspecified
from restwright.sandbox.command import Rows
from restwright.sandbox.services import SERVICES, command_of, start
from restwright.sandbox.tls import add_tls_arguments
from restwright.sandbox.together import Sandbox, sandbox

_PROGRAM: Final = "python -m restwright.sandbox"
_FOR_TESTS: Final = "This is for tests only. Everybody who reaches it can log in as anybody: the passwords are below."
_CERTIFICATES: Final = "certificates of all but Kinto, which speaks plain HTTP"
_SIGNALS: Final = signal.SIGTERM, signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run services; the exit status is 2 for misuse, a port in use among it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    with ExitStack() as stack:
        try:
            if given and given[0] in SERVICES:
                _run_one(stack, given[0], given[1:])
            else:
                _run_all(stack, given)
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
    return 0


def _stop(*_: object) -> NoReturn:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # once is enough: let it stop in peace
    raise KeyboardInterrupt


def _run_one(stack: ExitStack, name: str, given: list[str]) -> None:
    text = SERVICES[name]
    parser = argparse.ArgumentParser(
        prog=f"{_PROGRAM} {name}", description=f"{text[0].upper()}{text[1:]}, for tests only."
    )
    try:
        command = command_of(name)
        parser.add_argument(
            "--port", type=int, default=command.port, help="to listen on; 0 for a free one (%(default)s)"
        )
        _add_shared_arguments(parser, is_played=command.is_played)
        command.add_arguments(parser)
        options = parser.parse_args(given)
        if not 0 <= options.port <= 65535:
            parser.error(f"--port must be 0 to 65535, got {options.port}")
        _prepare(parser, options)
        started = start(stack, name, command, options)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        parser.error(_why(error))
    _tell(options, _table(started.rows + started.tls_rows), started.document, is_kept=started.is_kept)


def _run_all(stack: ExitStack, given: list[str]) -> None:
    names = "".join(f"  {name:<10} {text}\n" for name, text in SERVICES.items())
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        usage="%(prog)s [SERVICE] [options]",
        description="Services for tests: all of them at once, or one with options of its own.",
        epilog=f"services, of which each has its own --help:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--free-ports", action="store_true", help="listen on free ports, rather than on the usual ones")
    add("--database", metavar="URL", help="where those that have one keep their records; in memory unless given")
    add_tls_arguments(parser)
    _add_shared_arguments(parser, is_played=True)
    options, rest = parser.parse_known_args(given)
    if rest:
        parser.error(_why_not(rest))
    _prepare(parser, options)
    if is_unspecified(options.address):
        parser.error(f"--address {options.address}: by which one do others reach this machine? Links have to name it")
    try:
        services = sandbox(
            usual_ports=not options.free_ports,
            address=options.address,
            control=options.control,
            database=options.database,
            tls=options.tls,
            tls_names=options.tls_name,
        )
        together = stack.enter_context(services)
    except OSError as error:
        parser.error(f"{_why(error)}; --free-ports takes free ones")
    except (ValueError, RuntimeError, ImportError) as error:
        parser.error(_why(error))
    is_kept = any(one.is_kept for one in together.started.values())
    _tell(options, _tables(together), _document(together), is_kept=is_kept)


def _add_shared_arguments(parser: argparse.ArgumentParser, *, is_played: bool) -> None:
    add = parser.add_argument
    add("--address", default="127.0.0.1", help="to listen on (%(default)s)")
    add("--expose", action="store_true", help="allow an address that other machines reach")
    add("--json", action="store_true", help="print addresses and logins as JSON on stdout, and the table on stderr")
    if is_played:
        add("--control", action="store_true", help="take orders to misbehave by HTTP, on another port")
        add("--verbose", action="store_true", help="log requests on stderr")


def _prepare(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Check and do what is common to one and all."""
    if not is_local(options.address) and not options.expose:
        parser.error(f"--address {options.address} can be reached from other machines, which needs --expose")
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger().setLevel(logging.ERROR)  # its own news are in the table
    if getattr(options, "verbose", False):
        logging.getLogger("restwright.sandbox").setLevel(logging.INFO)


def _why_not(rest: list[str]) -> str:
    late = next((one for one in rest if one in SERVICES), None)
    if late is not None:
        return f"SERVICE comes first: {_PROGRAM} {late} ..."
    if rest[0].startswith("-"):
        return f"{rest[0]} is no option of all services at once; one alone has more: {_PROGRAM} SERVICE --help"
    return f"there is no service {rest[0]!r}; there are {', '.join(SERVICES)}"


def _why(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _tables(together: Sandbox) -> str:
    """One below the other, aligned."""
    rows = {
        name: together.started[name].rows if name in together.started else [("missing", together.missing[name])]
        for name in SERVICES
    }
    if shared := together.tls.rows():
        rows[_CERTIFICATES] = shared
    width = max(len(name) for table in rows.values() for name, _ in table)
    return "\n\n".join(
        f"{f'{name}: {SERVICES[name]}' if name in SERVICES else name}\n{_table(table, width)}"
        for name, table in rows.items()
    )


def _table(rows: Rows, width: int = 0) -> str:
    width = width or max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def _document(together: Sandbox) -> dict[str, Any]:
    return {**{name: one.document for name, one in together.started.items()}, "missing": together.missing}


def _tell(options: argparse.Namespace, table: str, document: dict[str, Any], *, is_kept: bool) -> None:
    kept = "What is in the database stays there." if is_kept else "All that it knows is gone when it stops."
    text = f"{_FOR_TESTS}\n{kept}\n\n{table}\n\nStop it with Ctrl+C."
    print(text, file=sys.stderr if options.json else sys.stdout, flush=True)  # what it is for
    if options.json:
        print(json.dumps(document), flush=True)  # noqa: T201  # what it is for


if __name__ == "__main__":
    sys.exit(main())
