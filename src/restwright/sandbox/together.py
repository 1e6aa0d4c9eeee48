"""All services at once."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from restwright.sandbox.command import Command
from restwright.sandbox.identity import IdentityProvider
from restwright.sandbox.services import SERVICES, Started, command_of, start
from restwright.sandbox.tls import Tls, TlsMode

if TYPE_CHECKING:  # they need extras, which not everybody has
    from restwright.sandbox.certificates import Certificates
    from restwright.sandbox.keystone import KeystoneService
    from restwright.sandbox.sequoia import SequoiaService
    from restwright.testing.kinto import KintoServer

__all__ = ["Sandbox", "sandbox"]


class Sandbox:
    """Services that run together; made by `sandbox`.

    Attributes:
        started: Those that run, by name.
        missing: What has to be installed for the others, by name.
        tls: How all but Kinto speak, with the certificates that they share.
    """

    def __init__(self, tls: Tls) -> None:
        self.tls = tls
        self.started: dict[str, Started] = {}
        self.missing: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Sandbox {' '.join(f'{name}={one.service.url}' for name, one in self.started.items())}>"

    @property
    def certificates(self) -> Certificates | None:
        """What a client needs to speak TLS with them; None if they speak plain HTTP. They are gone at the end."""
        return self.tls.certificates

    @property
    def identity(self) -> IdentityProvider:
        """The OpenID provider."""
        service: IdentityProvider = self._service("identity")
        return service

    @property
    def keystone(self) -> KeystoneService:
        """The Keystone, of the session era."""
        service: KeystoneService = self._service("keystone")
        return service

    @property
    def sequoia(self) -> SequoiaService:
        """The Sequoia services."""
        service: SequoiaService = self._service("sequoia")
        return service

    @property
    def kinto(self) -> KintoServer:
        """The real Kinto; it takes tokens of the OpenID provider, too."""
        service: KintoServer = self._service("kinto")
        return service

    def _service(self, name: str) -> Any:
        if name in self.missing:
            raise ImportError(self.missing[name])
        if name not in self.started:
            raise AttributeError(f"{name} was not asked for", name=name, obj=self)
        return self.started[name].service


@contextmanager
def sandbox(
    *names: str,
    usual_ports: bool = False,
    address: str = "127.0.0.1",
    control: bool = False,
    database: str | None = None,
    tls: TlsMode = "off",
    tls_names: Iterable[str] = (),
) -> Generator[Sandbox]:
    """Start all services, or those that are named, until the end of the `with` block.

    What is not installed does not start; it is in `missing`, and asking for it is an ImportError.

    Args:
        *names: `identity`, `keystone`, `sequoia`, `kinto`.
        usual_ports: Listen where the commands do, rather than on free ports.
        address: To listen on; whoever reaches it knows the passwords.
        control: Take orders by HTTP too; see the `control_url` of a service.
        database: URL of where those that have one keep their records, rather than in memory.
        tls: How all but Kinto speak, which has plain HTTP alone. With `mutual`, Kinto takes no tokens of the OpenID
            provider: it has no certificate to ask for its keys with.
        tls_names: By which they are reached too, for their certificate.

    Raises:
        ImportError: What makes certificates is not installed.
        OSError: The address is not ours, or a port is in use; `strerror` says whose.
        ValueError: There is no such service, or the database cannot be used.

    >>> import requests
    >>> with sandbox("identity", "keystone") as services:
    ...     requests.get(f"{services.keystone.url}/version/", timeout=5).text
    '0.10.7'
    """
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise ValueError(f"there is no service {unknown[0]!r}; there are {', '.join(SERVICES)}")
    together = Sandbox(Tls(tls, address, tls_names))
    with ExitStack() as stack:
        stack.callback(together.tls.close)
        together.tls.context()  # makes the certificates
        for name in SERVICES:
            if not names or name in names:
                try:
                    command = command_of(name)
                    options = _options(command, together, database)
                    options.address, options.control = address, control
                    options.port = command.port if usual_ports else 0
                    together.started[name] = start(stack, name, command, options)
                except ImportError as error:
                    together.missing[name] = str(error)
        yield together


def _options(command: Command, together: Sandbox, database: str | None) -> argparse.Namespace:
    """Its own options as they are unless given, but for what ties services together."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = parser.parse_args([])
    if hasattr(options, "database") and database is not None:
        options.database = database
    if hasattr(options, "tls"):
        options.tls, options.certificates = together.tls.mode, together.certificates
    if hasattr(options, "openid_issuer") and "identity" in together.started and together.tls.mode != "mutual":
        options.openid_issuer = together.identity.issuer
        options.openid_authority = together.certificates and together.certificates.authority
    return options
