"""How a Keystone misbehaves, on demand."""

from __future__ import annotations

from restwright.sandbox.faults import FaultOptions

__all__ = ["Misbehaviour"]


class Misbehaviour(FaultOptions, total=False):
    """What `behave` takes."""

    dead: bool
    """The service refuses connections, until this is False."""
