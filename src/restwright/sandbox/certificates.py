"""Certificates for one run, for TLS and mutual TLS: nobody else trusts them, and their keys are gone at the end."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from restwright.closing import Closing

try:
    import trustme
except ImportError as error:
    raise ImportError("to have certificates made: pip install 'restwright[sandbox]'") from error

__all__ = ["Certificates", "KeyPair"]

_NAMES: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its key, as files.

    Attributes:
        cert: Path of the certificate (PEM).
        key: Path of its private key (PEM).
    """

    cert: str
    key: str


class Certificates(Closing):
    """An authority, and what it has signed; removed by `close`, or with its `with` block.

    Args:
        names: More names and addresses of servers, such as `*.example.org`.

    Attributes:
        authority: Path of the certificate of the authority (PEM), by which clients check servers.
        server: What servers at 127.0.0.1, ::1, localhost and at `names` have.
        client: A client that servers with `mutual_context` let in.
        stranger: One that they do not: another authority has signed it.
        stranger_authority: Path of the certificate of that one (PEM), by which no server here is to be trusted.

    Raises:
        ValueError: A certificate cannot have such a name.

    >>> import requests
    >>> from restwright.testing import Reply, serve
    >>> with Certificates() as made, serve([Reply()], tls=made.mutual_context()) as server:
    ...     requests.get(server.url, verify=made.authority, cert=(made.client.cert, made.client.key), timeout=5).ok
    True
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        authority, other = trustme.CA(), trustme.CA()
        named = [*dict.fromkeys((*_NAMES, *names))]
        try:
            server = authority.issue_cert(*named)
        except ValueError as error:
            raise ValueError(f"names has to be names of hosts, got {', '.join(map(repr, named))}: {error}") from None
        self._directory = TemporaryDirectory(prefix="restwright-certificates-")
        self.authority = self._write("authority", authority.cert_pem)
        self.stranger_authority = self._write("stranger-authority", other.cert_pem)
        self.server = self._pair("server", server)
        self.client = self._pair("client", authority.issue_cert("client@example.org", common_name="client"))
        self.stranger = self._pair("stranger", other.issue_cert("stranger@example.org", common_name="stranger"))

    def __repr__(self) -> str:
        return f"<Certificates of {self.authority}>"

    def close(self) -> None:
        """Remove the files.  Again does no harm."""
        self._directory.cleanup()

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.cert, self.server.key)
        return context

    def mutual_context(self) -> ssl.SSLContext:
        """The same, for clients that have a certificate of this authority, and no others."""
        context = self.server_context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.authority)
        return context

    def _pair(self, name: str, made: trustme.LeafCert) -> KeyPair:
        return KeyPair(self._write(name, *made.cert_chain_pems), self._write(f"{name}-key", made.private_key_pem))

    def _write(self, name: str, *content: trustme.Blob) -> str:
        path = Path(self._directory.name, f"{name}.pem")
        path.touch(0o600)
        path.write_bytes(b"".join(blob.bytes() for blob in content))
        return str(path)
