"""`python -m restwright.sandbox keystone`."""

from __future__ import annotations

import argparse
from typing import Any, Final, get_args

from restwright.sandbox.command import Command, Rows, add_database_arguments, pair
from restwright.sandbox.keystone.running import KeystoneService, keystone_service
from restwright.sandbox.keystone.settings import Account, EraName, ListStyle, Settings
from restwright.sandbox.tls import add_tls_arguments

__all__ = ["COMMAND"]

_DEFAULT: Final = Settings()
_RATES: Final = {"jwt": ("1000/day", "10000/day"), "session": ("120/min", "300/min")}  # of the real service


def _account(text: str) -> Account:
    return Account(*pair(text, "an account is written as NAME:PASSWORD"))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_tls_arguments(parser)
    add_database_arguments(parser, database=_DEFAULT.database, sample=_DEFAULT.sample)
    add = parser.add_argument
    add("--era", choices=get_args(EraName), default=_DEFAULT.era, help="log-in by tokens or by sessions (%(default)s)")
    add("--seed", type=int, default=_DEFAULT.seed, metavar="NUMBER", help="of the sample (%(default)s)")
    for name, who in (("staff", "who may do everything"), ("plain", "who may not")):
        account: Account = getattr(_DEFAULT, name)
        shown = f"{account.username}:{account.password}"
        add(f"--{name}", type=_account, default=account, metavar="NAME:PASSWORD", help=f"{who} ({shown})")
    add(
        "--list-style", choices=get_args(ListStyle), default=_DEFAULT.list_style, help="of older services (%(default)s)"
    )
    add("--version", default=_DEFAULT.version, help="what it says it is")
    for name in ("access_lifetime", "refresh_lifetime", "session_age"):
        default = getattr(_DEFAULT, name)
        add(f"--{name.replace('_', '-')}", type=float, default=default, metavar="SECONDS", help="(%(default)g)")
    add("--throttle", action="store_true", help="refuse too many requests, as the real service does")
    for name, who in (("anonymous_rate", "unknown"), ("user_rate", "known")):
        add(f"--{name.replace('_', '-')}", metavar="RATE", help=f"most requests of an {who} client, such as 120/min")
    add(
        "--trusted-origin", action="append", default=[], metavar="ORIGIN", help="whose pages may write; may be repeated"
    )


def _start(options: argparse.Namespace) -> KeystoneService:
    anonymous_rate, user_rate = _RATES[options.era] if options.throttle else (None, None)
    return keystone_service(
        address=options.address,
        port=options.port,
        control=options.control,
        era=options.era,
        database=options.database,
        sample=options.sample,
        seed=options.seed,
        staff=options.staff,
        plain=options.plain,
        list_style=options.list_style,
        version=options.version,
        access_lifetime=options.access_lifetime,
        refresh_lifetime=options.refresh_lifetime,
        session_age=options.session_age,
        anonymous_rate=options.anonymous_rate or anonymous_rate,
        user_rate=options.user_rate or user_rate,
        trusted_origins=tuple(options.trusted_origin),
        tls=options.tls,
        tls_names=tuple(options.tls_name),
        certificates=options.certificates,
    )


def _rows(keystone: KeystoneService) -> Rows:
    accounts = keystone.accounts
    return [
        ("keystone", f"{keystone.url}  version {keystone.version}"),
        ("database", keystone.database),
        *(("user", f"{one.username}  password: {one.password}") for one in accounts),
    ]


def _document(keystone: KeystoneService) -> dict[str, Any]:
    return {
        "era": keystone.settings.era,
        "version": keystone.version,
        "database": keystone.database,
        "users": {one.username: one.password for one in keystone.accounts},
    }


COMMAND: Final = Command(
    port=8000,
    add_arguments=_add_arguments,
    start=_start,
    rows=_rows,
    document=_document,
)
