"""`python -m restwright.sandbox sequoia`."""

from __future__ import annotations

import argparse
from typing import Any, Final

from restwright.sandbox.command import Command, Rows, add_database_arguments, pair
from restwright.sandbox.sequoia.running import SequoiaService, sequoia_service
from restwright.sandbox.sequoia.settings import Settings
from restwright.sandbox.tls import add_tls_arguments

__all__ = ["COMMAND"]

_DEFAULT: Final = Settings()


def _client(text: str) -> tuple[str, str]:
    return pair(text, "a client is written as ID:SECRET")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_tls_arguments(parser)
    add_database_arguments(parser, database=_DEFAULT.database, sample=_DEFAULT.sample)
    add = parser.add_argument
    add("--tenant", default=_DEFAULT.tenant, metavar="NAME", help="whose services the registry tells (%(default)s)")
    shown = ", ".join(f"{client_id}:{secret}" for client_id, secret in _DEFAULT.clients.items())
    add(
        "--client",
        action="append",
        type=_client,
        metavar="ID:SECRET",
        help=f"who can get tokens; may be repeated ({shown})",
    )
    add(
        "--needs-token",
        action=argparse.BooleanOptionalAction,
        default=_DEFAULT.needs_token,
        help="give resources to those alone who have a token",
    )
    add("--token-lifetime", type=float, default=_DEFAULT.token_lifetime, metavar="SECONDS", help="(%(default)g)")
    for name, what in (
        ("linked_per_page", "included resources that come with one"),
        ("linked_pages", "pages of so many that come with it"),
    ):
        default = getattr(_DEFAULT, name)
        add(f"--{name.replace('_', '-')}", type=int, default=default, metavar="NUMBER", help=f"{what} (%(default)s)")


def _start(options: argparse.Namespace) -> SequoiaService:
    return sequoia_service(
        address=options.address,
        port=options.port,
        control=options.control,
        database=options.database,
        sample=options.sample,
        tenant=options.tenant,
        clients=dict(options.client or _DEFAULT.clients),
        needs_token=options.needs_token,
        token_lifetime=options.token_lifetime,
        linked_per_page=options.linked_per_page,
        linked_pages=options.linked_pages,
        tls=options.tls,
        tls_names=tuple(options.tls_name),
        certificates=options.certificates,
    )


def _rows(sequoia: SequoiaService) -> Rows:
    return [
        ("registry", sequoia.registry_url),
        *sequoia.locations.items(),
        ("database", sequoia.database),
        *(("client", f"{client_id}  secret: {secret}") for client_id, secret in sequoia.clients.items()),
    ]


def _document(sequoia: SequoiaService) -> dict[str, Any]:
    return {
        "registry": sequoia.registry_url,
        "locations": sequoia.locations,
        "database": sequoia.database,
        "clients": sequoia.clients,
    }


COMMAND: Final = Command(
    port=8790,
    ports=2 + len(_DEFAULT.services),
    add_arguments=_add_arguments,
    start=_start,
    rows=_rows,
    document=_document,
)
