import hashlib
import json
import sys
from datetime import UTC, date, datetime

import pytest
import requests

from kinto_http import utils


@pytest.mark.parametrize("server_url", ["http://h/v1", "http://h/v1/"])
@pytest.mark.parametrize("path", ["buckets", "/buckets"])
def test_urljoin_puts_one_slash_between(server_url, path):
    assert utils.urljoin(server_url, path) == "http://h/v1/buckets"


@pytest.mark.parametrize("timestamp", [42, "42", '"42"'])
def test_quote_gives_an_entity_tag(timestamp):
    assert utils.quote(timestamp) == '"42"'


@pytest.mark.parametrize(
    ("items", "n", "slices"),
    [
        ([1, 2, 3, 4, 5], 2, [[1, 2], [3, 4], [5]]),
        ([1, 2], 5, [[1, 2]]),
        ([1, 2], 0, [[1, 2]]),
        ([1, 2], -1, [[1, 2]]),
        ([], 2, []),
        ([], 0, [[]]),
    ],
)
def test_chunks(items, n, slices):
    assert list(utils.chunks(items, n)) == slices


def test_json_dumps_knows_dates_and_takes_the_arguments_of_json_dumps():
    body = {"b": date(2026, 3, 1), "a": [datetime(2026, 3, 1, 12, tzinfo=UTC)]}
    text = utils.json_dumps(body, sort_keys=True, indent=None)
    assert text == '{"a": ["2026-03-01T12:00:00+00:00"], "b": "2026-03-01"}'
    with pytest.raises(TypeError, match="set"):
        utils.json_dumps({1})


def test_the_json_hook_refuses_all_but_dates():
    assert json.dumps(date(2026, 3, 1), default=utils.json_iso_datetime) == '"2026-03-01"'
    with pytest.raises(TypeError):
        utils.json_iso_datetime("2026-03-01")


def test_max_length_int_is_wide_enough_for_any_native_integer():
    assert len(str(-sys.maxsize)) == utils.MAX_LENGTH_INT
    assert sys.maxsize != 2**63 - 1 or utils.MAX_LENGTH_INT == 20


def sorted_values(values, sort="a"):
    return [record.get("a", "missing") for record in utils.sort_records([{"a": value} for value in values], sort)]


@pytest.mark.parametrize(
    "ordered",
    [
        [-10, -5, 0, 1.5, 10],
        ["ab", "abc", "b", "é", "北", "\U0001f600"],
        ["1", "10", "9"],
        [None, "", "a", -1, 2, False, True, [], [1], ["a", "b"], {}, {"a": 1}, {"a": 2}],
        [date(2025, 12, 31), "2026", datetime(2026, 3, 1, tzinfo=UTC)],
    ],
)
def test_sort_compares_values_by_type(ordered):
    shuffled = ordered[1::2] + ordered[0::2][::-1]
    assert sorted_values(shuffled) == ordered
    assert sorted_values(shuffled, "-a") == ordered[::-1]


def test_sort_by_several_fields_is_stable():
    records = [{"id": n, "a": n % 2, "b": {"c": n // 4}} for n in range(8)]
    assert [r["id"] for r in utils.sort_records(records, "a")] == [0, 2, 4, 6, 1, 3, 5, 7]
    assert [r["id"] for r in utils.sort_records(records, "-a")] == [1, 3, 5, 7, 0, 2, 4, 6]
    assert [r["id"] for r in utils.sort_records(records, "a,-b.c")] == [4, 6, 0, 2, 5, 7, 1, 3]
    assert [r["id"] for r in utils.sort_records(records, " -b.c , -id")] == [7, 6, 5, 4, 3, 2, 1, 0]


def test_sort_puts_missing_fields_last_and_first_when_reversed():
    records = [{"id": 1}, {"id": 2, "a": None}, {"id": 3, "a": 1}, {"id": 4, "a": {"b": 1}}]
    assert [r["id"] for r in utils.sort_records(records, "a")] == [2, 3, 4, 1]
    assert [r["id"] for r in utils.sort_records(records, "-a")] == [1, 4, 3, 2]
    assert [r["id"] for r in utils.sort_records(records, "a.b")] == [4, 1, 2, 3]


@pytest.mark.parametrize("sort", ["a,b.c", "a,-b.c", "-a,b.c", "b.c,-a"])
def test_sort_agrees_with_the_server(kinto, account, sort):
    values = [1.5, 10, -5, -10, "ab", "abc", "é", None, True, False, [1], {"a": 1}]
    records = [{"a": value, "b": {"c": n}} for value in values for n in (1, 2)] + [{"b": {"c": 1}}]
    url = f"{kinto.url}/buckets/default/collections/sorted/records"
    with requests.Session() as session:
        session.auth = account
        stored = [session.post(url, json={"data": record}, timeout=10).json()["data"] for record in records]
        listed = session.get(url, params={"_sort": sort}, timeout=10).json()["data"]
    assert utils.sort_records(stored, sort) == listed


def test_sort_leaves_its_argument_alone_and_takes_any_iterable():
    records = [{"a": 2, "x.y": 1}, {"a": 1, "x.y": 2}]
    assert utils.sort_records(iter(records), "a") == records[::-1]
    assert utils.sort_records(records, "") == records
    assert utils.sort_records(records, "-x.y") == records[::-1]
    assert [r["a"] for r in records] == [2, 1]


def test_records_equal_ignores_when_it_was_said():
    assert utils.records_equal({"id": 1, "a": 2, "last_modified": 1}, {"id": 1, "a": 2, "schema": 3})
    assert not utils.records_equal({"id": 1, "a": 2}, {"id": 1, "a": 3})
    assert not utils.records_equal({"id": 1, "a": None}, {"id": 1})


def test_collection_diff():
    src = [
        {"id": "new", "last_modified": 1},
        {"id": "same", "a": 1, "last_modified": 2},
        {"id": "changed", "a": 1, "last_modified": 3},
    ]
    dest = [
        {"id": "changed", "a": 2, "last_modified": 4},
        {"id": "same", "a": 1, "last_modified": 5},
        {"id": "gone", "last_modified": 6},
    ]
    before = json.dumps([src, dest])
    to_create, to_update, to_delete = utils.collection_diff(iter(src), iter(dest))
    assert to_create == [{"id": "new", "last_modified": 1}]
    assert to_update == [({"id": "changed", "a": 2, "last_modified": 4}, {"id": "changed", "a": 1})]
    assert to_delete == [{"id": "gone", "last_modified": 6}]
    for record in (to_create[0], *to_update[0], to_delete[0]):
        record["a"] = "mine"
    assert json.dumps([src, dest]) == before


@pytest.mark.parametrize("size", [0, 1, 3_000_001])
def test_compute_sha256(tmp_path, size):
    content = b"x" * size
    path = tmp_path / "file"
    path.write_bytes(content)
    assert utils.compute_sha256(str(path)) == utils.compute_sha256(path) == hashlib.sha256(content).hexdigest()


def test_slugify_is_here_too():
    assert utils.slugify("a.b c") == "ab-c"
