from __future__ import annotations

import pytest

from restwright.headers import parse_http_date

NOW = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    "value", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_forms(value):
    assert parse_http_date(value, now=NOW) == NOW
    assert parse_http_date(value) == NOW


@pytest.mark.parametrize("value", ["", "now", "784111777", "Sun, 31 Feb 2021 00:00:00 GMT", "1994-11-06T08:49:37Z"])
def test_what_is_no_date(value):
    assert parse_http_date(value) is None
