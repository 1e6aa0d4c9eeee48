import pytest

from kinto_http import KintoException
from kinto_http.exceptions import MissingIdException
from kinto_http.patch_type import JSONPatch, MergePatch


def test_a_group_is_created_read_and_deleted(client, bucket):
    created = client.create_group(
        id="friends", data={"members": ["ldap:ann"]}, permissions={"read": ["system.Everyone"]}
    )
    assert created["data"]["members"] == ["ldap:ann"]
    assert client.get_group(id="friends") == client.get_group("friends", bucket=bucket)
    assert client.get_group(id="friends")["permissions"]["read"] == ["system.Everyone"]
    assert client.delete_group(id="friends")["deleted"] is True
    with pytest.raises(KintoException) as raised:
        client.get_group(id="friends")
    assert raised.value.response.status_code == 404


def test_members_come_and_go(client):
    client.create_group("friends", data={"members": ["ann"]})
    client.patch_group("friends", changes=JSONPatch([{"op": "add", "path": "/data/members/0", "value": "bob"}]))
    assert client.get_group("friends")["data"]["members"] == ["bob", "ann"]
    client.update_group(data={"id": "friends", "members": []})
    assert client.get_group("friends")["data"]["members"] == []


def test_a_member_may_do_what_the_group_may(client, stranger, kinto, bucket):
    member = stranger.server_info()["user"]["id"]
    client.create_group("friends", data={"members": [member]})
    client.patch_bucket(permissions={"read": [f"/buckets/{bucket}/groups/friends"]})
    assert stranger.get_bucket(bucket)["data"]["id"] == bucket


def test_groups_are_listed_and_filtered(client):
    for name in ("b", "a", "c"):
        client.create_group(name, data={"members": [name]})
    assert [each["id"] for each in client.get_groups(_sort="id")] == ["a", "b", "c"]
    assert [each["id"] for each in client.get_groups(contains_members="b")] == ["b"]


@pytest.mark.unbatched
def test_groups_are_listed_lazily(client):
    for name in ("b", "a"):
        client.create_group(name)
    assert [each["id"] for each in client.groups(_sort="id")] == ["a", "b"]


def test_a_group_is_read_with_query_parameters_too(client):
    """Defect 46: `get_group` took none."""
    client.create_group("friends", data={"members": ["ann"], "colour": "red"})
    assert client.get_group("friends", _fields=["colour"])["data"]["colour"] == "red"


@pytest.mark.parametrize("verb", ["create", "update", "patch"])
def test_a_group_has_no_default_id(client, verb):
    """Defect 46: `patch_group` told of a path, the others of a key."""
    with pytest.raises(MissingIdException, match="need an id") as raised:
        getattr(client, f"{verb}_group")(data={"members": []})
    assert isinstance(raised.value, (KintoException, KeyError))


def test_groups_are_all_deleted(small_pages):
    """Defect 7: the first page only."""
    for number in range(12):
        small_pages.create_group(f"g{number}")
    assert len(small_pages.delete_groups()) == 12
    assert small_pages.get_groups() == []


def test_a_merge_patch_removes_a_field(client):
    client.create_group("friends", data={"members": [], "colour": "red"})
    assert "colour" not in client.patch_group("friends", changes=MergePatch({"colour": None}))["data"]


@pytest.mark.unbatched
def test_a_group_in_a_bucket_that_is_not_there_tells_where_to_look(client, new_id):
    with pytest.raises(KintoException, match="check that the bucket exists") as raised:
        client.create_group("friends", bucket=new_id)
    assert raised.value.response.status_code == 403
    assert raised.value.request.method == "PUT"
