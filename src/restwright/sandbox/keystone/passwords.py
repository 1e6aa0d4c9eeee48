"""Passwords, kept as hashes by scrypt (RFC 7914).

The cost is far below what a service in the open needs: a sandbox is asked by tests, hundreds of times.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

__all__ = ["faults_of", "hashed", "matches"]

_COST: Final = 2**9  # 0.5 MiB and about a millisecond
_COMMON: Final = """
    password password1 password123 passw0rd 12345678 123456789 1234567890 qwertyuiop qwerty123 iloveyou
    sunshine princess football baseball superman trustno1 welcome1 letmein1 11111111 abc12345 starwars
"""


def hashed(password: str) -> str:
    """What is kept of a password."""
    salt = secrets.token_bytes(16)
    return f"scrypt${_text(salt)}${_text(_digest(password, salt))}"


def matches(password: str, kept: str) -> bool:
    """Whether it is the password of which this was kept."""
    _, salt, digest = kept.split("$")
    return hmac.compare_digest(_digest(password, base64.b64decode(salt)), base64.b64decode(digest))


def faults_of(password: str, username: str) -> list[str]:
    """Why a password is too weak; empty if it is not."""
    faults: list[str] = []
    if username and (username.lower() in password.lower() or password.lower() in username.lower()):
        faults.append("The password is too similar to the username.")
    if len(password) < 8:
        faults.append("This password is too short. It must contain at least 8 characters.")
    if password.lower() in _COMMON.split():
        faults.append("This password is too common.")
    if password.isdecimal():
        faults.append("This password is entirely numeric.")
    return faults


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=8, p=1, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
