import uuid
from datetime import UTC, date, datetime
from typing import ClassVar

import pytest

from kinto_http import KintoException
from kinto_http.exceptions import MissingIdException
from kinto_http.models import Record
from kinto_http.patch_type import BasicPatch, JSONPatch, MergePatch, PatchType


def fields(data):
    return {name: value for name, value in data.items() if name not in ("id", "last_modified")}


def test_a_record_is_created_read_and_deleted(client, bucket):
    created = client.create_record(id="r1", data={"title": "x"}, permissions={"read": ["system.Everyone"]})
    assert fields(created["data"]) == {"title": "x"}
    assert client.get_record(id="r1") == client.get_record("r1", bucket=bucket, collection="tasks")
    assert client.get_record("r1")["permissions"]["read"] == ["system.Everyone"]
    gone = client.delete_record(id="r1")
    assert (gone["id"], gone["deleted"]) == ("r1", True)
    with pytest.raises(KintoException) as raised:
        client.get_record("r1")
    assert raised.value.response.status_code == 404


def test_a_record_without_an_id_gets_a_new_uuid(client):
    ids = {client.create_record(data={"n": 1})["data"]["id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(uuid.UUID(each).version == 4 for each in ids)


@pytest.mark.parametrize("verb", ["update", "patch"])
def test_other_writes_need_an_id(client, verb):
    with pytest.raises(KeyError) as raised:
        getattr(client, f"{verb}_record")(data={"n": 1})
    assert isinstance(raised.value, MissingIdException)
    assert "need an id" in str(raised.value)


@pytest.mark.parametrize("number", [0, 7, uuid.UUID(int=5)])
def test_an_id_may_be_any_value_that_reads_as_one(client, number):
    """Defect 15: 0 was no id, and a body with a number in it did not match its path."""
    text = str(number)
    assert client.create_record(data={"id": number, "n": 1})["data"]["id"] == text
    assert client.update_record(data={"id": number, "n": 2})["data"]["id"] == text
    assert client.patch_record(data={"id": number, "m": 3})["data"].items() >= {"id": text, "n": 2, "m": 3}.items()
    assert client.get_record(number)["data"]["id"] == text
    assert client.patch_record(number, changes=BasicPatch({"n": 4}))["data"]["n"] == 4
    assert client.delete_record(number)["id"] == text


def test_ids_of_parents_may_be_numbers_too(client, kinto):
    """Defect 15."""
    client.create_collection(0)
    client.create_record("r", collection=0, data={"n": 1})
    assert [each["id"] for each in client.get_records(collection=0)] == ["r"]
    assert client.get_records(collection=0)[0].home.collection == "0"
    assert client.get_records() == []


def test_a_fetched_envelope_goes_back_as_it_is(client):
    """Defect 15: the id was looked for at the top of the envelope."""
    client.create_record("r1", data={"n": 1})
    record = client.get_record("r1")
    record["permissions"]["write"].append("ldap:leplatrem")
    record["data"]["n"] = 2
    client.update_record(data=record)
    stored = client.get_record("r1")
    assert stored["data"]["n"] == 2
    assert "ldap:leplatrem" in stored["permissions"]["write"]


def test_a_fetched_envelope_has_its_timestamp_checked(client, other):
    client.create_record("r1", data={"n": 1})
    record = client.get_record("r1")
    other.patch_record("r1", data={"n": 2})
    for write in (client.update_record, client.patch_record):
        with pytest.raises(KintoException) as raised:
            write(data=record)
        assert raised.value.response.status_code == 412


def test_an_envelope_may_be_patched_and_created_from(client):
    client.create_record("r1", data={"n": 1}, permissions={"read": ["system.Everyone"]})
    record = client.get_record("r1")
    record["data"]["n"] = 2
    assert client.patch_record(data=record)["data"]["n"] == 2
    client.create_collection("copies")
    copied = client.create_record(data=client.get_record("r1"), collection="copies")
    assert copied["data"]["n"] == 2
    assert copied["permissions"]["read"] == ["system.Everyone"]


def test_a_record_may_have_a_field_called_data(client):
    client.create_record("r1", data={"data": {"n": 1}})
    assert fields(client.get_record("r1")["data"]) == {"data": {"n": 1}}
    client.update_record("r1", data={"data": {"n": 2}})
    assert fields(client.get_record("r1")["data"]) == {"data": {"n": 2}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (BasicPatch({"a": {"z": 1}, "b": None}), {"a": {"z": 1}, "b": None}),
        (MergePatch({"a": {"x": None, "z": 1}, "b": None}), {"a": {"y": 2, "z": 1}}),
        (
            JSONPatch([{"op": "test", "path": "/data/b/0", "value": 1}, {"op": "remove", "path": "/data/a/x"}]),
            {"a": {"y": 2}, "b": [1]},
        ),
    ],
    ids=["basic", "merge", "json"],
)
def test_each_kind_of_patch(client, changes, expected):
    client.create_record("r1", data={"a": {"x": 1, "y": 2}, "b": [1]})
    assert fields(client.patch_record("r1", changes=changes)["data"]) == expected
    assert fields(client.get_record("r1")["data"]) == expected


def test_permissions_are_patched_in_each_way(client):
    client.create_record("r1", permissions={"read": ["a"]})

    def readers(changes):
        return set(client.patch_record("r1", changes=changes)["permissions"].get("read", []))

    assert readers(BasicPatch(permissions={"read": ["b"]})) == {"b"}
    assert readers(JSONPatch([{"op": "add", "path": "/permissions/read/c"}])) == {"b", "c"}
    assert readers(JSONPatch([{"op": "remove", "path": "/permissions/read/b"}])) == {"c"}
    assert readers(MergePatch(permissions={"read": None})) == set()


def test_a_patch_type_of_ones_own(client):
    class Touch(PatchType):
        content_type = "application/json"
        body: ClassVar = {"data": {"touched": True}}

    client.create_record("r1")
    assert client.patch_record("r1", changes=Touch())["data"]["touched"] is True


def test_a_patch_that_is_none_is_refused_before_anything_is_sent(client):
    with pytest.raises(TypeError, match="must be a PatchType"):
        client.patch_record("r1", changes={"a": 1})


def test_the_original_tells_which_record_and_is_not_sent(client):
    client.create_record("r1", data={"a": 1, "b": 2})
    original = client.get_record("r1")["data"]
    client.patch_record("r1", data={"a": 3})
    with pytest.raises(KintoException) as raised:
        client.patch_record(original=original, changes=BasicPatch({"b": 4}))
    assert raised.value.response.status_code == 412
    patched = client.patch_record(original=original, changes=BasicPatch({"b": 4}), safe=False)
    assert fields(patched["data"]) == {"a": 3, "b": 4}


def test_a_patch_of_nothing_is_refused_by_the_service(client):
    client.create_record("r1")
    with pytest.raises(KintoException) as raised:
        client.patch_record("r1")
    assert raised.value.response.status_code == 400


def test_a_failed_test_of_a_json_patch_changes_nothing(client):
    client.create_record("r1", data={"a": 1})
    operations = [{"op": "replace", "path": "/data/a", "value": 2}, {"op": "test", "path": "/data/a", "value": 3}]
    with pytest.raises(KintoException) as raised:
        client.patch_record("r1", changes=JSONPatch(operations))
    assert raised.value.response.status_code == 400
    assert client.get_record("r1")["data"]["a"] == 1


def test_dates_are_stored_as_text(client):
    client.create_record("r1", data={"on": date(2026, 11, 21), "at": [datetime(2026, 11, 21, 9, 30, tzinfo=UTC)]})
    assert fields(client.get_record("r1")["data"]) == {"on": "2026-11-21", "at": ["2026-11-21T09:30:00+00:00"]}


def test_text_of_all_the_world_comes_back(client):
    text = 'é 北京 \U0001f600 \u2028 " \\ \x00 </script>'
    client.create_record("r1", data={text: text})
    assert fields(client.get_record("r1")["data"]) == {text: text}


@pytest.mark.filterwarnings("ignore:record id")
def test_an_id_that_would_become_another_is_warned_of(client):
    """Defect 14: `a.b c` was stored as `ab-c` in silence."""
    with pytest.warns(UserWarning, match=r"'a\.b c' is not a valid id"):
        client.create_record("a.b c")
    with pytest.warns(UserWarning, match="not a valid id"):
        assert client.get_record("a.b c")["data"]["id"] == "ab-c"
    with pytest.warns(UserWarning, match="not a valid id"), pytest.raises(KintoException):
        client.create_record("ab-c\n")


# --- a record knows its home --------------------------------------------------------------------------------------


@pytest.fixture
def anywhere(client):
    """A client that has no collection of its own, and `default` for its bucket."""
    return client.clone(collection=None, bucket="default")


def test_a_fetched_record_goes_back_where_it_came_from(client, anywhere, bucket):
    for number in range(3):
        client.create_record(f"r{number}", data={"n": number})
    records = anywhere.get_records(bucket=bucket, collection="tasks")
    records.append(anywhere.get_record("r0", bucket=bucket, collection="tasks")["data"])
    assert all(each.home[1:] == (bucket, "tasks") for each in records)
    for record in records[:3]:
        record["title"] = f"Todo {record['n']}"
        anywhere.update_record(data=record)
    assert sorted(each["title"] for each in client.get_records()) == ["Todo 0", "Todo 1", "Todo 2"]
    patched = anywhere.patch_record(original=client.get_record("r1"), changes=BasicPatch({"m": 1}))
    assert patched["data"]["m"] == 1
    assert patched["data"].home == records[0].home


def test_what_was_written_knows_its_home_too(anywhere, client, bucket):
    created = anywhere.create_record("r1", data={"n": 1}, bucket=bucket, collection="tasks")
    created["data"]["n"] = 2
    updated = anywhere.update_record(data=created)
    updated["data"]["n"] = 3
    anywhere.update_record(data=updated["data"])
    assert client.get_record("r1")["data"]["n"] == 3


def test_the_clients_own_collection_comes_before_the_records(client):
    client.create_collection("elsewhere")
    client.create_record("r1", collection="elsewhere", data={"n": 1})
    for record in client.get_records(collection="elsewhere"):
        client.update_record(data=record, safe=False)
    assert client.get_record("r1", collection="tasks")["data"]["n"] == 1


def test_the_calls_collection_comes_before_all(anywhere, client, bucket):
    client.create_record("r1", data={"n": 1})
    client.create_collection("elsewhere")
    (record,) = anywhere.get_records(bucket=bucket, collection="tasks")
    anywhere.update_record(data=record, bucket=bucket, collection="elsewhere", safe=False)
    assert client.get_record("r1", collection="elsewhere")["data"]["n"] == 1


@pytest.mark.unbatched
def test_a_record_of_another_server_needs_to_be_told_where_to_go(anywhere, client, relay, bucket):
    client.create_record("r1")
    (record,) = anywhere.get_records(bucket=bucket, collection="tasks")
    with pytest.raises(KintoException, match="say in which collection"):
        anywhere.clone(server_url=relay.url).update_record(data=record)
    assert relay.seen() == []


@pytest.mark.unbatched
def test_a_record_without_a_home_needs_a_collection(anywhere):
    with pytest.raises(KintoException, match="'collection' is missing"):
        anywhere.update_record(data={"id": "r1"})


def test_a_copy_of_a_record_keeps_its_home():
    record = Record({"id": "r1"}, home=("http://server", "b", "c"))
    assert record.copy().home == record.home
    assert dict(record) == {"id": "r1"}


def test_records_are_all_deleted(small_pages):
    """Defect 7: the first page only; 12 records, 5 on a page, left 7."""
    for number in range(12):
        small_pages.create_record(f"r{number}")
    gone = small_pages.delete_records()
    assert {each["id"] for each in gone} == {f"r{number}" for number in range(12)}
    assert all(each["deleted"] for each in gone)
    assert small_pages.get_records() == []
    assert small_pages.delete_records() == []


def test_only_what_may_be_written_is_deleted(client, other, bucket):
    client.create_record("mine")
    assert [each["id"] for each in client.delete_records()] == ["mine"]


def test_a_record_in_a_collection_that_may_not_be_written_tells_where_to_look(stranger, client):
    with pytest.raises(KintoException, match="check that the collection exists") as raised:
        stranger.create_record("r")
    assert raised.value.response.status_code == 403


def test_where_a_record_is_not_the_service_tells_which(client):
    with pytest.raises(KintoException, match="404") as raised:
        client.get_record("missing")
    assert "missing" in str(raised.value)
    assert raised.value.response  # true, although it is an error (contract 1.13)
