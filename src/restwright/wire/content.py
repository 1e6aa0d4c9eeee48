"""Take in the content of an answer within bounds: size, decompressed size, and how far a few bytes may inflate."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

from restwright.errors import BadEncoding, TooLarge
from restwright.wire.call import Call

# JSON rarely shrinks to less than a fiftieth; a decompression bomb comes near a thousandth.
MOST_INFLATED: Final = 200
ALWAYS_ALLOWED: Final = 8 << 20
_STEP: Final = 1 << 20


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...


class Content:
    """Collects the chunks of one answer's content; `finish` gives all of it, or b"" where a sink took it."""

    __slots__ = ("_call", "_chunks", "_coding", "_decompressor", "_raw_size", "_size", "is_complete", "to_sink")

    def __init__(self, call: Call, coding: str, *, to_sink: bool = False) -> None:
        self._call = call
        self._coding = coding.strip().lower()
        self._chunks: list[bytes] = []
        self._raw_size = self._size = 0
        self._decompressor: _Decompressor | None = None
        self.to_sink = to_sink
        self.is_complete = False
        if to_sink and call.sink is not None:
            with call.own():
                call.sink.start()
        if self._coding in ("", "identity"):
            self._coding = ""

    def feed(self, chunk: bytes) -> None:
        """Take a chunk as it came over the wire."""
        if not self._coding:
            self._keep(chunk)
            return
        if self._decompressor is None:
            self._decompressor = self._new_decompressor(chunk)
        while chunk:
            if self._decompressor.eof:  # RFC 1952, 2.2: members may follow one another
                self._decompressor = self._new_decompressor(chunk)
            try:
                inflated = self._decompressor.decompress(chunk, _STEP)
            except zlib.error as error:
                raise BadEncoding(f"not valid {self._coding}: {error}", request=self._call.prepared) from error
            rest = self._decompressor.unused_data or self._decompressor.unconsumed_tail
            self._raw_size += len(chunk) - len(rest)
            self._keep(inflated)
            chunk = rest
            if not inflated and not self._decompressor.eof and not self._decompressor.unconsumed_tail:
                break

    def finish(self) -> bytes:
        """All has come."""
        if self._decompressor is not None and not self._decompressor.eof:
            raise BadEncoding(f"the {self._coding} content breaks off", request=self._call.prepared)
        self.is_complete = True
        return b"".join(self._chunks)

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        call = self._call
        if self._size > call.max_bytes and not self.to_sink:
            raise TooLarge(f"the answer is larger than {call.max_bytes} bytes", request=call.prepared)
        if self._coding and self._size > max(ALWAYS_ALLOWED, self._raw_size * MOST_INFLATED):
            raise TooLarge(f"{self._raw_size} bytes of {self._coding} inflate beyond reason", request=call.prepared)
        if self.to_sink and call.sink is not None:
            with call.own():
                call.sink.write(data)
        else:
            self._chunks.append(data)

    def _new_decompressor(self, start: bytes) -> _Decompressor:
        # Only now: an answer without content, to a HEAD or a 304, may tell a coding too.
        if self._coding not in ("gzip", "x-gzip", "deflate"):
            raise BadEncoding(f"Content-Encoding {self._coding!r:.40} was not asked for", request=self._call.prepared)
        if self._coding != "deflate":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        # RFC 9110, 8.4.1.2: deflate is the zlib format, but some senders leave its two-byte header out.
        has_header = len(start) > 1 and start[0] & 0x0F == 8 and (start[0] << 8 | start[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
