"""Where tokens are kept between their renewals: what a store does, and the simplest one.

A store is locked while its tokens are renewed, so that of all who share a refresh token one asks the provider and
the others find what it got.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Protocol

from restwright.errors import TokenStoreError
from restwright.oauth2.tokens import TokenSet


class TokenStore(Protocol):
    """Keeps the tokens of one login.  All of it may block, and is called outside the event loop."""

    def load(self) -> TokenSet | None:
        """The tokens; None if there are none.

        Raises:
            TokenStoreError: They cannot be read.
        """
        ...

    def save(self, tokens: TokenSet) -> None:
        """Put these in the place of what there is; done under the lock.

        Raises:
            TokenStoreError: They cannot be written.
        """
        ...

    def clear(self) -> None:
        """Forget the tokens, if there are any; done under the lock.

        Raises:
            TokenStoreError: They cannot be removed.
        """
        ...

    def lock(self, seconds: float) -> AbstractContextManager[object]:
        """Keep all others from renewing, in a `with` block.

        Raises:
            TokenStoreError: Somebody else holds it for longer than `seconds`.
        """
        ...


class MemoryStore:
    """Tokens as long as the process lives.

    Args:
        tokens: What is there from the beginning.
    """

    def __init__(self, tokens: TokenSet | None = None) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<MemoryStore {'empty' if self._tokens is None else '***'}>"

    def load(self) -> TokenSet | None:
        """The tokens; None if there are none."""
        return self._tokens

    def save(self, tokens: TokenSet) -> None:
        """Put these in the place of what there is."""
        self._tokens = tokens

    def clear(self) -> None:
        """Forget the tokens."""
        self._tokens = None

    @contextlib.contextmanager
    def lock(self, seconds: float) -> Generator[None]:
        """Keep other threads from renewing, in a `with` block."""
        if not self._lock.acquire(timeout=max(0.0, seconds)):
            raise TokenStoreError(f"another thread has been renewing the tokens for more than {seconds:g} s")
        try:
            yield
        finally:
            self._lock.release()
