import uuid

import pytest

from kinto_http import BucketNotFound, Client, KintoException
from kinto_http.patch_type import BasicPatch, JSONPatch, MergePatch
from restwright.testing import Reply


def test_a_bucket_is_created_read_and_deleted(client, new_id):
    created = client.create_bucket(id=new_id, data={"title": "Blog"}, permissions={"read": ["system.Everyone"]})
    assert created.keys() == {"data", "permissions"}
    assert created["data"]["title"] == "Blog"
    assert client.get_bucket(id=new_id)["data"] == created["data"]
    assert client.get_bucket(id=new_id)["permissions"]["read"] == ["system.Everyone"]
    gone = client.delete_bucket(id=new_id)
    assert (gone["id"], gone["deleted"]) == (new_id, True)
    assert gone["last_modified"] > created["data"]["last_modified"]
    with pytest.raises(BucketNotFound):
        client.get_bucket(id=new_id)


def test_the_clients_own_bucket_is_meant_where_none_is_named(client, bucket):
    assert client.get_bucket()["data"]["id"] == bucket
    assert client.update_bucket(data={"n": 1})["data"]["id"] == bucket
    assert client.patch_bucket(data={"m": 2})["data"] | {"last_modified": 0} == {
        "id": bucket,
        "n": 1,
        "m": 2,
        "last_modified": 0,
    }
    assert client.delete_bucket()["id"] == bucket
    assert client.create_bucket()["data"]["id"] == bucket


def test_the_id_may_be_in_the_data(client, new_id):
    assert client.create_bucket(data={"id": new_id})["data"]["id"] == new_id
    assert client.update_bucket(data={"id": new_id, "a": 1})["data"]["a"] == 1


def test_an_update_replaces_and_a_patch_adds(client, new_id):
    client.create_bucket(new_id, data={"a": 1})
    client.update_bucket(new_id, data={"b": 2})
    client.patch_bucket(new_id, data={"c": 3})
    data = client.get_bucket(new_id)["data"]
    assert {name: data[name] for name in data if len(name) == 1} == {"b": 2, "c": 3}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (BasicPatch({"a": {"z": 1}}), {"a": {"z": 1}, "b": [1]}),
        (MergePatch({"a": {"x": None, "z": 1}}), {"a": {"y": 2, "z": 1}, "b": [1]}),
        (JSONPatch([{"op": "add", "path": "/data/b/0", "value": 0}]), {"a": {"x": 1, "y": 2}, "b": [0, 1]}),
    ],
    ids=["basic", "merge", "json"],
)
def test_each_kind_of_patch(client, new_id, changes, expected):
    client.create_bucket(new_id, data={"a": {"x": 1, "y": 2}, "b": [1]})
    data = client.patch_bucket(new_id, changes=changes)["data"]
    assert {name: data[name] for name in ("a", "b")} == expected


def test_a_bucket_that_is_not_there_is_not_found(client, new_id):
    with pytest.raises(BucketNotFound) as raised:
        client.get_bucket(new_id)
    assert raised.value.message == new_id
    assert raised.value.response.status_code == 403  # the service does not tell strangers which buckets it has


def test_of_a_bucket_one_may_not_read_no_more_is_told(stranger, bucket):
    with pytest.raises(BucketNotFound):
        stranger.get_bucket(bucket)


def test_wrong_credentials_are_told_as_such(client, bucket):
    with pytest.raises(KintoException, match="authenticate or check your credentials") as raised:
        client.clone(auth=("alice", "wrong")).get_bucket(bucket)
    assert type(raised.value) is KintoException
    assert raised.value.response.status_code == 401


@pytest.mark.unbatched
@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_other_failures_of_get_bucket_stay_what_they_are(client, relay, status):
    """Defect 16: a server in trouble was told as a bucket that does not exist."""
    relay.meddle = lambda request, forward: Reply(status, json={"code": status})
    with pytest.raises(KintoException) as raised:
        client.clone(server_url=relay.url).get_bucket("any")
    assert not isinstance(raised.value, BucketNotFound)
    assert raised.value.response.status_code == status


def test_all_readable_buckets_are_listed(client, bucket, new_id):
    client.create_bucket(new_id, data={"n": 1})
    assert {each["id"] for each in client.get_buckets()} == {bucket, new_id}
    assert [each["id"] for each in client.get_buckets(n=1)] == [new_id]


@pytest.mark.unbatched
def test_buckets_are_listed_lazily(client, bucket, new_id):
    client.create_bucket(new_id)
    assert {each["id"] for each in client.buckets()} == {bucket, new_id}
    assert [each["id"] for each in client.buckets(id=new_id)] == [new_id]


def test_every_writable_bucket_is_deleted_and_no_other(small_pages, paginated_kinto):
    """Defect 7: the first page only."""
    user, password = f"user-{uuid.uuid4().hex}", uuid.uuid4().hex
    paginated_kinto.create_account(user, password)
    theirs = f"bucket-{uuid.uuid4().hex}"
    with Client(server_url=paginated_kinto.url, auth=(user, password)) as stranger:
        stranger.create_bucket(theirs, permissions={"read": ["system.Everyone"]})
        try:
            mine = {f"b{number}-{uuid.uuid4().hex}" for number in range(11)} | {small_pages.client.bucket_name}
            for name in mine:
                small_pages.create_bucket(name, safe=False)
            gone = small_pages.delete_buckets()
            assert {each["id"] for each in gone} == mine
            assert all(each["deleted"] for each in gone)
            assert [each["id"] for each in small_pages.get_buckets()] == [theirs]
        finally:
            stranger.delete_bucket(theirs)


def test_quotas_and_schemas_of_the_bucket_are_the_services_business(client, new_id):
    with pytest.raises(KintoException) as raised:
        client.create_bucket(new_id, permissions={"no-such": ["system.Everyone"]})
    assert raised.value.response.status_code == 400
