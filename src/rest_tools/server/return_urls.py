"""Where a login may lead back to: nowhere that its link alone decides (CWE-601, open redirect)."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

__all__ = ["is_return_url", "origin_of"]

# Browsers drop tabs and line ends, and take `\` for `/`: what they make of it is not what we parse.
_STRANGE = re.compile(r"[\x00-\x20\x7f\\]")
_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str | None:
    """Scheme, host and port of an http URL, such as `https://fruits.example:443`; None of anything else.

    >>> origin_of("https://Fruits.example/x")
    'https://fruits.example:443'
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.hostname}:{port or _PORTS[parts.scheme]}"


def is_return_url(url: str, origins: Collection[str | None]) -> bool:
    """Whether the URL is a path of this site, or has one of these origins, as `origin_of` gives them."""
    if _STRANGE.search(url):
        return False
    if url.startswith("/"):
        return not url.startswith("//")
    origin = origin_of(url)
    return origin is not None and origin in origins
