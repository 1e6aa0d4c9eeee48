"""`python -m restwright.sandbox kinto`."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager
from typing import Any, Final

from restwright.sandbox.command import Command, Rows
from restwright.testing.kinto import KintoServer, kinto_server

__all__ = ["COMMAND"]

_ACCOUNTS: Final = {"alice": "p4ssw0rd", "bob": "p4ssw0rd"}  # alice logs in so in the documentation
_SETTINGS: Final = {"kinto.batch_max_requests": "100"}
# Its memory sorts a whole collection for each page, so pages are large.
_PAGE: Final = 1000


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"a setting is written as NAME=VALUE, got {text!r}")
    return name, value


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--paginate-by", type=int, default=_PAGE, metavar="NUMBER", help="objects on a page at most (%(default)s)")
    add("--openid-issuer", metavar="URL", help="an OpenID provider that runs already, whose tokens are taken too")
    add("--openid-authority", metavar="FILE", help="by which its certificate is checked (PEM)")
    add(
        "--setting",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one of Kinto's own, such as kinto.backoff=30; may be repeated",
    )


def _start(options: argparse.Namespace) -> AbstractContextManager[KintoServer]:
    if options.paginate_by < 1:
        raise ValueError(f"--paginate-by must be 1 or more, got {options.paginate_by}")
    return kinto_server(
        port=options.port,
        address=options.address,
        accounts=_ACCOUNTS,
        paginate_by=options.paginate_by,
        openid_issuer=options.openid_issuer,
        openid_authority=options.openid_authority,
        settings=_SETTINGS | dict(options.setting),
    )


def _rows(kinto: KintoServer) -> Rows:
    return [
        ("kinto", kinto.url),
        ("files", kinto.attachments_url),
        *(("account", f"{name}  password: {password}") for name, password in _ACCOUNTS.items()),
    ]


def _document(kinto: KintoServer) -> dict[str, Any]:
    return {"attachments": kinto.attachments_url, "users": _ACCOUNTS}


COMMAND: Final = Command(
    port=8888,
    add_arguments=_add_arguments,
    start=_start,
    rows=_rows,
    document=_document,
    is_played=False,
)
