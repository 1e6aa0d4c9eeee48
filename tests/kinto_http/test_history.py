import pytest


@pytest.fixture
def eventful(client):
    """A client whose bucket has a history."""
    client.create_record("r", data={"n": 1})
    client.patch_record("r", data={"n": 2})
    client.create_group("g", data={"members": ["ann"]})
    client.delete_record("r")
    return client


def test_the_newest_comes_first(eventful, bucket, account):
    entries = eventful.get_history()
    assert [(each["action"], each["resource_name"]) for each in entries] == [
        ("delete", "record"),
        ("create", "group"),
        ("update", "record"),
        ("create", "record"),
        ("create", "collection"),
        ("create", "bucket"),
    ]
    changed = entries[2]
    assert changed["uri"] == f"/buckets/{bucket}/collections/tasks/records/r"
    assert changed["user_id"] == f"account:{account[0]}"
    assert (changed["collection_id"], changed["record_id"]) == ("tasks", "r")
    assert changed["target"]["data"]["n"] == 2
    assert changed["target"]["permissions"]["write"] == [f"account:{account[0]}"]
    assert entries[1]["group_id"] == "g"


def test_filters_of_each_kind(eventful, bucket):
    assert len(eventful.get_history(bucket=bucket, resource_name="record")) == 3
    assert [each["action"] for each in eventful.get_history(_sort="last_modified", resource_name="record")] == [
        "create",
        "update",
        "delete",
    ]
    entries = eventful.get_history()
    stamp = entries[3]["last_modified"]
    assert eventful.get_history(_since=stamp) == entries[:3]
    assert eventful.get_history(_since=str(stamp), _before=str(entries[0]["last_modified"])) == entries[1:3]
    assert eventful.get_history(_limit=2) == entries[:2]
    assert eventful.get_history(_limit=2, pages=float("inf")) == entries
    assert eventful.get_history(in_action=["delete", "update"]) == [entries[0], entries[2]]


def test_it_is_read_again_only_if_it_has_changed(eventful):
    entries = eventful.get_history()
    again = eventful.get_history(if_none_match=entries.timestamp)
    assert again == []
    assert again.not_modified
    assert again.timestamp == entries.timestamp


@pytest.mark.unbatched
def test_it_is_read_lazily(eventful):
    assert list(eventful.history()) == eventful.get_history()
    assert [each["action"] for each in eventful.history(resource_name="group")] == ["create"]


def test_all_pages_are_purged(small_pages):
    """Defect 7: the first page only."""
    for number in range(12):
        small_pages.create_record(f"r{number}")
    before = {each["id"] for each in small_pages.get_history()}
    assert len(before) == 14
    gone = small_pages.purge_history()
    assert {each["id"] for each in gone} == before
    assert small_pages.get_history() == []


def test_what_filters_select_is_purged(small_pages, bucket):
    for number in range(7):
        small_pages.create_record(f"r{number}")
        small_pages.delete_record(f"r{number}")
    assert len(small_pages.purge_history(resource_name="record", action="create")) == 7
    left = [(each["resource_name"], each["action"]) for each in small_pages.get_history()]
    assert sorted(set(left)) == [("bucket", "create"), ("collection", "create"), ("record", "delete")]
    assert len(left) == 9


def test_a_purge_of_another_bucket(eventful, new_id):
    eventful.create_bucket(new_id)
    assert len(eventful.purge_history(bucket=new_id)) == 1
    assert len(eventful.get_history()) == 6
