"""Access tokens that the clients of a process share, if they have the same credentials for the same provider."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeAlias

from restwright.oauth2 import MemoryStore, TokenSet

_MOST: Final = 1000
_SALT: Final = os.urandom(16)
Key: TypeAlias = tuple[str, str, str]


class TokenCache:
    """The tokens of the process, by client id, secret and token URL.

    A token that has expired is thrown out, and so are the oldest ones beyond a thousand.  Of a secret only a salted
    hash is kept.
    """

    _token_storage: ClassVar[dict[Key, MemoryStore]] = {}
    _lock: ClassVar = threading.Lock()

    def store(self, grant_client_id: str, token_url: str, grant_client_secret: str | None = None) -> MemoryStore:
        """Where the token of these credentials is, or will be."""
        key = _key(grant_client_id, token_url, grant_client_secret)
        with self._lock:
            store = self._token_storage.get(key)
            if store is None:
                self._evict()
                store = self._token_storage[key] = MemoryStore()
                # One that was made known without a secret is for whoever has the id.
                known = self._token_storage.get(_key(grant_client_id, token_url, None))
                if known is not None and (tokens := known.load()) is not None:
                    store.save(tokens)
        return store

    def get_token(
        self, grant_client_id: str, token_url: str, grant_client_secret: str | None = None
    ) -> dict[str, Any] | None:
        """The token of these credentials that is known and counts; None if there is none."""
        with self._lock:
            store = self._token_storage.get(_key(grant_client_id, token_url, grant_client_secret))
        tokens = None if store is None else store.load()
        return as_dict(tokens) if tokens is not None and tokens.is_valid(time.time()) else None

    def add_token(
        self, grant_client_id: str, token_url: str, token: Mapping[str, Any], grant_client_secret: str | None = None
    ) -> None:
        """Make a token known."""
        self.store(grant_client_id, token_url, grant_client_secret).save(as_tokens(token))

    def _evict(self) -> None:
        now = time.time()
        storage = self._token_storage
        for key, store in list(storage.items()):
            tokens = store.load()
            if tokens is not None and not tokens.is_valid(now):
                del storage[key]
        for key in list(storage)[: max(0, len(storage) + 1 - _MOST)]:
            del storage[key]


def as_dict(tokens: TokenSet) -> dict[str, Any]:
    """Tokens as oauthlib knows them."""
    from oauthlib.oauth2.rfc6749.tokens import OAuth2Token

    members: dict[str, Any] = {"token_type": "bearer", "access_token": tokens.access_token}
    if tokens.expires_at is not None:
        members["expires_at"] = tokens.expires_at
    return OAuth2Token(members)


def as_tokens(token: str | Mapping[str, Any]) -> TokenSet:
    """Tokens from what oauthlib, or a caller, has."""
    if isinstance(token, str):
        return TokenSet(token)
    expires_at = token.get("expires_at")
    if expires_at is None and token.get("expires_in") is not None:
        expires_at = time.time() + float(token["expires_in"])
    return TokenSet(str(token["access_token"]), expires_at=expires_at)


def _key(client_id: str, token_url: str, secret: str | None) -> Key:
    digest = "" if secret is None else hashlib.blake2b(secret.encode(), key=_SALT).hexdigest()
    return client_id, token_url, digest
