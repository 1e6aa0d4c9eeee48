"""A Keystone for tests and demos: both log-ins, all resources, on SQLite or PostgreSQL."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("sqlalchemy") is None:
    raise ImportError("to run a Keystone: pip install 'restwright[sandbox]'")

from restwright.sandbox.keystone.misbehaviour import Misbehaviour
from restwright.sandbox.keystone.running import KeystoneService, keystone_service
from restwright.sandbox.keystone.settings import Account, Settings

__all__ = ["Account", "KeystoneService", "Misbehaviour", "Settings", "keystone_service"]
