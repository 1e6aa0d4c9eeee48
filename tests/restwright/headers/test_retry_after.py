from __future__ import annotations

import os
import time
from email.utils import formatdate

import pytest

from restwright.headers import RETRY_AFTER_MAX, parse_retry_after

NOW = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("  7\t", 7.0),
        ("007", 7.0),
        ("86400", 86400.0),
        ("2147483648", 2.0**31),
        ("99999999999999999999", RETRY_AFTER_MAX),
        ("9" * 1_000_000, RETRY_AFTER_MAX),
        ("0" * 1_000_000 + "5", 5.0),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_delays(value, seconds):
    assert parse_retry_after(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:47 GMT",
        "Sunday, 06-Nov-94 08:49:47 GMT",
        "Sun Nov  6 08:49:47 1994",
        "Sun, 06 Nov 1994 08:49:47 UTC",
        "Sun, 06 Nov 1994 08:49:47 +0000",
        "Sun, 06-Nov-1994 08:49:47 GMT",
        "sun, 06 nov 1994 08:49:47 gmt",
    ],
)
def test_dates_count_from_now(value):
    assert parse_retry_after(value, now=NOW) == 10.0
    assert parse_retry_after(value, now=NOW - 0.5) == 10.5
    assert parse_retry_after(value, now=NOW + 100) == 0.0
    assert parse_retry_after(value) == 0.0


def test_now_is_the_clock_by_default():
    seconds = parse_retry_after(formatdate(time.time() + 60, usegmt=True))
    assert seconds is not None
    assert 50 < seconds <= 60


def test_the_local_time_zone_does_not_matter(monkeypatch):
    """asctime names no zone; the standard library takes that for local time."""
    monkeypatch.setitem(os.environ, "TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert parse_retry_after("Sun Nov  6 08:49:47 1994", now=NOW) == 10.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_leap_second():
    assert parse_retry_after("Sat, 31 Dec 2016 23:59:60 GMT", now=1483228790.0) == 10.0


@pytest.mark.parametrize(
    ("now", "date", "years"),
    [
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Friday, 01-Jan-27 00:00:00 GMT", 1),
        ("Fri, 01 Jan 1999 00:00:00 GMT", "Monday, 01-Jan-01 00:00:00 GMT", 2),
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Wednesday, 01-Jan-76 00:00:00 GMT", 50),
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Friday, 01-Jan-77 00:00:00 GMT", 0),
        ("Tue, 01 Jan 2075 00:00:00 GMT", "Wednesday, 01-Jan-76 00:00:00 GMT", 1),
    ],
)
def test_a_year_of_two_digits_is_at_most_fifty_years_ahead(now, date, years):
    start = parse_retry_after(now, now=0.0)
    # RETRY_AFTER_MAX keeps the years after 2038 out of one call's reach.
    start = 3313526400.0 if start == RETRY_AFTER_MAX else start
    seconds = parse_retry_after(date, now=start)
    assert seconds is not None
    assert round(seconds / 86400 / 365.25) == years


def test_a_far_date_is_bounded():
    assert parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now=NOW) == RETRY_AFTER_MAX


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "1_000",
        "5 seconds",
        "5, 10",
        "soon",
        "nan",
        "inf",
        "0x10",
        "\xb2",
        "\u0663",
        "1\u0663",
        "\u2167",
        "\xa05",
        "\ud800",
        "\x00",
        "1\x00",
        "1\n",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 06 Nov 1994 08:49:37 +0200",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 9_9 08:49:37 GMT",
        "Sun, 06 Nov 199 08:49:37 GMT",
        "Monday, 29-Feb-27 00:00:00 GMT",
        "soon, 1 jan 1 1:1",
        "1994-11-06T08:49:37Z",
        "a ," * 300_000,
        ":" * 1_000_000,
        " " * 1_000_000 + "x",
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_garbage(value):
    assert parse_retry_after(value, now=NOW) is None
