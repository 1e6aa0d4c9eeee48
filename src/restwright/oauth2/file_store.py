"""Tokens in a file that its owner alone may read, shared by all processes of a machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

from restwright.errors import TokenStoreError
from restwright.oauth2.tokens import TokenSet


class FileStore:
    """Tokens in a file of mode 0600.

    New tokens come in the place of the old ones at once: a reader sees these or those, whole.  They are written
    beside them first, to `NAME.new`; if the process is killed in between, the next one that locks the store finds
    them there.  The lock, on `NAME.lock`, ends with the process that holds it.

    One gap no client can close: a provider that rotates refresh tokens has dropped the old one when it answers.  A
    process that is killed after that and before its first `write`, or that the answer never reaches, leaves a token
    that counts no more, unless the provider lets it be used again until its successor is.

    Args:
        path: The file; `~` is the home directory.  Missing directories are made, for their owner alone.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        self._new = self.path.with_name(f"{self.path.name}.new")

    def __repr__(self) -> str:
        return f"FileStore({str(self.path)!r})"

    def load(self) -> TokenSet | None:
        """The tokens in the file; None if there is no file, or an empty one.

        Raises:
            TokenStoreError: It cannot be read, or holds something else.
        """
        with _telling(self.path, "read"):
            try:
                file = self.path.open("rb")
            except FileNotFoundError:
                return None
            with file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:  # copied here by hand, say
                    os.fchmod(file.fileno(), 0o600)
                content = file.read()
        if not content.strip():
            return None
        try:
            return TokenSet.from_json(content)
        except ValueError as error:
            raise TokenStoreError(f"{self.path} holds no tokens ({error}): remove it, and log in again") from None

    def save(self, tokens: TokenSet) -> None:
        """Write the tokens; on return they are on the disk.

        Raises:
            TokenStoreError: They cannot be written.
        """
        with _telling(self.path, "written"):
            _make_directory(self.path.parent)
            self._new.unlink(missing_ok=True)  # its mode and its owner may be another's
            with os.fdopen(os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                if os.name == "posix":
                    os.fchmod(file.fileno(), 0o600)  # whatever the umask
                file.write(tokens.to_json())
                file.flush()
                os.fsync(file.fileno())
            self._adopt()

    def clear(self) -> None:
        """Remove the file; that of the lock stays.

        Raises:
            TokenStoreError: It cannot be removed.
        """
        with _telling(self.path, "removed"):
            self._new.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, seconds: float) -> Generator[None]:
        """Keep other processes and threads from renewing, in a `with` block.

        Raises:
            TokenStoreError: Somebody else holds it for longer than `seconds`.
        """
        with lock_file(self.path, seconds):
            self._recover()
            yield

    def _recover(self) -> None:
        """Adopt what a process that was killed has written and not yet put in its place."""
        with _telling(self.path, "read"):
            try:
                TokenSet.from_json(self._new.read_bytes())
            except FileNotFoundError:
                return
            except ValueError:  # killed while it wrote
                self._new.unlink()
            else:
                self._adopt()

    def _adopt(self) -> None:
        self._new.replace(self.path)
        if os.name == "posix":  # so that the new name outlives a failure of power, too
            directory = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)


@contextlib.contextmanager
def lock_file(path: Path, seconds: float) -> Generator[None]:
    """Hold the lock `PATH.lock`, in a `with` block; the kernel lets go of it when the process ends, however it does.

    Raises:
        TokenStoreError: Somebody else holds it for longer than `seconds`.
    """
    import filelock

    with _telling(path, "locked"):
        _make_directory(path.parent)
        lock = filelock.FileLock(path.with_name(f"{path.name}.lock"), mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=max(0.0, seconds), poll_interval=0.02)
        except filelock.Timeout:
            raise TokenStoreError(f"{path} has been locked by another process for more than {seconds:g} s") from None
    try:
        yield
    finally:
        lock.release()


def _make_directory(path: Path) -> None:
    for each in reversed([each for each in (path, *path.parents) if not each.exists()]):
        each.mkdir(exist_ok=True)
        each.chmod(0o700)  # whatever the umask


@contextlib.contextmanager
def _telling(path: Path, done: str) -> Generator[None]:
    try:
        yield
    except TokenStoreError:  # an OSError too, by way of requests
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TokenStoreError(f"the tokens in {path} cannot be {done}: {reason}") from error
