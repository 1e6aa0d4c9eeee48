"""A refresh token in a file: plain text, which its owner alone may read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

from restwright.errors import TokenStoreError
from restwright.oauth2 import MemoryStore, TokenSet
from restwright.oauth2.file_store import lock_file


class TokenFile(MemoryStore):
    """Keeps tokens in memory, and the refresh token also in a file, for the next run and for other processes.

    It is locked, by `NAME.lock`, while tokens are renewed: a process finds there what another one got meanwhile.

    Args:
        path: The file.
        load: Reads the token that it has.
        save: Puts one in its place.
    """

    def __init__(
        self,
        path: Path,
        load: Callable[[Path], str | None],
        save: Callable[[Path, str], None],
    ) -> None:
        super().__init__()
        self.path = path
        self._load = load
        self._save = save

    def load(self) -> TokenSet | None:
        """The tokens, those of the file before those in memory; None if there are none.

        Raises:
            TokenStoreError: It cannot be read.
        """
        tokens = super().load()
        refresh_token = self._load(self.path)
        if refresh_token is None or (tokens is not None and tokens.refresh_token == refresh_token):
            return tokens
        return TokenSet.to_refresh(refresh_token)

    def save(self, tokens: TokenSet) -> None:
        """Put these in the place of what there is.

        Raises:
            TokenStoreError: The file cannot be written.
        """
        super().save(tokens)
        if tokens.refresh_token is not None:
            self._save(self.path, tokens.refresh_token)

    def clear(self) -> None:
        """Forget the tokens, and remove the file."""
        super().clear()
        self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, seconds: float) -> Generator[None]:
        """Keep other processes and threads from renewing, in a `with` block."""
        with lock_file(self.path, seconds):
            yield


def load_token(path: Path) -> str | None:
    """The token in a file; None if there is no file, or an empty one.

    Raises:
        TokenStoreError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise TokenStoreError(f"the token in {path} cannot be read: {type(error).__name__}") from error


def save_token(path: Path, token: str) -> None:
    """Put a token in a file of mode 0600, at once: a reader sees the old one or this one.

    Raises:
        TokenStoreError: It cannot be written.
    """
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 0600
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(token)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TokenStoreError(f"the token in {path} cannot be written: {error.strerror}") from error
