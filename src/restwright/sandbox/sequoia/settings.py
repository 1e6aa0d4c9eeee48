"""How the services of the sandbox behave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from restwright.sandbox.sequoia.kinds import SERVICES, ResourceService
from restwright.sandbox.tls import TlsMode

if TYPE_CHECKING:  # it needs an extra
    from restwright.sandbox.certificates import Certificates

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the services of the sandbox behave.

    Attributes:
        database: URL of SQLAlchemy; in memory unless given. `sqlite:///sequoia.db` is a file in the working directory,
            `postgresql://user:password@host/name` a database of PostgreSQL.
        sample: Fill an empty database with a catalogue of films, of the owners `testmock` and `test`.
        tenant: Whose services the registry tells, at `/services/<tenant>`.
        clients: Who can get tokens: secret by id.
        needs_token: Whether resources are for those alone who have a token.
        token_lifetime: Seconds that a token lives.
        linked_per_page: Included resources that belong to one resource and come with it, at most.
        linked_pages: How many pages of so many the service fetches by itself for each resource.
        services: That have resources.
        tls: How they speak. A client that shows a certificate needs no token.
        tls_names: By which they are reached too, for their certificate.
        certificates: That they share with others, rather than some of their own.

    Raises:
        ValueError: A setting cannot be that.
    """

    database: str = "sqlite://"
    sample: bool = True
    tenant: str = "testmock"
    clients: Mapping[str, str] = field(default_factory=lambda: {"clientId": "clientSecret"}, repr=False)
    needs_token: bool = True
    token_lifetime: float = 3600.0
    linked_per_page: int = 100
    linked_pages: int = 1
    services: tuple[ResourceService, ...] = SERVICES
    tls: TlsMode = "off"
    tls_names: tuple[str, ...] = ()
    certificates: Certificates | None = None

    def __post_init__(self) -> None:
        if not self.tenant or "/" in self.tenant:
            raise ValueError(f"tenant has to be a name without a slash, got {self.tenant!r}")
        if not self.clients:
            raise ValueError("clients has to have one client or more")
        if not self.token_lifetime > 0:
            raise ValueError(f"token_lifetime has to be more than 0 seconds, got {self.token_lifetime!r}")
        for name, most in (("linked_per_page", 1000), ("linked_pages", 100)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} has to be 1 to {most}, got {getattr(self, name)!r}")
        names = [service.name for service in self.services]
        if len({*names}) < len(names):
            raise ValueError(f"services has a name twice: {', '.join(names)}")
