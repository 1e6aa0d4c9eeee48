"""An OpenID provider for tests (OpenID Connect Core, OAuth 2.0): strict, in memory, and made to misbehave."""

from __future__ import annotations

from restwright.sandbox.identity.behaviour import ENDPOINTS, Misbehaviour
from restwright.sandbox.identity.clients import SAMPLE_CLIENTS, Client
from restwright.sandbox.identity.running import IdentityProvider, identity_provider
from restwright.sandbox.identity.settings import Settings
from restwright.sandbox.identity.users import SAMPLE_USERS, User
from restwright.sandbox.journal import Asked

__all__ = [
    "ENDPOINTS",
    "SAMPLE_CLIENTS",
    "SAMPLE_USERS",
    "Asked",
    "Client",
    "IdentityProvider",
    "Misbehaviour",
    "Settings",
    "User",
    "identity_provider",
]
