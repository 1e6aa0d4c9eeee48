"""The keys that tokens are signed with, and their publication (RFC 7517)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from restwright.sandbox.identity.settings import Algorithm

__all__ = ["KeyRing", "SigningKey"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name."""

    kid: str
    algorithm: Algorithm
    private: Any

    @classmethod
    def new(cls, algorithm: Algorithm) -> SigningKey:
        """A key like no other."""
        if algorithm == "ES256":
            return cls(secrets.token_hex(8), algorithm, ec.generate_private_key(ec.SECP256R1()))
        return cls(secrets.token_hex(8), algorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def published(self) -> dict[str, Any]:
        """The public half, as a JWK."""
        kind = ECAlgorithm if self.algorithm == "ES256" else RSAAlgorithm
        key: dict[str, Any] = kind.to_jwk(self.private.public_key(), as_dict=True)
        key.pop("key_ops", None)  # RFC 7517, 4.3: not beside `use`
        return {"kid": self.kid, "use": "sig", "alg": self.algorithm, **key}


class KeyRing:
    """Signs with its newest key; publishes that one and those before it.

    Args:
        algorithm: Of its keys.
    """

    def __init__(self, algorithm: Algorithm) -> None:
        self._keys = [SigningKey.new(algorithm)]

    @property
    def current(self) -> SigningKey:
        """Signs."""
        return self._keys[-1]

    @cached_property
    def stray(self) -> SigningKey:
        """A key that is never published."""
        return SigningKey.new(self.current.algorithm)

    def rotate(self, algorithm: Algorithm, *, withdraw: bool) -> None:
        """Sign with a new key from now on.

        Args:
            algorithm: Of the new key.
            withdraw: Publish the old ones no longer, so that what they signed is worth nothing.
        """
        self._keys = [*([] if withdraw else self._keys[-3:]), SigningKey.new(algorithm)]

    def jwks(self) -> dict[str, Any]:
        """The set that is published (RFC 7517, 5)."""
        return {"keys": [key.published() for key in self._keys]}

    def sign(self, claims: dict[str, Any], *, kind: str, stray: bool = False) -> str:
        """A signed token.

        Args:
            claims: That it makes.
            kind: The member `typ` of its header.
            stray: Sign with a key that is not published.
        """
        key = self.stray if stray else self.current
        return jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid, "typ": kind})

    def claims_of(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that this ring signed, also of one that has expired; None for any other."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = next(key for key in self._keys if key.kid == kid)
            return jwt.decode(
                token,
                key.private.public_key(),
                [key.algorithm],
                options={"verify_exp": False, "verify_aud": False},
            )
        except (jwt.PyJWTError, StopIteration):
            return None
