"""Whether and how services speak TLS, with certificates that are made for the run."""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal, get_args

from restwright.sandbox.address import is_unspecified
from restwright.sandbox.command import Rows

if TYPE_CHECKING:  # it needs an extra, which those who speak no TLS need not have
    from restwright.sandbox.certificates import Certificates

__all__ = ["Tls", "TlsMode", "add_tls_arguments"]

TlsMode = Literal["off", "on", "optional", "mutual"]
"""`off` is plain HTTP; `on` HTTPS; `optional` takes a certificate of a client that shows one, `mutual` demands it."""


class Tls:
    """How the services of one run speak; removed by `close`.

    Args:
        mode: See `TlsMode`.
        address: That they listen on.
        names: By which they are reached too.
        certificates: To have those, which are for the address and the names, rather than others made.

    Attributes:
        mode: As given.
        certificates: Those of the run, from the first `context` on unless they were given; None without TLS.

    Raises:
        ValueError: There is no such mode, or there are certificates and no TLS.
        TypeError: The names are one text.
    """

    def __init__(
        self, mode: TlsMode, address: str, names: Iterable[str], certificates: Certificates | None = None
    ) -> None:
        if mode not in get_args(TlsMode):
            raise ValueError(f"tls has to be one of {', '.join(get_args(TlsMode))}, got {mode!r}")
        if isinstance(names, str):
            raise TypeError(f"tls_names has to be a list or tuple of names, got {names!r}")
        if certificates is not None and mode == "off":
            raise ValueError("certificates are for TLS, but tls is 'off'")
        self.mode: TlsMode = mode
        self.certificates = certificates
        self._is_others = certificates is not None
        self._names = (*names,) if is_unspecified(address) else (address, *names)

    @property
    def asks_for_certificates(self) -> bool:
        """Whether clients may show one."""
        return self.mode in ("optional", "mutual")

    def context(self) -> ssl.SSLContext | None:
        """For a listener; None without TLS.

        Raises:
            ImportError: `restwright[sandbox]` is not installed.
            ValueError: A certificate cannot have such a name.
        """
        if self.mode == "off":
            return None
        if self.certificates is None:
            from restwright.sandbox.certificates import Certificates

            self.certificates = Certificates(self._names)
        if not self.asks_for_certificates:
            return self.certificates.server_context()
        context = self.certificates.mutual_context()
        if self.mode == "optional":
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def files(self) -> dict[str, str | dict[str, str]] | None:
        """Paths of the certificates that clients need, for programs; None without TLS."""
        made = self.certificates
        if made is None:
            return None
        return {
            "authority": made.authority,
            "client": asdict(made.client),
            "stranger": asdict(made.stranger),
            "stranger_authority": made.stranger_authority,
        }

    def rows(self) -> Rows:
        """The same for people; none without TLS."""
        rows: Rows = []
        for name, value in (self.files() or {}).items():
            parts = value if isinstance(value, dict) else {"cert": value}
            rows.append((name.replace("_", " "), "  ".join(f"{part}: {path}" for part, path in parts.items())))
        return rows

    def close(self) -> None:
        """Remove the certificates, unless they were given.  Again does no harm."""
        if self.certificates is not None and not self._is_others:
            self.certificates.close()


def add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of a command whose service speaks TLS: `tls`, `tls_name`; and `certificates`, which a program may set."""
    parser.set_defaults(certificates=None)
    text = "speak TLS, and ask clients for certificates (%(default)s)"
    parser.add_argument("--tls", choices=get_args(TlsMode), default="off", help=text)
    text = "one more of the server's certificate; may be repeated"
    parser.add_argument("--tls-name", action="append", default=[], metavar="NAME", help=text)
