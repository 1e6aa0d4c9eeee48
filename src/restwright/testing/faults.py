"""What servers do when they are broken, slow, hostile or behind a broken proxy.

Each function gives a `Fault`, or a `Reply` where the answer is in order as HTTP, for an app to return. All
stop at once when the client goes away or the server closes, those without an end too. Those that spoil a
correct answer take it as `reply`.

    >>> import requests
    >>> from restwright.testing.serve import Reply, serve
    >>> with serve([reset_before(), Reply(json="at last")]) as server:
    ...     try:
    ...         requests.get(server.url, timeout=1)
    ...     except requests.ConnectionError:
    ...         requests.get(server.url, timeout=1).json()
    'at last'
"""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Iterator

from restwright.testing.connection import Connection, Fault
from restwright.testing.exchange import Reply

DEFAULT_REPLY = Reply(json={"data": [{"id": "1"}, {"id": "2"}]})

_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
_PIECE = b" " * 2**16
_BOMB_BLOCK = b" " * 2**20


# --- slow ---------------------------------------------------------------------


def late(seconds: float, reply: Reply = DEFAULT_REPLY) -> Fault:
    """Answer correctly, after that many seconds."""

    def play(connection: Connection) -> Reply:
        connection.wait(seconds)
        return reply

    return Fault(play)


def hang_before() -> Fault:
    """Never answer."""
    return Fault(lambda connection: connection.wait(None))


def hang_within_headers(reply: Reply = DEFAULT_REPLY) -> Fault:
    """Stop for ever in the middle of a header line."""

    def play(connection: Connection) -> None:
        connection.send(_half(reply.head()))
        connection.wait(None)

    return Fault(play)


def hang_within_body(reply: Reply = DEFAULT_REPLY) -> Fault:
    """Stop for ever in the middle of the body."""

    def play(connection: Connection) -> None:
        connection.send(reply.head() + _half(reply.content))
        connection.wait(None)

    return Fault(play)


def drip_headers(interval: float = 1.0, reply: Reply = DEFAULT_REPLY) -> Fault:
    """Send the status line and the headers a byte every `interval` seconds, then the body at once."""

    def play(connection: Connection) -> None:
        _drip(connection, reply.head(), interval)
        connection.send(reply.content)

    return Fault(play)


def drip_body(interval: float = 1.0, reply: Reply = DEFAULT_REPLY) -> Fault:
    """Send the headers at once, then the body a byte every `interval` seconds."""

    def play(connection: Connection) -> None:
        connection.send(reply.head())
        _drip(connection, reply.content, interval)

    return Fault(play)


# --- cut off ------------------------------------------------------------------


def reset_before() -> Fault:
    """Reset the connection (RST) in the place of an answer."""
    return Fault(lambda connection: connection.reset())


def reset_within_body(reply: Reply = DEFAULT_REPLY, *, delay: float = 0.05) -> Fault:
    """Reset the connection (RST) in the middle of the body.

    The reset comes after `delay` seconds: one that comes at once may overtake what was sent before it.
    """

    def play(connection: Connection) -> None:
        connection.send(reply.head() + _half(reply.content))
        connection.wait(delay)
        connection.reset()

    return Fault(play)


def half_body(reply: Reply = DEFAULT_REPLY, *, chunked: bool = False) -> Fault:
    """Close the connection in order, in the middle of a body with a length, or of a chunked one."""

    def play(connection: Connection) -> None:
        half = _half(reply.content)
        connection.send(_CHUNKED_HEAD + _chunk(half) if chunked else reply.head() + half)

    return Fault(play)


def close_idle(reply: Reply = DEFAULT_REPLY, *, on_next_request: bool = False) -> Fault:
    """Answer as if the connection were kept alive, but close it: the next request finds a stale connection.

    It is closed at once, or `on_next_request`: when that has come, so that the client cannot know before it
    sends.
    """

    def play(connection: Connection) -> None:
        connection.send(reply.head() + reply.content)
        if on_next_request:
            connection.read_request()

    return Fault(play)


# --- without an end, or too big -----------------------------------------------


def endless_headers() -> Fault:
    """Send header lines for ever."""

    def play(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.send(b"X-Filler: a header line like any other\r\n" * 1000)

    return Fault(play)


def endless_header_line() -> Fault:
    """Send one header line for ever."""

    def play(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nX-Filler: ")
        while True:
            connection.send(_PIECE)

    return Fault(play)


def endless_body() -> Fault:
    """Send chunks for ever."""

    def play(connection: Connection) -> None:
        connection.send(_CHUNKED_HEAD)
        while True:
            connection.send(_chunk(_PIECE))

    return Fault(play)


def endless_informational(status: int = 103, *, interval: float = 0.0) -> Fault:
    """Send informational answers (100 or 103, RFC 9110, 15.2) for ever, one every `interval` seconds."""

    def play(connection: Connection) -> None:
        head = Reply(status).head()
        while True:
            connection.send(head)
            connection.wait(interval)

    return Fault(play)


def too_many_headers(count: int = 10_000) -> Reply:
    """A correct answer with that many header lines."""
    return Reply(json={}, headers={f"X-Filler-{number}": "x" for number in range(count)})


def huge_header_line(size: int = 2**20) -> Reply:
    """A correct answer with one header field of `size` bytes."""
    return Reply(json={}, headers={"X-Filler": "x" * size})


def deep_json(levels: int = 100_000) -> Reply:
    """JSON arrays within each other, `levels` deep."""
    return Reply(content=b"[" * levels + b"]" * levels, headers={"Content-Type": "application/json"})


def bomb(size: int = 2**30) -> Fault:
    """A gzip body, about a thousandth of `size`, which inflates to `size` bytes of blanks.

    It is made while it is sent, and never held in the server's memory.
    """
    blocks, rest = divmod(size, len(_BOMB_BLOCK))

    def play(connection: Connection) -> None:
        connection.send(_CHUNKED_HEAD[:-2] + b"Content-Encoding: gzip\r\n\r\n")
        for piece in _gzipped_blanks(blocks, rest):
            connection.send(_chunk(piece))
        connection.send(b"0\r\n\r\n")

    return Fault(play)


# --- nonsense -----------------------------------------------------------------


def garbage(size: int = 1024, *, seed: int = 0) -> Fault:
    """Send that many random bytes, the same ones for the same seed, and close."""
    return Fault(lambda connection: connection.send(random.Random(seed).randbytes(size)))  # noqa: S311


def html(status: int = 502) -> Reply:
    """The HTML page of a proxy in the place of what the service would say."""
    page = f"<!DOCTYPE html>\n<html><title>{status}</title><body><h1>{status}</h1></body></html>\n"
    return Reply(status, text=page, headers={"Content-Type": "text/html; charset=utf-8"})


def truncated_gzip(reply: Reply = DEFAULT_REPLY) -> Reply:
    """A body of the announced length, whose gzip stream lacks its second half."""
    return Reply(
        content=_half(gzip.compress(reply.content, mtime=0)),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )


def bad_chunk() -> Fault:
    """A chunked body whose second chunk has no size."""
    return Fault(lambda connection: connection.send(_CHUNKED_HEAD + _chunk(b"[") + b"zz\r\n]\r\n0\r\n\r\n"))


# --- somewhere else -----------------------------------------------------------


def redirect_to(url: str, status: int = 302) -> Reply:
    """A redirect to `url`, as it stands."""
    return Reply(status, headers={"Location": url})


def redirect_loop(status: int = 302) -> Fault:
    """A redirect to what was asked for."""
    return Fault(lambda connection: redirect_to(connection.request.target, status))


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _drip(connection: Connection, data: bytes, interval: float) -> None:
    for byte in data:
        connection.send(bytes((byte,)))
        connection.wait(interval)


def _gzipped_blanks(blocks: int, rest: int) -> Iterator[bytes]:
    """A gzip stream of so many blocks and a rest (RFC 1952).

    After a full flush the compressor has forgotten what was before, so the bytes of one block serve for all.
    """
    yield gzip.compress(b"", mtime=0)[:10]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(_BOMB_BLOCK) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(blocks):
        yield block
        checksum = zlib.crc32(_BOMB_BLOCK, checksum)
    tail = _BOMB_BLOCK[:rest]
    size = blocks * len(_BOMB_BLOCK) + rest
    trailer = zlib.crc32(tail, checksum).to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
    yield deflate.compress(tail) + deflate.flush(zlib.Z_FINISH) + trailer
