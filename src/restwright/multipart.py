"""Multipart/form-data bodies (RFC 7578) that are streamed: a file is never held in memory."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from urllib3.fields import RequestField

_CHUNK: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a form.

    Attributes:
        name: Name of the form's field.
        source: A path, opened anew for each attempt; bytes; or an open binary file that can be wound back, sent from
            where it stands.
        filename: The name it is sent under.
        content_type: Its media type; None sends none.
    """

    name: str
    source: Path | bytes | IO[bytes]
    filename: str
    content_type: str | None = None


class Form:
    """Form fields, then files; read anew for each attempt, so that a repetition sends all of it.

    Args:
        fields: Text fields in order; a name may stand more than once.
        files: The files; they must not change their size until they are sent.
    """

    def __init__(self, fields: Iterable[tuple[str, str]], files: Iterable[FilePart]) -> None:
        self.parts = tuple(files)
        self._boundary = secrets.token_hex(16)
        before = b"".join(self._field(name, value) for name, value in fields)
        self._sources: list[tuple[bytes, FilePart, int, int]] = []
        for part in self.parts:
            field = RequestField(part.name, b"", filename=part.filename)
            field.make_multipart(content_type=part.content_type)
            self._sources.append((before + self._start(field), part, *_extent(part.source)))
            before = b"\r\n"
        self._after = before + f"--{self._boundary}--\r\n".encode()
        self.length: int | None = len(self._after) + sum(len(head) + size for head, _, _, size in self._sources)

    @property
    def content_type(self) -> str:
        """The media type of the whole."""
        return f"multipart/form-data; boundary={self._boundary}"

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            OSError: A file cannot be read, or has another size than before: the announced length would be a lie.
        """
        for head, part, start, size in self._sources:
            yield head
            yield from _content(part, start, size)
        yield self._after

    def _field(self, name: str, value: str) -> bytes:
        part = RequestField(name, value)
        part.make_multipart()
        return self._start(part) + value.encode() + b"\r\n"

    def _start(self, part: RequestField) -> bytes:
        return f"--{self._boundary}\r\n{part.render_headers()}".encode()


class Multipart(Form):
    """Form fields, then one file from disk.

    Args:
        fields: Text fields, in order.
        name: Name of the file's field.
        path: The file.
        filename: The name it is sent under.
        content_type: Its media type; None sends none.
    """

    def __init__(
        self, fields: Mapping[str, str], *, name: str, path: Path, filename: str, content_type: str | None
    ) -> None:
        super().__init__(fields.items(), [FilePart(name, path, filename, content_type)])
        self.fields = fields
        self.name = name
        self.path = path
        self.filename = filename
        self.file_type = content_type


def _extent(source: Path | bytes | IO[bytes]) -> tuple[int, int]:
    """Where the content begins, and how many bytes it has."""
    if isinstance(source, bytes):
        return 0, len(source)
    if isinstance(source, Path):
        return 0, source.stat().st_size
    start = source.tell()
    size = source.seek(0, os.SEEK_END) - start
    source.seek(start)
    return start, size


def _content(part: FilePart, start: int, size: int) -> Iterator[bytes]:
    source = part.source
    opened = source.open("rb") if isinstance(source, Path) else None
    file: IO[bytes] = opened or _readable(source)
    try:
        file.seek(start)
        left = size
        while left >= 0 and (chunk := file.read(_CHUNK)):
            left -= len(chunk)
            if left >= 0:
                yield chunk
        if left:
            raise OSError(f"{source if isinstance(source, Path) else part.filename} changed its size while it was sent")
    finally:
        if opened is not None:
            opened.close()


def _readable(source: Any) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source
