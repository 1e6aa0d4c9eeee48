"""What the operations of one client share, and what it has learnt of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keystone_client.discovery import Resource
from keystone_client.logins import Login
from restwright.message import Origin


@dataclass(slots=True)
class Context:
    """Where a client's operations go."""

    login: Login
    origin: Origin
    raises: bool = False
    """Do `http_get` and its like raise the error of a 4xx or 5xx answer?"""
    renamed: dict[str, str] = field(default_factory=dict[str, str])
    """Routes that this release calls otherwise."""
    resources: Mapping[str, Resource] | None = None
    """What its own document lists, once that was read."""
