from __future__ import annotations

import json
import logging
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from rest_tools.utils import json_util
from rest_tools.utils.json_util import (
    JSONConverters,
    JSONToObj,
    is_deeper,
    json_compressor,
    json_decode,
    json_encode,
    objToJSON,
)

MOMENT = datetime(2020, 1, 2, 3, 4, 5)  # noqa: DTZ001  # the contract knows naive ones


def marked(name, payload):
    return {"__jsonclass__": [name, payload]}


@pytest.mark.parametrize(
    ("value", "payload"),
    [
        (MOMENT, "2020-01-02T03:04:05"),
        (MOMENT.replace(microsecond=60), "2020-01-02T03:04:05.000060"),
        (MOMENT.replace(tzinfo=UTC), "2020-01-02T03:04:05+00:00"),
        (MOMENT.replace(tzinfo=timezone(timedelta(hours=-5, minutes=-30))), "2020-01-02T03:04:05-05:30"),
        (date(2020, 1, 2), "2020-01-02"),
        (time(3, 4, 5), "03:04:05"),
        (time(3, 4, 5, 6), "03:04:05.000006"),
        ({"a"}, ["a"]),
        (bytearray(b"\xff\x00"), "/wA="),
    ],
)
def test_types_that_are_kept(value, payload):
    text = json_encode([value])
    assert json.loads(text) == [marked(type(value).__name__, payload)]
    (again,) = json_decode(text)
    assert (type(again), again) == (type(value), value)


def test_types_that_are_read_only():
    assert json_decode(json.dumps(marked("binary", "w6Q="))) == "ä"
    assert json_decode(json.dumps(marked("datetime", "2020-01-02 03:04:05"))) == MOMENT
    assert json_decode(json.dumps(marked("datetime", "2020-01-02"))) == MOMENT.replace(hour=0, minute=0, second=0)
    ordered = json_decode(json.dumps(marked("OrderedDict", [["b", 1], ["a", 2]])))
    assert isinstance(ordered, OrderedDict)
    assert list(ordered.items()) == [("b", 1), ("a", 2)]


def test_what_json_has_a_form_for():
    assert json_encode({"b": b"\xc3\xa4", 7: (1, 2), "o": OrderedDict(z=1)}) == '{"b":"\\u00e4","7":[1,2],"o":{"z":1}}'
    assert json_encode(float("nan")) == "NaN"
    assert json_encode("</script>") == '"<\\/script>"'
    assert json_decode('"<\\/script>"') == "</script>"
    assert json_encode({"a": [1]}, indent=1) == '{\n "a":[\n  1\n ]\n}'


def test_what_has_no_form():
    with pytest.raises(TypeError, match="object"):
        json_encode(object())
    with pytest.raises(UnicodeDecodeError):
        json_encode(b"\xff")


@pytest.mark.parametrize("text", ["7", b"7", bytearray(b"7"), "\t7\n", b"\xef\xbb\xbf7"])
def test_texts_of_all_kinds(text):
    assert json_decode(text) == 7


@pytest.mark.parametrize("text", ["", "{", b"{", "nul", "[" * 100_000, '{"a": ' * 100_000, "1" * 10_000])
def test_what_is_no_json(text):
    with pytest.raises(json.JSONDecodeError):
        json_decode(text)


@pytest.mark.parametrize("inner", ["[" * 100_000, "1" * 10_000])
def test_what_is_no_json_beside_a_mark(inner):
    with pytest.raises(json.JSONDecodeError):
        json_decode('{"__jsonclass__": ' + inner)


@pytest.mark.parametrize(("value", "kind"), [(None, "NoneType"), (10**12, "int"), ([1], "list")])
def test_what_is_no_text_at_all(value, kind):
    with pytest.raises(TypeError, match=f"value must be str, bytes or bytearray, got {kind}"):
        json_decode(value)


def test_what_is_no_utf8():
    with pytest.raises(UnicodeDecodeError):
        json_decode(b'"\xff"')


@pytest.mark.parametrize(
    "payload",
    [
        ["unknown", 1],
        ["datetime", "yesterday"],
        ["datetime", None],
        ["set", [[]]],
        ["set", 7],
        ["bytearray", "%"],
        ["binary", "/w=="],
        ["OrderedDict", "OrderedDict()"],
        [[], {}],
        [],
        "datetime",
        None,
        7,
    ],
)
def test_what_cannot_be_read_is_left_and_not_shown(payload, caplog):
    caplog.set_level(logging.DEBUG)
    value = {"__jsonclass__": payload, "other": 1}
    assert json_decode(json.dumps([value])) == [value]
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert "yesterday" not in caplog.text


def test_marks_within_marks():
    assert json_decode(json_encode([{"a": {date(2020, 1, 2)}}])) == [{"a": {date(2020, 1, 2)}}]


def test_one_value_at_a_time():
    assert objToJSON(date(2020, 1, 2)) == marked("date", "2020-01-02")
    assert JSONToObj(marked("date", "2020-01-02")) == date(2020, 1, 2)
    for value in (7, [7], {"a": 7}):
        assert JSONToObj(value) is value


def test_names_of_the_contract():
    assert JSONConverters.keys() == {"datetime", "date", "time", "binary", "bytearray", "OrderedDict", "set"}
    for name in ("datetime", "date", "time", "binary", "bytearray", "set", "repr"):
        converter = getattr(json_util, f"{name}_converter")
        assert callable(converter.dumps)
        assert callable(converter.loads)
    assert json_util.repr_converter.loads(json_util.repr_converter.dumps({"a": (1, None)})) == {"a": (1, None)}
    with pytest.raises(ValueError, match="malformed"):
        json_util.repr_converter.loads("exit()")


def test_small_texts():
    assert json_compressor.uncompress(json_compressor.compress(b'{"a": "\xc3\xa4"}')) == '{"a": "ä"}'
    assert (json_compressor.compress(b""), json_compressor.uncompress(b"")) == (b"", "")
    assert len(json_compressor.compress(b"a" * 100_000)) < 1000
    with pytest.raises(TypeError):
        json_compressor.compress("text")
    with pytest.raises(TypeError):
        json_compressor.uncompress("text")


def test_a_text_that_unfolds_without_end(monkeypatch):
    monkeypatch.setattr(json_compressor, "max_size", 1000)
    assert json_compressor.uncompress(json_compressor.compress(b"a" * 1000))
    with pytest.raises(ValueError, match="longer than 1000"):
        json_compressor.uncompress(json_compressor.compress(b"a" * 1001))
    with pytest.raises(ValueError, match="breaks off"):
        json_compressor.uncompress(json_compressor.compress(b"abcdefgh" * 100)[:12])


@pytest.mark.parametrize(
    ("value", "levels"),
    [
        (1, 0),
        ("[[", 0),
        ([], 1),
        ([1, {}], 2),
        ({"a": {"b": [1]}, "c": 1}, 3),
        (OrderedDict(a=OrderedDict(b={1})), 2),
        ([[[]], *[[]] * 1000], 3),
    ],
)
def test_how_deep_a_value_is(value, levels):
    assert [most for most in range(5) if is_deeper(value, most)] == list(range(levels))
