"""The fixtures that users have, and clients that know no mercy."""

from __future__ import annotations

from restwright.sandbox.pytest_plugin import identity, identity_server

__all__ = ["identity", "identity_server"]
