"""Answers that are written to a file as they come in, whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import threading
from pathlib import Path
from typing import IO, Any


class FileSink:
    """A file on its way: written beside its target under another name, and then put in its place.

    Attributes:
        begun: Has content begun to come?
        size: Bytes that have come.
    """

    def __init__(self, target: Path) -> None:
        self.begun, self.size = False, 0
        self._target = self._part = target
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()  # a call that was cancelled is discarded while a thread still writes
        self._is_over = False

    def start(self) -> None:
        """Take the file from its beginning."""
        with self._lock:
            self._drop()
            if self._is_over:
                return
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._part = self._target.with_name(f".{secrets.token_hex(8)}.part")
            self._file = self._part.open("xb")
            self.begun, self.size = True, 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        with self._lock:
            if self._file is not None:
                self._file.write(chunk)
                self.size += len(chunk)

    def finish(self) -> None:
        """Put it in its place."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._part.replace(self._target)
                self._file = None

    def discard(self) -> None:
        """Leave nothing behind of what did not become whole."""
        with self._lock:
            self._is_over = True
            self._drop()

    def _drop(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):  # as when the disk is full, which was told already
                file.close()
            self._part.unlink(missing_ok=True)


class OpenFileSink(FileSink):
    """The same for a file that the caller has opened: written from where it stands, and left open.

    An attempt that failed is wound back, so the file has to allow that if the request is repeated.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(Path())
        self._given = file
        self._origin = 0

    def start(self) -> None:
        """Take the file from where it stood at first."""
        with self._lock:
            if self._is_over:
                return
            if self.begun:
                self._given.seek(self._origin)
                self._given.truncate()
            elif self._given.seekable():
                self._origin = self._given.tell()
            self._file = self._given
            self.begun, self.size = True, 0

    def finish(self) -> None:
        """Hand on what is still held back."""
        with self._lock:
            if self._file is not None:
                self._file.flush()
                self._file = None

    def _drop(self) -> None:
        self._file = None


def sink_to(file: str | os.PathLike[str] | IO[bytes]) -> FileSink:
    """The sink that fills a file, given by its path or open.

    Raises:
        TypeError: It is neither, or not opened in binary mode.
    """
    if isinstance(file, (str, os.PathLike)):
        return FileSink(Path(file))
    given: Any = file
    if not hasattr(given, "write") or isinstance(given, io.TextIOBase):
        raise TypeError(f"file must be a path or a file opened in binary mode, got {type(given).__name__}")
    return OpenFileSink(file)
