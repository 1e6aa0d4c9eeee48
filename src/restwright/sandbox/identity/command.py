"""`python -m restwright.sandbox identity`."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from restwright.sandbox.address import is_unspecified
from restwright.sandbox.command import Command, Rows
from restwright.sandbox.identity.clients import SAMPLE_CLIENTS
from restwright.sandbox.identity.configuration import read_configuration
from restwright.sandbox.identity.running import IdentityProvider, identity_provider
from restwright.sandbox.identity.settings import Settings
from restwright.sandbox.identity.users import SAMPLE_USERS
from restwright.sandbox.tls import add_tls_arguments

__all__ = ["COMMAND"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_tls_arguments(parser)
    add = parser.add_argument
    add("--issuer", default="", metavar="URL", help="by which others reach it, if it is not where it listens")
    add(
        "--redirect-uri", action="append", default=[], metavar="URI", help="of the clients web and app; may be repeated"
    )
    add("--config", metavar="FILE", help="users and clients, in JSON, in the place of the sample ones")
    for field in fields(Settings):
        _add_setting(parser, field.name, field.default)


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


def _start(options: argparse.Namespace) -> IdentityProvider:
    if not options.issuer and is_unspecified(options.address):
        raise ValueError(f"--address {options.address} needs --issuer: by which URL do others reach it?")
    if options.config and not Path(options.config).is_file():
        raise ValueError(f"--config {options.config}: there is no such file")
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
        tls=options.tls,
        tls_names=options.tls_name,
        certificates=options.certificates,
        users=users,
        clients=clients,
        **settings,
    )


def _rows(idp: IdentityProvider) -> Rows:
    users, clients = idp.users.values(), idp.clients.values()
    return [
        ("provider", idp.issuer),
        *([] if idp.url == idp.issuer else [("listening on", idp.url)]),
        ("discovery", f"{idp.issuer}/.well-known/openid-configuration"),
        ("devices", f"{idp.issuer}/device"),
        *(("user", f"{user.name}  password: {user.password}") for user in users),
        *(
            ("client", f"{one.id}  " + ("public, with PKCE" if one.secret is None else f"secret: {one.secret}"))
            for one in clients
        ),
    ]


def _document(idp: IdentityProvider) -> dict[str, Any]:
    return {
        "issuer": idp.issuer,
        "users": {user.name: user.password for user in idp.users.values()},
        "clients": {one.id: one.secret for one in idp.clients.values()},
    }


COMMAND: Final = Command(
    port=8780,
    add_arguments=_add_arguments,
    start=_start,
    rows=_rows,
    document=_document,
)
