"""The `Retry-After` header field (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX = float(2**31)
"""The longest delay ever reported, in seconds (68 years): one that can be slept, and added to a date.
The bound is that of RFC 9111, 1.2.2."""

# RFC 9110, 5.6.7. IMF-fixdate and RFC 850 in one, then asctime, which names no zone and means UTC as well.
_DATE_FORMS = (
    re.compile(
        r"[a-z]{3,9}, (?P<day>\d\d)[ -](?P<month>[a-z]{3})[ -](?P<year>\d{4}|\d\d) (?P<time>\d\d:\d\d:\d\d)"
        r" (?:GMT|UTC|[+-]0000)",
        re.ASCII | re.IGNORECASE,
    ),
    re.compile(
        r"[a-z]{3} (?P<month>[a-z]{3}) (?P<day>[ \d]\d) (?P<time>\d\d:\d\d:\d\d) (?P<year>\d{4})",
        re.ASCII | re.IGNORECASE,
    ),
)


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
    moment = _parse_http_date(text, now)
    return None if moment is None else min(max(0.0, moment - now), RETRY_AFTER_MAX)


def _parse_http_date(text: str, now: float) -> float | None:
    match = next((found for form in _DATE_FORMS if (found := form.fullmatch(text))), None)
    if match is None:
        return None
    day, month, year, clock = match.group("day", "month", "year", "time")
    if len(year) == 2:
        # RFC 9110, 5.6.7: two digits name the year that is at most 50 years ahead.
        this_year = time.gmtime(now).tm_year
        year = str(this_year + 50 - (this_year + 50 - int(year)) % 100)
    # The grammar has a 60th second, for leap seconds; datetime has not.
    clock, leap = (clock[:-2] + "59", 1) if clock.endswith(":60") else (clock, 0)
    try:
        return parsedate_to_datetime(f"{day} {month} {year} {clock} +0000").timestamp() + leap
    except ValueError:
        return None
