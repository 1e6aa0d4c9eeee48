"""How the provider misbehaves, on demand.

Two kinds: a fault is what becomes of requests to an endpoint, of some or of all that come; a lie is something that
the provider says, or does, against the rules, from now on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypedDict, Unpack, cast

__all__ = ["ENDPOINTS", "Behaviour", "Fault", "Misbehaviour"]

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


class Misbehaviour(TypedDict, total=False):
    """What `behave` takes."""

    delay: float
    """Fault: seconds before the answer."""
    status: int
    """Fault: an error of this status, 400 to 599."""
    retry_after: int
    """Fault, with `status`: seconds that the answer says to wait."""
    html: bool
    """Fault: a page in HTML in the place of the answer, with `status` or with 200."""
    drop: bool
    """Fault: the connection is closed without an answer."""
    block: bool
    """Fault: the request is taken and never answered."""
    oversized: int
    """Fault: a JSON object of so many bytes in the place of the answer."""
    redirect_to: str
    """Fault: a redirect (307) to there, absolute, in the place of the answer."""
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


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "delay": (int, float),
    "status": (int,),
    "retry_after": (int,),
    "html": (bool,),
    "drop": (bool,),
    "block": (bool,),
    "oversized": (int,),
    "redirect_to": (str,),
    "discovery_issuer": (str,),
    "token_issuer": (str,),
    "response_issuer": (str,),
    "state": (str,),
    "unknown_kid": (bool,),
    "rotate_refresh_tokens": (bool,),
    "clock_skew": (int, float),
    "slow_down": (int,),
    "dead": (bool,),
}
_FAULTS: Final = ("delay", "status", "retry_after", "html", "drop", "block", "oversized", "redirect_to")


@dataclass(slots=True)
class Fault:
    """What becomes of requests; see `Misbehaviour`."""

    endpoint: str | None
    times: int | None
    delay: float = 0.0
    status: int | None = None
    retry_after: int | None = None
    html: bool = False
    drop: bool = False
    block: bool = False
    oversized: int = 0
    redirect_to: str = ""


class Behaviour:
    """What was demanded of the provider; at first nothing.

    Attributes:
        lies: The lies, and `dead`.
    """

    def __init__(self) -> None:
        self.lies: Misbehaviour = {}
        self._faults: list[Fault] = []

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
        given = cast("dict[str, Any]", how)
        _check(given)
        faults = {name: value for name, value in given.items() if name in _FAULTS}
        if endpoint is not None and endpoint not in ENDPOINTS:
            raise ValueError(f"endpoint must be one of {', '.join(ENDPOINTS)}, got {endpoint!r}")
        if times is not None and not (type(times) is int and times >= 1):
            raise ValueError(f"times must be 1 or more, got {times!r}")
        if not faults and (endpoint is not None or times is not None):
            raise ValueError(f"endpoint and times are for faults: {', '.join(_FAULTS)}")
        if faults:
            self._faults.append(Fault(endpoint, times, **faults))
        self.lies |= cast("Misbehaviour", {name: value for name, value in given.items() if name not in _FAULTS})

    def fault_for(self, endpoint: str) -> Fault | None:
        """What is to become of a request; of several faults, the one that was demanded first."""
        for fault in self._faults:
            if fault.endpoint in (None, endpoint):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def takes_slow_down(self) -> bool:
        """Whether this poll is to be answered with `slow_down`."""
        left = self.lies.get("slow_down", 0)
        if left < 1:
            return False
        self.lies["slow_down"] = left - 1
        return True


def _check(how: dict[str, Any]) -> None:
    for name, value in how.items():
        if name not in _TYPES:
            raise TypeError(f"there is no misbehaviour {name!r}, but {', '.join(_TYPES)}")
        types = _TYPES[name]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise TypeError(f"{name} must be of type {types[-1].__name__}, got {value!r}")
    if "status" in how and not 400 <= how["status"] <= 599:
        raise ValueError(f"status must be 400 to 599, got {how['status']}")
    for name in ("delay", "oversized", "slow_down", "retry_after"):
        if how.get(name, 0) < 0:
            raise ValueError(f"{name} must be 0 or more, got {how[name]}")
    if "retry_after" in how and "status" not in how:
        raise ValueError("retry_after is for an answer with a status")
