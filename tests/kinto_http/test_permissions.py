import pytest


def test_every_object_is_told_on_all_pages(small_pages):
    """Defect 8: the first page only."""
    for number in range(7):
        small_pages.create_collection(f"c{number}")
        small_pages.create_record("the-same", collection=f"c{number}")
        small_pages.create_record(f"r{number}", collection=f"c{number}")
    found = small_pages.get_permissions()
    assert {each["uri"].rpartition("/buckets/")[2].partition("/")[2] for each in found} >= {
        f"collections/c{number}{rest}"
        for number in range(7)
        for rest in ("", "/records/the-same", f"/records/r{number}")
    }
    uris = [each["uri"] for each in found]
    assert len(uris) == len(set(uris))


def test_kinds_of_objects_can_be_left_out(client, bucket):
    client.create_record("r")
    client.create_group("g")
    all_kinds = {each["resource_name"] for each in client.get_permissions()}
    assert all_kinds >= {"bucket", "group", "collection", "record"}
    assert {each["resource_name"] for each in client.get_permissions(("record", "group"))} == all_kinds - {
        "record",
        "group",
    }
    without = client.get_permissions(exclude_resource_names=["record"])
    assert {each["resource_name"] for each in without} == all_kinds - {"record"}


def test_what_an_entry_tells(client, bucket):
    client.create_record("r")
    uri = f"/buckets/{bucket}/collections/tasks/records/r"
    (entry,) = [each for each in client.get_permissions() if each["uri"] == uri]
    assert entry["resource_name"] == "record"
    assert (entry["id"], entry["bucket_id"], entry["collection_id"], entry["record_id"]) == ("r", bucket, "tasks", "r")
    assert set(entry["permissions"]) == {"read", "write"}


def test_an_entry_has_no_parents_that_its_kind_has_not(client, bucket):
    """The documented `p["collection_id"] == ...` over all entries, buckets among them."""
    permissions = client.get_permissions(exclude_resource_names=("record",))
    assert any(p for p in permissions if p["collection_id"] == "tasks" and "write" in p["permissions"])
    (of_bucket,) = [p for p in permissions if p["uri"] == f"/buckets/{bucket}"]
    assert of_bucket["collection_id"] is None
    assert "collection_id" not in of_bucket
    with pytest.raises(KeyError):
        of_bucket["colection_id"]


@pytest.mark.unbatched
def test_further_parameters_go_to_the_request(client, relay):
    relayed = client.clone(server_url=relay.url)
    found = relayed.get_permissions(params={"_sort": "-uri", "resource_name": "collection"}, timeout=30)
    assert [each["id"] for each in found] == ["tasks"]
    assert relay.seen()[-1].query == {"_sort": ["-uri"], "resource_name": ["collection"]}
    relayed.get_permissions()
    assert relay.seen()[-1].query == {"_sort": ["id"]}


def test_who_writes_may_write(client, account):
    created = client.create_record("r", permissions={"read": ["system.Everyone"]})
    assert created["permissions"] == {"read": ["system.Everyone"], "write": [f"account:{account[0]}"]}


def test_a_reader_is_not_told_who_else_may(client, stranger):
    client.create_record("r", permissions={"read": ["system.Everyone"]})
    assert stranger.get_record("r")["permissions"] == {}


def test_permissions_that_convert_themselves(client):
    class Readers:
        def as_dict(self):
            return {"read": ["system.Everyone"]}

    assert client.create_record("r", permissions=Readers())["permissions"]["read"] == ["system.Everyone"]
    assert client.update_record("r", permissions=Readers())["permissions"]["read"] == ["system.Everyone"]
