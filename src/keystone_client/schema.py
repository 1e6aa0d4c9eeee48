"""The paths of the service, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from keystone_client.paths import quoted

__all__ = ["AuthSchema", "DataSchema", "Endpoint", "Schema"]


class Endpoint(str):
    """A path below the root of the service.

    >>> Endpoint("allocations/clusters").join_url("http://localhost:8000", 1)
    'http://localhost:8000/allocations/clusters/1/'
    """

    __slots__ = ()

    def join_url(self, base: str, *append: Any) -> str:
        """Below `base`, with what else there is (but None) after it, percent-encoded, and one slash at the end."""
        parts = [base.rstrip("/"), self.strip("/"), *(quoted(part) for part in append if part is not None)]
        return "/".join(parts) + "/"


@dataclass
class AuthSchema:
    """Where services before 0.4 give tokens."""

    new: Endpoint = Endpoint("authentication/new")
    refresh: Endpoint = Endpoint("authentication/refresh")
    blacklist: Endpoint = Endpoint("authentication/blacklist")


@dataclass
class DataSchema:
    """Where services before 0.4 have their records."""

    allocations: Endpoint = Endpoint("allocations/allocations")
    clusters: Endpoint = Endpoint("allocations/clusters")
    requests: Endpoint = Endpoint("allocations/requests")
    research_groups: Endpoint = Endpoint("users/researchgroups")
    users: Endpoint = Endpoint("users/users")


@dataclass
class Schema:
    """All of them: nested as for services before 0.4, and flat as for those since."""

    login: ClassVar[Endpoint] = Endpoint("authentication/login")
    logout: ClassVar[Endpoint] = Endpoint("authentication/logout")

    auth: AuthSchema = field(default_factory=AuthSchema)
    data: DataSchema = field(default_factory=DataSchema)
    allocations: Endpoint = Endpoint("allocations/allocations")
    clusters: Endpoint = Endpoint("allocations/clusters")
    requests: Endpoint = Endpoint("allocations/requests")
    research_groups: Endpoint = Endpoint("users/researchgroups")
    teams: Endpoint = Endpoint("users/teams")
    memberships: Endpoint = Endpoint("users/memberships")
    users: Endpoint = Endpoint("users/users")
