"""What becomes of requests, on demand: faults, at one endpoint of a service or at all of them.

Those that are demanded queue: a request gets the first one that is at its endpoint, and one that was for so many
requests is gone after them.  So any sequence of answers can be told beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, TypedDict, cast, get_args, get_origin, get_type_hints

__all__ = ["Fault", "FaultOptions", "Faults", "types_of"]


class FaultOptions(TypedDict, total=False):
    """What a fault is; several may be told at once, where they make sense together."""

    delay: float
    """Fault: seconds before the answer."""
    status: int
    """Fault: an answer of this status, 200 to 599; an error in the shape of the service, unless there is `body`."""
    headers: dict[str, str]
    """Fault: header fields of the answer that is told by others of these."""
    body: dict[str, Any] | list[Any] | str | bytes
    """Fault: an answer of this content, as JSON or as it is, with `status` or with 200."""
    retry_after: int
    """Fault, with `status`: seconds that the answer says to wait."""
    html: bool
    """Fault: a page in HTML in the place of the answer, with `status` or with 200."""
    redirect_to: str
    """Fault: a redirect to there, absolute or relative, in the place of the answer, with `status` or with 307."""
    oversized: int
    """Fault: a JSON object of so many bytes in the place of the answer, with `status` or with 200."""
    drop: bool
    """Fault: the connection is closed without an answer."""
    reset: bool
    """Fault: the connection is reset (RST) without an answer."""
    block: bool
    """Fault: the request is taken and never answered."""


def types_of(options: type) -> dict[str, tuple[type, ...]]:
    """What values may be by their names, from the TypedDict that declares them."""

    def types(hint: Any) -> tuple[type, ...]:
        if isinstance(hint, UnionType):
            return tuple(one for part in get_args(hint) for one in types(part))
        return (float, int) if hint is float else (get_origin(hint) or hint,)

    return {name: types(hint) for name, hint in get_type_hints(options).items()}


_TYPES: Final = types_of(FaultOptions)
_CONTENTS: Final = ("body", "html", "redirect_to", "oversized")  # an answer has one of them at most
_SILENT: Final = ("drop", "reset", "block")  # there is no answer
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_EMPTY: Final = (204, 205, 304)
_FIELD: Final = re.compile(r"[!#$%&'*+.^_`|~\w-]+: ?[^\r\n\0]*", re.ASCII)
_FRAMING: Final = ("content-length", "transfer-encoding", "connection")


@dataclass(slots=True)
class Fault:
    """What becomes of requests.

    Attributes:
        endpoint: To this one; to all if None.
        times: To how many more; to all if None.
        how: What.
    """

    endpoint: str | None
    times: int | None
    how: FaultOptions


class Faults:
    """Those that were demanded of a service; at first none.

    Args:
        endpoints: Of the service.
        other: Types of what else can be demanded of it, by name; see `types_of`.
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
        options = {name: value for name, value in how.items() if name in _TYPES}
        _check_types(how, self._types)
        _check_values(how)
        _check_answer(options)
        if endpoint is not None and endpoint not in self._endpoints:
            raise ValueError(f"endpoint must be one of {', '.join(self._endpoints)}, got {endpoint!r}")
        if times is not None and not (type(times) is int and times >= 1):
            raise ValueError(f"times must be 1 or more, got {times!r}")
        if not options and (endpoint is not None or times is not None):
            raise ValueError(f"endpoint and times are for faults: {', '.join(_TYPES)}")
        if options:
            self._faults.append(Fault(endpoint, times, cast("FaultOptions", options)))
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
            raise TypeError(f"{name} must be of type {' or '.join(one.__name__ for one in types[name])}, got {value!r}")


def _check_values(how: Mapping[str, Any]) -> None:
    if "status" in how and not 200 <= how["status"] <= 599:
        raise ValueError(f"status must be 200 to 599, got {how['status']}")
    for name in ("delay", "oversized", "slow_down", "retry_after"):
        if how.get(name, 0) < 0:
            raise ValueError(f"{name} must be 0 or more, got {how[name]}")
    for name, value in {**how.get("headers", {}), "Location": how.get("redirect_to", "")}.items():
        if name.lower() in _FRAMING or not (isinstance(value, str) and _FIELD.fullmatch(f"{name}: {value}")):
            raise ValueError(f"headers must be header fields, and none that frame the answer, got {name}: {value!r}")


def _check_answer(how: Mapping[str, Any]) -> None:
    if "retry_after" in how and "status" not in how:
        raise ValueError("retry_after is for an answer with a status")
    contents = [name for name in _CONTENTS if how.get(name, False) is not False]
    silent = [name for name in _SILENT if how.get(name)]
    if len(contents) + len(silent) > 1:
        raise ValueError(f"there is one answer at most, got {', '.join(contents + silent)}")
    if silent and ("status" in how or "headers" in how):
        raise ValueError(f"status and headers are for an answer, got {silent[0]}")
    if "headers" in how and not contents and "status" not in how:
        raise ValueError(f"headers are for an answer with one of status, {', '.join(_CONTENTS)}")
    if "redirect_to" in how and how.get("status", 307) not in _REDIRECTS:
        raise ValueError(f"status of a redirect must be one of {_REDIRECTS}, got {how['status']}")
    if contents and how.get("status") in _EMPTY:
        raise ValueError(f"an answer of status {how['status']} has no content, got {contents[0]}")
