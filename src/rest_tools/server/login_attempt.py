"""A login on its way: what the browser carries through the provider, and what it keeps meanwhile.

The `state` of the request (RFC 6749, 4.1.1) goes to the provider and comes back; it tells where to return to.  The
secrets of the attempt, code verifier and nonce, stay in a signed cookie of the browser that began it, so that any
process can end what another began.  The cookie is taken away with the first return.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self, cast

from rest_tools.utils.pkce import challenge_of, new_verifier

__all__ = ["LIFETIME", "Attempt", "decode_state", "encode_state"]

LIFETIME: Final = 3600.0
"""Seconds in which an attempt has to come to its end."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one attempt to log in."""

    verifier: str = field(default_factory=new_verifier, repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def challenge(self) -> str:
        """The S256 code challenge of the verifier."""
        return challenge_of(self.verifier)

    def to_json(self) -> str:
        """For the cookie."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """From the cookie, whose signature was found to be ours."""
        return cls(**json.loads(text))


def encode_state(state: dict[str, Any]) -> str:
    """Base64 of a JSON object, of characters that stand in a URL as they are."""
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def decode_state(text: str | bytes) -> dict[str, Any]:
    """The object.

    Raises:
        ValueError: It is none.
    """
    data = text.encode("ascii") if isinstance(text, str) else text
    try:
        value: object = json.loads(base64.b64decode(data.translate(bytes.maketrans(b"-_", b"+/")), validate=True))
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  # one kind of error for all that it may be
    return cast("dict[str, Any]", value)
