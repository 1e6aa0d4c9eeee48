import pytest

from kinto_http import CollectionNotFound, KintoException
from kinto_http.patch_type import JSONPatch


def test_a_collection_is_created_read_and_deleted(client, bucket):
    created = client.create_collection(
        id="notes", data={"displayFields": ["a"]}, permissions={"read": ["system.Everyone"]}
    )
    assert created["data"]["displayFields"] == ["a"]
    assert client.get_collection(id="notes") == client.get_collection("notes", bucket=bucket)
    assert client.get_collection("notes")["permissions"]["read"] == ["system.Everyone"]
    assert client.delete_collection(id="notes")["deleted"] is True
    with pytest.raises(CollectionNotFound) as raised:
        client.get_collection("notes")
    assert raised.value.message == "notes"
    assert raised.value.response.status_code == 404


def test_the_clients_own_collection_is_meant_where_none_is_named(client):
    assert client.get_collection()["data"]["id"] == "tasks"
    assert client.update_collection(data={"n": 1})["data"]["id"] == "tasks"
    assert client.patch_collection(data={"m": 2})["data"].items() >= {"n": 1, "m": 2, "id": "tasks"}.items()
    assert client.delete_collection()["id"] == "tasks"
    assert client.create_collection()["data"]["id"] == "tasks"


def test_a_collection_that_may_not_be_read_is_not_said_to_be_missing(client, stranger):
    with pytest.raises(KintoException) as raised:
        stranger.get_collection("tasks")
    assert not isinstance(raised.value, CollectionNotFound)
    assert raised.value.response.status_code == 403


def test_an_update_replaces_and_a_patch_adds(client):
    client.update_collection("tasks", data={"a": 1})
    client.update_collection("tasks", data={"b": [1]})
    client.patch_collection("tasks", changes=JSONPatch([{"op": "add", "path": "/data/b/-", "value": 2}]))
    data = client.get_collection("tasks")["data"]
    assert "a" not in data
    assert data["b"] == [1, 2]


def test_collections_are_listed_and_filtered(client):
    for name in ("b", "a"):
        client.create_collection(name, data={"colour": name})
    assert [each["id"] for each in client.get_collections(_sort="id")] == ["a", "b", "tasks"]
    assert [each["id"] for each in client.get_collections(colour="b")] == ["b"]


@pytest.mark.unbatched
def test_collections_are_listed_lazily(client):
    client.create_collection("a")
    assert [each["id"] for each in client.collections(_sort="id")] == ["a", "tasks"]


def test_collections_are_all_deleted(small_pages):
    """Defect 7: the first page only."""
    for number in range(11):
        small_pages.create_collection(f"c{number}")
    gone = small_pages.delete_collections()
    assert {each["id"] for each in gone} == {"tasks", *(f"c{number}" for number in range(11))}
    assert small_pages.get_collections() == []


def test_records_are_checked_by_the_collections_schema(client):
    client.update_collection(data={"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}})
    assert client.create_record(data={"n": 1})["data"]["n"] == 1


@pytest.mark.unbatched
def test_a_collection_in_a_bucket_that_is_not_there_tells_where_to_look(client, new_id):
    with pytest.raises(KintoException, match="check that the bucket exists") as raised:
        client.create_collection("notes", bucket=new_id)
    assert raised.value.response.status_code == 403


def test_what_is_in_a_deleted_collection_is_gone_and_so_is_its_remembered_timestamp(client):
    client.create_record("r")
    before = client.get_records_timestamp()
    client.delete_collection()
    client.create_collection()
    client.create_record("r2")
    assert int(client.get_records_timestamp()) > int(before)
    assert [each["id"] for each in client.get_records()] == ["r2"]
