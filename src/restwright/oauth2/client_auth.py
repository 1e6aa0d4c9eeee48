"""How a client says who it is (RFC 6749, 2.3): by Basic, in the body, or only by its name if it is public."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import quote_plus

from restwright.message import EMPTY

Method: TypeAlias = Literal["basic", "body"]


@dataclass(frozen=True, slots=True)
class ClientAuth:
    """The credentials of a client.  The secret shows in no repr.

    Attributes:
        client_id: Its name at the provider.
        client_secret: Its password there; None for a public client (RFC 6749, 2.1).
        method: Where the secret goes: `basic`, which all providers must take, or `body`, which some want
            (RFC 6749, 2.3.1).
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    method: Method = "basic"

    def __post_init__(self) -> None:
        if not self.client_id:
            raise ValueError("client_id is empty")
        if self.client_secret == "":
            raise ValueError("client_secret is empty: give None for a public client")
        if self.method not in ("basic", "body"):
            raise ValueError(f"client_auth must be 'basic' or 'body', got {self.method!r}")

    @property
    def is_public(self) -> bool:
        """Has it no secret?"""
        return self.client_secret is None

    @property
    def fields(self) -> Mapping[str, str]:
        """The header fields that it authenticates with."""
        return EMPTY if self.client_secret is None or self.method == "body" else {"Authorization": self._basic()}

    @property
    def members(self) -> dict[str, str]:
        """The members of a form that it authenticates with, or says its name with; none beside Basic (2.3)."""
        if self.client_secret is None:
            return {"client_id": self.client_id}
        if self.method == "body":
            return {"client_id": self.client_id, "client_secret": self.client_secret}
        return {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not show, in all forms in which it is sent."""
        if self.client_secret is None:
            return ()
        return self.client_secret, quote_plus(self.client_secret), self._basic().removeprefix("Basic ")

    def _basic(self) -> str:
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret or '')}"
        return f"Basic {b64encode(pair.encode()).decode()}"
