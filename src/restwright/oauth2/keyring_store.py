"""Tokens in the keyring of the system: the Keychain, the Secret Service, the Credential Locker."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from restwright.errors import TokenStoreError
from restwright.oauth2.file_store import lock_file
from restwright.oauth2.tokens import TokenSet


class KeyringStore:
    """Tokens in the keyring of the system, by the package `keyring` (extra `restwright[keyring]`).

    Keyrings know no locks; the one of this store is a file in the data directory of `keyring`.

    Args:
        service: The program or service that they are for.
        username: Whose they are.

    Raises:
        ImportError: `keyring` is not installed.
    """

    def __init__(self, service: str, username: str = "default") -> None:
        try:
            import keyring
            from keyring.util import platform_
        except ImportError as error:
            raise ImportError("to keep tokens in a keyring: pip install 'restwright[keyring]'") from error
        self.service = service
        self.username = username
        self._keyring: Any = keyring
        name = hashlib.sha256(f"{service}\n{username}".encode()).hexdigest()[:32]
        self._lock_beside = Path(platform_.data_root()) / f"restwright-{name}"

    def __repr__(self) -> str:
        return f"KeyringStore({self.service!r}, {self.username!r})"

    def load(self) -> TokenSet | None:
        """The tokens; None if there are none.

        Raises:
            TokenStoreError: The keyring cannot be read, or holds something else there.
        """
        with self._telling("read"):
            content = self._keyring.get_password(self.service, self.username)
        if not content:
            return None
        try:
            return TokenSet.from_json(content)
        except ValueError as error:
            raise TokenStoreError(f"{self!r} holds no tokens ({error}): remove them, and log in again") from None

    def save(self, tokens: TokenSet) -> None:
        """Put these in the place of what there is.

        Raises:
            TokenStoreError: The keyring does not take them.
        """
        with self._telling("written"):
            self._keyring.set_password(self.service, self.username, tokens.to_json().decode())

    def clear(self) -> None:
        """Forget the tokens.

        Raises:
            TokenStoreError: The keyring cannot be changed.
        """
        with self._telling("removed"):
            if self._keyring.get_password(self.service, self.username) is not None:
                self._keyring.delete_password(self.service, self.username)

    def lock(self, seconds: float) -> AbstractContextManager[None]:
        """Keep other processes and threads from renewing, in a `with` block.

        Raises:
            TokenStoreError: Somebody else holds it for longer than `seconds`.
        """
        return lock_file(self._lock_beside, seconds)

    @contextlib.contextmanager
    def _telling(self, done: str) -> Generator[None]:
        from keyring.errors import KeyringError

        try:
            yield
        except (KeyringError, OSError, RuntimeError) as error:
            raise TokenStoreError(f"the tokens in {self!r} cannot be {done}: {type(error).__name__}") from error
