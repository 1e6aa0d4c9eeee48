"""How the services misbehave, on demand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Unpack

from restwright.sandbox.faults import Fault, FaultOptions, Faults, types_of
from restwright.sandbox.sequoia.visibility import Visibility

__all__ = ["Behaviour", "Misbehaviour"]


class Misbehaviour(FaultOptions, total=False):
    """What `behave` takes."""

    empty: int
    """So many pages of resources have nothing in them, as if nothing were there; those of one endpoint or of all."""
    visible_after: int
    """What is stored from now on appears only after so many reads that would have shown it; 0 ends that."""
    dead: bool
    """Connections are refused, until this is False; by the one service that is named as endpoint, or by all."""


_OWN: Final = {
    name: types for name, types in types_of(Misbehaviour).items() if name not in FaultOptions.__annotations__
}


class Behaviour:
    """What was demanded of the services; at first nothing.

    Args:
        endpoints: That faults can be at.
        browsed: Those of them that have pages.
        services: That can play dead.
        visibility: Of what is stored.

    Attributes:
        dead: Names of the services that refuse connections.
    """

    def __init__(
        self, endpoints: Collection[str], browsed: Collection[str], services: Collection[str], visibility: Visibility
    ) -> None:
        self.dead: set[str] = set()
        self._browsed = browsed
        self._services = services
        self._visibility = visibility
        self._faults = Faults(endpoints, _OWN)
        self._empty: dict[str, int] = {}

    def behave(self, endpoint: str | None, times: int | None, **how: Unpack[Misbehaviour]) -> None:
        """Add to what was demanded before.

        Args:
            endpoint: That it is at; all if None.
            times: How many requests a fault is for; all if None.
            **how: See `Misbehaviour`.

        Raises:
            TypeError: There is no such misbehaviour, or not of such a type.
            ValueError: There is no such endpoint, or such a value makes no sense.
        """
        own: dict[str, Any] = {name: value for name, value in how.items() if name in _OWN}
        faults: dict[str, Any] = {name: value for name, value in how.items() if name not in _OWN}
        own = self._faults.demand(None, None, own)
        self._check(endpoint, own)
        if faults or not own or times is not None:
            self._faults.demand(endpoint, times, faults)
        if "visible_after" in own:
            self._visibility.after = own["visible_after"]
        if "empty" in own:
            for name in self._browsed if endpoint is None else [endpoint]:
                self._empty[name] = self._empty.get(name, 0) + own["empty"]
        if "dead" in own:
            named = self._services if endpoint is None else {endpoint}
            self.dead = self.dead | {*named} if own["dead"] else self.dead - {*named}

    def fault_for(self, endpoint: str) -> Fault | None:
        """What is to become of a request; of several faults, the one that was demanded first."""
        return self._faults.fault_for(endpoint)

    def takes_empty(self, endpoint: str) -> bool:
        """Whether this page is to be empty."""
        left = self._empty.get(endpoint, 0)
        if left:
            self._empty[endpoint] = left - 1
        return left > 0

    def _check(self, endpoint: str | None, own: dict[str, Any]) -> None:
        for name in ("empty", "visible_after"):
            if own.get(name, 0) < 0:
                raise ValueError(f"{name} must be 0 or more, got {own[name]}")
        if endpoint is None:
            return
        if "visible_after" in own:
            raise ValueError("visible_after is for all endpoints, not for one")
        for name, known in (("empty", self._browsed), ("dead", self._services)):
            if name in own and endpoint not in known:
                raise ValueError(f"the endpoint of {name} must be one of {', '.join(known)}, got {endpoint!r}")
