"""How the provider misbehaves, on demand.

Two kinds: a fault is what becomes of requests to an endpoint, of some or of all that come; a lie is something that
the provider says, or does, against the rules, from now on.
"""

from __future__ import annotations

from typing import Final, Unpack, cast

from restwright.sandbox.faults import Fault, FaultOptions, Faults, types_of

__all__ = ["ENDPOINTS", "Behaviour", "Misbehaviour"]

ENDPOINTS: Final = (
    "authorize",
    "device",
    "device_authorization",
    "discovery",
    "introspect",
    "jwks",
    "logout",
    "registration",
    "revoke",
    "token",
    "userinfo",
)
"""What faults can be put at, and what requests are counted by."""


class Misbehaviour(FaultOptions, total=False):
    """What `behave` takes."""

    discovery_issuer: str
    """Lie: the issuer that the discovery documents name; leave it out if empty."""
    token_issuer: str
    """Lie: the claim `iss` of tokens."""
    response_issuer: str
    """Lie: the parameter `iss` that the browser brings back (RFC 9207); leave it out if empty."""
    state: str
    """Lie: the parameter `state` that the browser brings back; leave it out if empty."""
    unknown_kid: bool
    """Lie: tokens are signed with a key that is not published."""
    rotate_refresh_tokens: bool
    """Lie, if False: a refresh token stays the same, and may be used again."""
    clock_skew: float
    """Lie: seconds by which the provider's clock is ahead; also a way to let time pass."""
    slow_down: int
    """Lie: so many polls for a device code are answered with `slow_down`, however slow they are."""
    dead: bool
    """The provider refuses connections, until this is False."""


class Behaviour:
    """What was demanded of the provider; at first nothing.

    Attributes:
        lies: The lies, and `dead`.
    """

    def __init__(self) -> None:
        self.lies: Misbehaviour = {}
        self._faults = Faults(ENDPOINTS, types_of(Misbehaviour))

    def behave(self, endpoint: str | None, times: int | None, **how: Unpack[Misbehaviour]) -> None:
        """Add faults and lies to those that there are.

        Args:
            endpoint: That a fault is at, one of `ENDPOINTS`; all if None.
            times: How many requests it is for; all if None.
            **how: See `Misbehaviour`.

        Raises:
            TypeError: There is no such misbehaviour, or not of such a type.
            ValueError: There is no such endpoint, or such a value makes no sense.
        """
        self.lies |= cast("Misbehaviour", self._faults.demand(endpoint, times, how))

    def fault_for(self, endpoint: str) -> Fault | None:
        """What is to become of a request; of several faults, the one that was demanded first."""
        return self._faults.fault_for(endpoint)

    def takes_slow_down(self) -> bool:
        """Whether this poll is to be answered with `slow_down`."""
        left = self.lies.get("slow_down", 0)
        if left < 1:
            return False
        self.lies["slow_down"] = left - 1
        return True
