"""Header fields with a grammar of their own, one module each.

Parsers read what a server sent: they never raise, whatever is in the value, and take time proportional to its
length. What cannot be read is left out (`parse_link`) or `None` (the others).
"""

from __future__ import annotations

from restwright.headers.etag import ETag, parse_etag, parse_etags, quote_etag
from restwright.headers.http_date import parse_http_date
from restwright.headers.link import Link, next_link, parse_link
from restwright.headers.retry_after import RETRY_AFTER_MAX, parse_retry_after

__all__ = [
    "RETRY_AFTER_MAX",
    "ETag",
    "Link",
    "next_link",
    "parse_etag",
    "parse_etags",
    "parse_http_date",
    "parse_link",
    "parse_retry_after",
    "quote_etag",
]
