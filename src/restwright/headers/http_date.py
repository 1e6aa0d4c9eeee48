"""Dates in header fields (RFC 9110, 5.6.7)."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

# IMF-fixdate and RFC 850 in one, then asctime, which names no zone and means UTC as well.
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


def parse_http_date(value: str, *, now: float | None = None) -> float | None:
    """Seconds since the epoch; `None` when `value` is in none of the three forms.

    Args:
        value: As it came, of `Date`, `Last-Modified`, `If-Modified-Since` and the like.
        now: The present, which tells the century of a year of two digits; that of the clock by default.

    >>> parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")
    784111777.0
    """
    match = next((found for form in _DATE_FORMS if (found := form.fullmatch(value))), None)
    if match is None:
        return None
    day, month, year, clock = match.group("day", "month", "year", "time")
    if len(year) == 2:
        # Two digits name the year that is at most 50 years ahead.
        this_year = time.gmtime(time.time() if now is None else now).tm_year
        year = str(this_year + 50 - (this_year + 50 - int(year)) % 100)
    # The grammar has a 60th second, for leap seconds; datetime has not.
    clock, leap = (clock[:-2] + "59", 1) if clock.endswith(":60") else (clock, 0)
    try:
        return parsedate_to_datetime(f"{day} {month} {year} {clock} +0000").timestamp() + leap
    except ValueError:
        return None
