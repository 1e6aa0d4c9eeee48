"""Proof Key for Code Exchange (RFC 7636): what keeps a stolen authorization code from being of use."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from typing import ClassVar, Final

CAPACITY: Final = 10_000
"""Verifiers that are remembered at most."""
LIFETIME: Final = 3600.0
"""Seconds for which each of them is."""


def new_verifier() -> str:
    """A random code verifier of 86 characters (RFC 7636, 4.1)."""
    return _base64url(secrets.token_bytes(64))


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636, 4.2).

    >>> challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")  # RFC 7636, appendix B
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return _base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class PKCEMixin:
    """Remembers verifiers by their challenges, in this process, for all classes together."""

    _verifiers: ClassVar[dict[str, tuple[str, float]]] = {}  # in order of their end
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def create_pkce_challenge(cls) -> str:
        """The challenge of a new verifier, 43 characters."""
        verifier = new_verifier()
        challenge = challenge_of(verifier)
        now = time.monotonic()
        with cls._lock:
            while cls._verifiers:
                oldest = next(iter(cls._verifiers))
                if cls._verifiers[oldest][1] > now and len(cls._verifiers) < CAPACITY:
                    break
                del cls._verifiers[oldest]
            cls._verifiers[challenge] = verifier, now + LIFETIME
        return challenge

    @classmethod
    def get_pkce_verifier(cls, challenge: str) -> str:
        """The verifier of a challenge; it may be asked for again.

        Raises:
            KeyError: There is none, or it is more than an hour old.
        """
        with cls._lock:
            verifier, end = cls._verifiers[challenge]
        if end <= time.monotonic():
            raise KeyError(challenge)
        return verifier
