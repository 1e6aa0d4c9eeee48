"""The services that clients talk to, for tests and demos, in one process."""

from __future__ import annotations

from restwright.sandbox.identity import IdentityProvider, identity_provider
from restwright.sandbox.together import Sandbox, sandbox

__all__ = ["IdentityProvider", "Sandbox", "identity_provider", "sandbox"]
