"""`python -m restwright.sandbox identity`: a service of the sandbox, until it is told to stop."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, TextIO, get_args, get_type_hints

from restwright.sandbox.identity import SAMPLE_CLIENTS, SAMPLE_USERS, IdentityProvider, Settings, identity_provider
from restwright.sandbox.identity.configuration import read_configuration

_FOR_TESTS: Final = """\
This is for tests only. Everybody who reaches it can log in as anybody: the passwords are below.
All that it knows is gone when it stops."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a service; the exit status is 2 for misuse, a port in use among it."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check_address(parser, options)
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger().setLevel(logging.ERROR)  # its own news are in the table
    if options.verbose:
        logging.getLogger("restwright.sandbox").setLevel(logging.INFO)
    if options.config and not Path(options.config).is_file():
        parser.error(f"--config {options.config}: there is no such file")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        idp = _start(options)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        why = "the port is in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        parser.error(f"cannot listen on {options.address} port {options.port}: {why}")
    with idp:
        _announce(idp, as_json=options.json)
        stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m restwright.sandbox", description="Services for tests.")
    services = parser.add_subparsers(dest="service", required=True, metavar="SERVICE")
    identity = services.add_parser(
        "identity", help="an OpenID provider", description=f"An OpenID provider. {_FOR_TESTS}"
    )
    add = identity.add_argument
    add("--port", type=int, default=8780, help="to listen on; 0 for a free one (%(default)s)")
    add("--address", default="127.0.0.1", help="to listen on (%(default)s)")
    add("--expose", action="store_true", help="allow an address that other machines reach")
    add("--issuer", default="", metavar="URL", help="by which others reach it, if it is not where it listens")
    add(
        "--redirect-uri", action="append", default=[], metavar="URI", help="of the clients web and app; may be repeated"
    )
    add("--config", metavar="FILE", help="users and clients, in JSON, in the place of the sample ones")
    add("--control", action="store_true", help="take orders to misbehave by HTTP, on another port")
    add("--json", action="store_true", help="print addresses and logins as JSON on stdout, and the table on stderr")
    add("--verbose", action="store_true", help="log requests on stderr")
    for field in fields(Settings):
        _add_setting(identity, field.name, field.default)
    return parser


def _add_setting(parser: argparse.ArgumentParser, name: str, default: object) -> None:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, bool):
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=default, help="let clients register")
    elif isinstance(default, float):
        parser.add_argument(flag, type=float, default=default, metavar="SECONDS", help="(%(default)g)")
    else:
        parser.add_argument(
            flag, choices=get_args(get_type_hints(Settings)[name]), default=default, help="(%(default)s)"
        )


def _check_address(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if not 0 <= options.port <= 65535:
        parser.error(f"--port must be 0 to 65535, got {options.port}")
    try:
        address = ipaddress.ip_address(options.address)
    except ValueError:
        is_local = options.address == "localhost"
    else:
        is_local = address.is_loopback
        if address.is_unspecified and not options.issuer:
            parser.error(f"--address {options.address} needs --issuer: by which URL do others reach it?")
    if not is_local and not options.expose:
        parser.error(f"--address {options.address} can be reached from other machines, which needs --expose")


def _start(options: argparse.Namespace) -> IdentityProvider:
    more = tuple(options.redirect_uri)
    users, clients = read_configuration(options.config) if options.config else (SAMPLE_USERS, SAMPLE_CLIENTS)
    clients = [
        replace(one, redirect_uris=one.redirect_uris + more, logout_uris=one.logout_uris + more)
        if one.id in ("web", "app")
        else one
        for one in clients
    ]
    settings: dict[str, Any] = {field.name: getattr(options, field.name) for field in fields(Settings)}
    return identity_provider(
        port=options.port,
        address=options.address,
        issuer=options.issuer,
        control=options.control,
        users=users,
        clients=clients,
        **settings,
    )


def _announce(idp: IdentityProvider, *, as_json: bool) -> None:
    users, clients = idp.users.values(), idp.clients.values()
    rows = [
        ("provider", idp.issuer),
        ("listening on", idp.url),
        ("discovery", f"{idp.issuer}/.well-known/openid-configuration"),
    ]
    rows += [("devices", f"{idp.issuer}/device")]
    rows += [] if idp.control_url is None else [("control", idp.control_url)]
    rows += [("user", f"{user.name}  password: {user.password}") for user in users]
    rows += [
        ("client", f"{one.id}  " + ("public, with PKCE" if one.secret is None else f"secret: {one.secret}"))
        for one in clients
    ]
    _print_table(rows, sys.stderr if as_json else sys.stdout)
    if as_json:
        document = {
            "url": idp.url,
            "issuer": idp.issuer,
            "control": idp.control_url,
            "users": {user.name: user.password for user in users},
            "clients": {one.id: one.secret for one in clients},
        }
        print(json.dumps(document), flush=True)  # noqa: T201  # what it is for


def _print_table(rows: list[tuple[str, str]], stream: TextIO) -> None:
    width = max(len(name) for name, _ in rows)
    table = "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)
    print(f"{_FOR_TESTS}\n\n{table}\n\nStop it with Ctrl+C.", file=stream, flush=True)  # what it is for


if __name__ == "__main__":
    sys.exit(main())
