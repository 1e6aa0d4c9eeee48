"""One HTTP exchange, ready to go on the wire, and the bounds that it must keep."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

import requests

from restwright.errors import DeadlineExceeded, ReadTimeout, TooLarge, TransportError
from restwright.message import Body, Headers, Sink

# Content that trickles in more slowly than this ends in a ReadTimeout, however regularly its bytes come.
SLOWEST: Final = 1024.0
"""Bytes a second, on average, after one read timeout of grace."""
# What an answer may have around its content: header section, chunk sizes, trailers, interim answers.
FRAMING: Final = 1 << 20
# Content is sent in pieces of so many bytes, each of which has a read timeout to be taken.
PIECE: Final = 1 << 16


class Buffer:
    """The sink of an answer that is read while it comes in: holds what has come until it is taken."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def start(self) -> None:
        """Content begins."""

    def write(self, chunk: bytes, /) -> None:
        """Hold the next bytes."""
        self._chunks.append(chunk)

    def take(self) -> bytes:
        """What is held; b"" if nothing is."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


@dataclass(slots=True)
class Call:
    """What an engine needs to know of an exchange."""

    method: str
    url: str
    home: bool
    """Does it go to the origin that the credentials are for?"""
    headers: Headers
    body: bytes | Body | None
    connect_timeout: float | None
    read_timeout: float | None
    deadline: float | None
    max_bytes: int
    sink: Sink | None
    verify: bool | str
    cert: str | tuple[str, str] | None
    proxies: dict[str, str]
    own_error: Exception | None = None
    """What the body or the sink has raised."""
    known_as: requests.PreparedRequest | None = None

    @property
    def prepared(self) -> requests.PreparedRequest:
        """The same for `requests` and its users; made when somebody asks for it."""
        if self.known_as is None:
            prepared = self.known_as = requests.PreparedRequest()
            prepared.method, prepared.url, prepared.headers = self.method, self.url, cast("Any", self.headers)
            prepared.body = cast("Any", self.body)
        return self.known_as

    @property
    def is_chunked(self) -> bool:
        """Does the body come in chunks whose number and sizes nobody knows beforehand (RFC 9112, 7.1)?"""
        return self.body is not None and not isinstance(self.body, bytes) and self.body.length is None

    @property
    def buffer(self) -> Buffer | None:
        """Where the content of an answer that is streamed passes through."""
        return self.sink if isinstance(self.sink, Buffer) else None

    @property
    def has_hooks(self) -> bool:
        """Does somebody want to see the answer?"""
        return self.known_as is not None and bool(self.known_as.hooks["response"])

    @contextlib.contextmanager
    def own(self) -> Generator[None]:
        """What is raised in here, by the body or the sink, is no failure of the network: it goes up as it is."""
        try:
            yield
        except Exception as error:
            self.own_error = error
            raise

    def chunks(self) -> Iterator[bytes]:
        """The pieces of a body that is streamed."""
        if self.body is not None and not isinstance(self.body, bytes):
            with self.own():
                yield from self.body.chunks()


class Pace:
    """How long an answer may still take, as its bytes come in.

    Each byte must come within the read timeout of the one before, the header section as a whole within one
    read timeout, the content at no less than `SLOWEST`, and everything before the call's deadline.
    """

    __slots__ = ("_allowed", "_call", "_grace", "_received", "is_fresh", "streams")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._received = 0
        self.is_fresh = False
        """Was the connection opened for this call, and has nothing come by it yet?"""
        self.streams = call.body is not None and not isinstance(call.body, bytes)
        # What goes to a sink is not held, so its size is bounded by the sink alone.
        self._allowed = float("inf") if call.sink is not None else call.max_bytes + FRAMING
        self._grace = time.monotonic()

    def start(self) -> None:
        """A phase begins, the waiting for an answer or its content: it has a read timeout of grace."""
        self._grace = time.monotonic()
        self._received = 0

    def count(self, size: int) -> None:
        """So many bytes have come in."""
        self._received += size
        self.is_fresh = False
        self._allowed -= size
        if self._allowed < 0:
            raise TooLarge(f"the answer is larger than {self._call.max_bytes} bytes", request=self._call.prepared)

    def seconds_left(self, *, content: bool) -> float | None:
        """Until the next byte must have come; None: for ever."""
        call = self._call
        now = time.monotonic()
        left: float | None = None
        if call.read_timeout is not None:
            earned = self._received / SLOWEST if content else 0.0
            left = min(call.read_timeout, self._grace + call.read_timeout + earned - now)
        if call.deadline is not None:
            until = call.deadline - now
            left = until if left is None else min(left, until)
        return left

    def until_deadline(self) -> float:
        """Seconds until the deadline of the call; infinite if it has none."""
        deadline = self._call.deadline
        return float("inf") if deadline is None else deadline - time.monotonic()

    def timed_out(self) -> TransportError:
        """The error that says which bound was overstepped."""
        call = self._call
        if self.until_deadline() <= 0.001:
            return DeadlineExceeded("no full answer before the deadline", request=call.prepared)
        return ReadTimeout(f"no full answer within {call.read_timeout} s", request=call.prepared)


def is_small(body: bytes | Body) -> bool:
    """Can it go out in one piece?"""
    return isinstance(body, bytes) and len(body) <= PIECE


def pieces(data: bytes) -> Iterator[memoryview]:
    """In the sizes that they are sent in."""
    view = memoryview(data)
    return (view[start : start + PIECE] for start in range(0, len(view), PIECE))


def raise_translated(error: Exception, translated: Exception) -> NoReturn:
    """Raise our error for an engine's, with its cause; one that has none as it is."""
    if translated is error:
        raise error
    raise translated from error


def raise_own(call: Call) -> None:
    """Raise what the body or the sink has raised, in whatever an engine has wrapped it."""
    error, call.own_error = call.own_error, None
    if error is not None:
        try:
            raise error from error.__cause__
        finally:
            del error  # else it held itself, by way of its traceback and this frame


def check_deadline(call: Call) -> None:
    """Nothing is sent when the deadline has already passed."""
    if call.deadline is not None and time.monotonic() >= call.deadline:
        raise DeadlineExceeded("the deadline passed before it was sent", request=call.prepared)
