"""What the provider remembers, in memory: logins, codes and tokens.

A `Grant` is what a person, or nobody, allowed a client.  All tokens that come of it are its family: a code or a
refresh token that is used twice was stolen by someone, and ends the whole family (RFC 9700, 4.14).
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.users import User

__all__ = ["AccessToken", "Code", "DeviceCode", "Grant", "RefreshToken", "Session", "Shelf", "Store", "new_secret"]

_CAPACITY = 10_000

ItemT = TypeVar("ItemT")


def new_secret() -> str:
    """What nobody can guess."""
    return secrets.token_urlsafe(32)


@dataclass(slots=True, eq=False)
class Grant:
    """What was allowed; with `revoked`, all its tokens are worth nothing."""

    client: Client
    user: User | None
    scopes: frozenset[str]
    auth_time: float
    nonce: str | None = None
    revoked: bool = False

    @property
    def subject(self) -> str:
        """The claim `sub`."""
        return self.client.id if self.user is None else self.user.sub


@dataclass(slots=True, eq=False)
class Session:
    """Somebody is logged in, in one browser."""

    user: User
    auth_time: float
    expires: float


@dataclass(slots=True, eq=False)
class Code:
    """An authorization code (RFC 6749, 4.1.2)."""

    grant: Grant
    redirect_uri: str
    challenge: str | None
    expires: float
    used: bool = False


@dataclass(slots=True, eq=False)
class DeviceCode:
    """A device code, its user code, and what the person said (RFC 8628)."""

    user_code: str
    client: Client
    scopes: frozenset[str]
    challenge: str | None
    expires: float
    interval: float
    polled: float = float("-inf")
    answer: Literal["pending", "allowed", "denied", "used"] = "pending"
    grant: Grant | None = None


@dataclass(slots=True, eq=False)
class AccessToken:
    """An access token that was given out."""

    id: str
    grant: Grant
    scopes: frozenset[str]
    issued: float
    expires: float
    revoked: bool = False


@dataclass(slots=True, eq=False)
class RefreshToken:
    """A refresh token that was given out."""

    grant: Grant
    issued: float
    expires: float
    used: bool = False


class Shelf(Generic[ItemT]):
    """A mapping that forgets the oldest of too many."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, ItemT] = OrderedDict()

    def put(self, key: str, item: ItemT) -> None:
        """Keep it."""
        self._items[key] = item
        if len(self._items) > _CAPACITY:
            self._items.popitem(last=False)

    def get(self, key: str | None) -> ItemT | None:
        """Find it."""
        return None if key is None else self._items.get(key)

    def drop(self, key: str | None) -> None:
        """Forget it."""
        if key is not None:
            self._items.pop(key, None)


@dataclass(slots=True)
class Store:
    """All of it, by what those who come back with it show; user codes without their dash."""

    sessions: Shelf[Session] = field(default_factory=Shelf[Session])
    codes: Shelf[Code] = field(default_factory=Shelf[Code])
    device_codes: Shelf[DeviceCode] = field(default_factory=Shelf[DeviceCode])
    user_codes: Shelf[DeviceCode] = field(default_factory=Shelf[DeviceCode])
    access_tokens: Shelf[AccessToken] = field(default_factory=Shelf[AccessToken])
    refresh_tokens: Shelf[RefreshToken] = field(default_factory=Shelf[RefreshToken])
