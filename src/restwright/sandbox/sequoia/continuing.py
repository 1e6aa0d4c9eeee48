"""Tokens of continue mode: where a page ended, signed, so that nobody has to remember them.

A token holds the place of the last resource in the order that was asked for. So nothing is skipped or doubled when
others are stored or deleted meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import orjson

from restwright.sandbox.sequoia.refusals import bad_request

__all__ = ["Tokens"]

_SIGNATURE = 12  # bytes


class Tokens:
    """Makes and reads them.

    Args:
        secret: Key of the signatures.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def make(self, selection: Sequence[Any], place: Sequence[Any]) -> str:
        """A token, which is good for this selection alone."""
        content = orjson.dumps(place)
        return base64.b64encode(self._signature(selection, content) + content).decode()

    def read(self, selection: Sequence[Any], token: str) -> list[Any]:
        """The place.

        Raises:
            Refusal: 400, it is no token, or one of another selection.
        """
        try:
            found = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):  # no ASCII
            found = b""
        signature, content = found[:_SIGNATURE], found[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(selection, content)):
            raise bad_request(f"continue must be true, or of the link of the page before, got {token!r:.80}")
        place: list[Any] = orjson.loads(content)
        return place

    def _signature(self, selection: Sequence[Any], content: bytes) -> bytes:
        text = orjson.dumps([selection, content.decode("latin-1")])
        return hmac.digest(self._secret, text, hashlib.sha256)[:_SIGNATURE]
