from __future__ import annotations

import dataclasses
import datetime
import json
import uuid

import pytest

from restwright.json_codec import decode, encode, iso

UTC = datetime.UTC


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 1.5, "", "é", "😀", [], {}, [None], {"a": [1, {"b": None}]}, 2**53 + 1, -(2**63)],
)
def test_there_and_back(value):
    assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value


@pytest.mark.parametrize("value", [2**63 - 1, 2**64 - 1, 2**64, 2**64 + 1, 10**40, -(2**63) - 1, -(10**40)])
def test_integers_of_any_size_stay_exact(value):
    assert decode(encode({"n": [value]})) == {"n": [value]}
    assert type(decode(str(value).encode())) is int


@dataclasses.dataclass
class Reading:
    value: float


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda bad: bad,
        lambda bad: [None, bad],
        lambda bad: {"a": {"b": bad}},
        lambda bad: {7: bad},
        Reading,
        lambda bad: {"when": datetime.date(2024, 1, 2), "value": bad},
    ],
)
def test_what_is_not_finite_is_refused(wrap, bad):
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(wrap(bad))


def test_the_text_null_is_no_nan():
    assert encode({"null": "null", "x": None}) == b'{"null":"null","x":null}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=UTC), "2024-01-02T03:04:05.000678+00:00"),
        (datetime.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02T03:04:05"),  # noqa: DTZ001
        (datetime.time(3, 4, 5), "03:04:05"),
        (datetime.time(3, 4, 5, tzinfo=UTC), "03:04:05+00:00"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
)
def test_dates_are_iso_8601(value, text):
    assert decode(encode([value, None])) == [text, None]


def test_dates_are_the_same_beside_what_orjson_refuses():
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    assert decode(encode([when, 10**40])) == [when.isoformat(), 10**40]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", Reading])
def test_what_has_no_json_form_is_a_type_error(value):
    with pytest.raises(TypeError, match="has no JSON form"):
        encode({"a": value})


def test_iso_refuses_what_is_no_date():
    with pytest.raises(TypeError, match="a str has no JSON form"):
        iso("2024")


def test_keys_that_are_numbers_become_text():
    assert decode(encode({1: "a", None: "b"})) == {"1": "a", "null": "b"}


def test_a_value_that_contains_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="Circular"):
        encode(value)


@pytest.mark.parametrize("depth", [300, 500])
def test_values_deeper_than_orjson_goes(depth):
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    assert decode(encode(value)) == value


def test_values_without_end_are_refused():
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        encode(value)


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000])
def test_texts_without_end_are_refused(text):
    with pytest.raises(ValueError, match="nested too deeply"):
        decode(text)


def test_a_byte_order_mark_and_utf_16_are_read():
    text = '{"name": "Zoë"}'
    assert decode(b"\xef\xbb\xbf" + text.encode()) == {"name": "Zoë"}
    assert decode(text.encode("utf-16")) == {"name": "Zoë"}


def test_a_lone_surrogate_survives():
    assert decode(encode("\ud800")) == "\ud800"


@pytest.mark.parametrize("text", [b"", b" ", b"<html>", b"{", b'{"a":}', b"\xff", b"1" * 5000, b"1 2"])
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  # each says it in its own words
        decode(text)


def marked(value):
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    raise TypeError(f"no form for {value!r}")


def test_a_default_comes_before_iso_8601():
    day = datetime.date(2020, 1, 2)
    assert encode([day, {3, 1}], marked) == b'[{"date":"2020-01-02"},[1,3]]'
    assert encode({1: day}, marked) == b'{"1": {"date": "2020-01-02"}}'
    with pytest.raises(TypeError, match="no form for"):
        encode({1: object()}, marked)
    with pytest.raises(TypeError):
        encode(Reading(1.0), marked)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_no_default_hides_a_float_that_is_not_finite(bad):
    with pytest.raises(ValueError, match="JSON compliant"):
        encode({"many": {bad}}, marked)
    assert encode({"id": uuid.UUID(int=0), "none": None}, marked).endswith(b'"none":null}')
