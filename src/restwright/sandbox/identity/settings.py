"""What can be adjusted at a provider: how long things live, and how its tokens look."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict, get_args

__all__ = ["Adjustable", "Settings"]

Algorithm = Literal["RS256", "ES256"]
Format = Literal["jwt", "opaque"]


class Adjustable(TypedDict, total=False):
    """The settings by name, for functions that take some of them."""

    lifetime_access: float
    lifetime_id: float
    lifetime_refresh: float
    lifetime_code: float
    lifetime_device: float
    lifetime_session: float
    device_interval: float
    algorithm: Algorithm
    access_tokens: Format
    refresh_tokens: Format
    registration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a provider works.  All lifetimes are in seconds.

    Attributes:
        lifetime_access: Of an access token.
        lifetime_id: Of an id token.
        lifetime_refresh: Of a refresh token; each new one lives as long again.
        lifetime_code: Of an authorization code.
        lifetime_device: Of a device code and its user code.
        lifetime_session: Of a login in a browser.
        device_interval: Least seconds between two polls for a device code; 0 takes any.
        algorithm: That tokens are signed with.
        access_tokens: `jwt`, or `opaque`: random text that only introspection and userinfo understand.
        refresh_tokens: `opaque`, or `jwt`, as Keycloak has them.
        registration: Whether clients can register themselves.

    Raises:
        ValueError: A setting cannot be that.
    """

    lifetime_access: float = 300.0
    lifetime_id: float = 300.0
    lifetime_refresh: float = 1800.0
    lifetime_code: float = 60.0
    lifetime_device: float = 600.0
    lifetime_session: float = 3600.0
    device_interval: float = 5.0
    algorithm: Algorithm = "RS256"
    access_tokens: Format = "jwt"
    refresh_tokens: Format = "opaque"
    registration: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if field.name.startswith("lifetime_") and not (_is_number(value) and 0 < value <= 1e9):
                raise ValueError(f"{field.name} must be a number of seconds, more than 0, got {value!r}")
            if field.name == "registration" and not isinstance(value, bool):
                raise ValueError(f"registration must be True or False, got {value!r}")
        if not (_is_number(self.device_interval) and 0 <= self.device_interval <= 3600):
            raise ValueError(f"device_interval must be 0 to 3600 seconds, got {self.device_interval!r}")
        for name, choice in (("algorithm", Algorithm), ("access_tokens", Format), ("refresh_tokens", Format)):
            if getattr(self, name) not in get_args(choice):
                raise ValueError(f"{name} must be one of {', '.join(get_args(choice))}, got {getattr(self, name)!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
