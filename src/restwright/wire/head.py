"""The header section of a request, as both engines send it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import requests

from restwright.message import EMPTY
from restwright.wire.call import Call

# RFC 9110, 8.6: with all others, no content is said by a length of 0.
_WITHOUT_LENGTH: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_USUAL: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2


def head(call: Call, target: str, host: str, more: Mapping[str, str] = EMPTY) -> str:
    """Request line and header fields, with the empty line that ends them (RFC 9112, 2.1).

    Args:
        call: What is asked.
        target: What the request line says of the URL.
        host: What the `Host` field says, unless the call has one.
        more: Fields that are not the call's own, but those of a proxy.

    Raises:
        ValueError: The method or a header field holds what it cannot.
    """
    method, fields, body = call.method, call.headers, call.body
    if method not in _USUAL and _TOKEN.fullmatch(method) is None:
        raise ValueError(f"not a method: {method!r:.40}")
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in fields:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields.plain().items()]
    lines += [f"{name}: {value}" for name, value in more.items()]
    if body is None:
        if method not in _WITHOUT_LENGTH and "content-length" not in fields:
            lines.append("Content-Length: 0")
    elif call.is_chunked and "transfer-encoding" not in fields:
        lines.append("Transfer-Encoding: chunked")
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise ValueError("a header field holds a line break or a NUL")
    return f"{text}\r\n\r\n"


def refused(call: Call, error: Exception) -> Exception:
    """What `requests` raises for what a header section cannot hold, if that is behind an engine's ValueError."""
    if _TOKEN.fullmatch(call.method) is None:
        return requests.exceptions.InvalidHeader(f"not a method: {call.method!r:.40}")
    limit = "\xff" if isinstance(error, UnicodeEncodeError) else "\U0010ffff"
    for name, value in call.headers.items():
        text = f"{name}{value}"
        if set(text) & set("\r\n\0") or not name.isascii() or max(text, default="") > limit:
            return requests.exceptions.InvalidHeader(f"the header field {name!r} holds what no header field can")
    return error
