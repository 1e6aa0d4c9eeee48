"""The `Retry-After` header field (RFC 9110, 10.2.3)."""

from __future__ import annotations

import time

from restwright.headers.http_date import parse_http_date

RETRY_AFTER_MAX = float(2**31)
"""The longest delay ever reported, in seconds (68 years): one that can be slept, and added to a date.
The bound is that of RFC 9111, 1.2.2."""


def parse_retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """Seconds to wait, from 0 to `RETRY_AFTER_MAX`; `None` when `value` is no delay and no date.

    A date that has passed is a delay of 0.

    Args:
        value: The header's value, as of `headers.get("Retry-After")`.
        now: The time of the answer, to count from for a date, in seconds since the epoch; now by default.

    >>> parse_retry_after("120")
    120.0
    >>> parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now=784111770)
    7.0
    >>> parse_retry_after("soon")
    """
    if value is None:
        return None
    text = value.strip(" \t")
    if text.isascii() and text.isdigit():
        # 11 digits are beyond the bound already: the length decides, as int() refuses very long strings.
        digits = text.lstrip("0")
        return RETRY_AFTER_MAX if len(digits) > 10 else min(float(digits or 0), RETRY_AFTER_MAX)
    if now is None:
        now = time.time()
    moment = parse_http_date(text, now=now)
    return None if moment is None else min(max(0.0, moment - now), RETRY_AFTER_MAX)
