"""Answers that are read while they come in, and their lines: newline-delimited JSON, logs, any text by the line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import requests

from restwright.errors import TooLarge
from restwright.plan import Listing, Page, Work

T = TypeVar("T")

LONGEST_LINE: Final = 16 << 20
"""Bytes of a line that are held at most, unless told otherwise."""


class Stream(Protocol):
    """Content that is still coming in."""

    def read(self) -> Any:
        """The next bytes, as soon as there are any, b"" at the end; blocking or awaited, so ask by `Work(read)`."""
        ...

    def close(self) -> None:
        """Let go of the connection, whatever is left to be read."""


class _Whole:
    """The stream of an answer that has come as a whole."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        content, self._content = self._content, b""
        return content

    def close(self) -> None:
        """There is nothing to let go of."""


def stream_of(response: requests.Response) -> Stream:
    """The content of the answer to a request that is `streamed`; to be read once, and closed."""
    stream: Stream | None = vars(response).get("stream")
    return _Whole(response.content) if stream is None else stream


def read_lines(response: requests.Response, decode: Callable[[bytes], T], *, longest: int = LONGEST_LINE) -> Listing[T]:
    """The rest of a plan that has a streamed answer: its lines, decoded; blank ones are left out.

    Args:
        response: The answer to a `Request` that is `streamed`.
        decode: Called with each line, without the white space around it.
        longest: Bytes that a line may have.

    Raises:
        TooLarge: A line is longer.
    """
    stream = stream_of(response)
    begun: list[bytes] = []  # of the line that has not ended yet
    size = 0
    try:
        while True:
            step = Work(stream.read)
            yield step
            chunk: bytes = step.result
            *ended, rest = chunk.split(b"\n") if chunk else (b"", b"")
            if ended:
                ended[0] = b"".join((*begun, ended[0]))
                begun, size = [], 0
                yield from _decoded(ended, decode)
            if not chunk:
                return
            begun.append(rest)
            size += len(rest)
            if size > longest:
                raise TooLarge(f"a line is longer than {longest} bytes", request=response.request, response=response)
    finally:
        stream.close()


def _decoded(lines: list[bytes], decode: Callable[[bytes], T]) -> Listing[T]:
    """A page of what could be decoded; only then the error of what could not."""
    items: list[T] = []
    failure: Exception | None = None
    for line in filter(None, map(bytes.strip, lines)):
        try:
            items.append(decode(line))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised
            failure = error
            break
    if items:
        yield Page(items)
    if failure is not None:
        try:
            raise failure
        finally:
            del failure  # else it held itself, by way of its traceback and this frame
