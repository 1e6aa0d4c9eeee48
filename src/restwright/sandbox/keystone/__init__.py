"""A Keystone for tests and demos: both log-ins, all resources, on SQLite or PostgreSQL."""

from __future__ import annotations

from restwright.sandbox.keystone.running import KeystoneService, keystone_service
from restwright.sandbox.keystone.settings import Account, Settings

__all__ = ["Account", "KeystoneService", "Settings", "keystone_service"]
