"""What becomes of requests, on demand: faults, at one endpoint of a service or at all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict, cast

__all__ = ["Fault", "FaultOptions", "Faults"]


class FaultOptions(TypedDict, total=False):
    """What a fault is; several may be told at once."""

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


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "delay": (int, float),
    "status": (int,),
    "retry_after": (int,),
    "html": (bool,),
    "drop": (bool,),
    "block": (bool,),
    "oversized": (int,),
    "redirect_to": (str,),
}


@dataclass(slots=True)
class Fault:
    """What becomes of requests; see `FaultOptions`."""

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


class Faults:
    """Those that were demanded of a service; at first none.

    Args:
        endpoints: Of the service.
        other: Types of what else can be demanded of it, by name.
    """

    def __init__(self, endpoints: Collection[str], other: Mapping[str, tuple[type, ...]]) -> None:
        self._endpoints = endpoints
        self._types = {**_TYPES, **other}
        self._faults: list[Fault] = []

    def demand(self, endpoint: str | None, times: int | None, how: Mapping[str, Any]) -> dict[str, Any]:
        """Add a fault to those that there are, and give back what else was demanded.

        Args:
            endpoint: That the fault is at; all if None.
            times: How many requests it is for; all if None.
            how: `FaultOptions`, and what else there is.

        Raises:
            TypeError: There is no such misbehaviour, or not of such a type.
            ValueError: There is no such endpoint, or such a value makes no sense.
        """
        _check_types(how, self._types)
        _check_values(how)
        options = {name: value for name, value in how.items() if name in _TYPES}
        if endpoint is not None and endpoint not in self._endpoints:
            raise ValueError(f"endpoint must be one of {', '.join(self._endpoints)}, got {endpoint!r}")
        if times is not None and not (type(times) is int and times >= 1):
            raise ValueError(f"times must be 1 or more, got {times!r}")
        if not options and (endpoint is not None or times is not None):
            raise ValueError(f"endpoint and times are for faults: {', '.join(_TYPES)}")
        if options:
            self._faults.append(Fault(endpoint, times, **cast("FaultOptions", options)))
        return {name: value for name, value in how.items() if name not in _TYPES}

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


def _check_types(how: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> None:
    for name, value in how.items():
        if name not in types:
            raise TypeError(f"there is no misbehaviour {name!r}, but {', '.join(types)}")
        if not isinstance(value, types[name]) or (isinstance(value, bool) and bool not in types[name]):
            raise TypeError(f"{name} must be of type {types[name][-1].__name__}, got {value!r}")


def _check_values(how: Mapping[str, Any]) -> None:
    if "status" in how and not 400 <= how["status"] <= 599:
        raise ValueError(f"status must be 400 to 599, got {how['status']}")
    for name in ("delay", "oversized", "slow_down", "retry_after"):
        if how.get(name, 0) < 0:
            raise ValueError(f"{name} must be 0 or more, got {how[name]}")
    if "retry_after" in how and "status" not in how:
        raise ValueError("retry_after is for an answer with a status")
