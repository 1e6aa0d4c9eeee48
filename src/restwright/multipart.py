"""A multipart/form-data body (RFC 7578) that is streamed: a file is never held in memory."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from urllib3.fields import RequestField

_CHUNK: Final = 1 << 18


class Multipart:
    """Form fields, then one file; opened anew for each attempt, so that a repetition sends all of it.

    Args:
        fields: Text fields, in order.
        name: Name of the file's field.
        path: The file; it must not change its size until it is sent.
        filename: The name it is sent under.
        content_type: Its media type; None sends none.
    """

    def __init__(
        self, fields: Mapping[str, str], *, name: str, path: Path, filename: str, content_type: str | None
    ) -> None:
        self.fields = fields
        self.name = name
        self.path = path
        self.filename = filename
        self.file_type = content_type
        self._boundary = secrets.token_hex(16)
        parts = b"".join(self._field(each, value) for each, value in fields.items())
        part = RequestField(name, b"", filename=filename)
        part.make_multipart(content_type=content_type)
        self._before = parts + self._start(part)
        self._after = f"\r\n--{self._boundary}--\r\n".encode()
        self._size = path.stat().st_size
        self.length: int | None = len(self._before) + self._size + len(self._after)

    @property
    def content_type(self) -> str:
        """The media type of the whole."""
        return f"multipart/form-data; boundary={self._boundary}"

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            OSError: The file cannot be read, or has another size than before: the announced length would be a lie.
        """
        yield self._before
        left = self._size
        with self.path.open("rb") as file:
            while left >= 0 and (chunk := file.read(_CHUNK)):
                left -= len(chunk)
                if left >= 0:
                    yield chunk
        if left:
            raise OSError(f"{self.path} changed its size while it was sent")
        yield self._after

    def _field(self, name: str, value: str) -> bytes:
        part = RequestField(name, value)
        part.make_multipart()
        return self._start(part) + value.encode() + b"\r\n"

    def _start(self, part: RequestField) -> bytes:
        return f"--{self._boundary}\r\n{part.render_headers()}".encode()
