"""How a Keystone misbehaves, on demand."""

from __future__ import annotations

from typing import Final

from restwright.sandbox.faults import FaultOptions

__all__ = ["OTHER", "Misbehaviour"]


class Misbehaviour(FaultOptions, total=False):
    """What `behave` takes."""

    dead: bool
    """The service refuses connections, until this is False."""


OTHER: Final[dict[str, tuple[type, ...]]] = {"dead": (bool,)}
"""What is demanded of the service as a whole, with its types."""
