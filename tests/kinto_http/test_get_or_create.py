import pytest

from kinto_http import BucketNotFound, KintoException


def test_what_exists_is_returned_as_it_is(do, new_id):
    """Defect 24: in a batch it was counted as a failure."""
    first = do("create", new_id, data={"n": 1}, if_not_exists=True)
    assert do("create", new_id, data={"n": 2}, if_not_exists=True) == do("get", new_id)
    assert do("get", new_id)["data"] == first["data"]


def test_what_does_not_exist_is_created(do, new_id):
    assert do("create", data={"id": new_id, "n": 1}, if_not_exists=True)["data"]["n"] == 1


def test_what_does_not_exist_need_not_be_deleted(do, new_id):
    """Defect 24: in a batch it was counted as a failure."""
    assert do("delete", new_id, if_exists=True) is None
    with pytest.raises(KintoException) as raised:
        do("delete", new_id)
    assert raised.value.response.status_code in (403, 404)


def test_what_exists_is_deleted(do, new_id):
    do("create", new_id)
    assert do("delete", new_id, if_exists=True)["id"] == new_id
    assert do("delete", new_id, if_exists=True) is None


def test_other_errors_of_a_creation_stay_errors(do, new_id, kind):
    with pytest.raises(KintoException) as raised:
        do("create", new_id, permissions={"no such": []}, if_not_exists=True)
    assert raised.value.response.status_code == 400


def test_that_something_may_not_be_deleted_is_not_hidden(client, stranger):
    with pytest.raises(KintoException) as raised:
        stranger.delete_collection("tasks", if_exists=True)
    assert raised.value.response.status_code == 403
    assert client.get_collection("tasks")["data"]["id"] == "tasks"


def test_a_bucket_that_is_anothers_is_not_made_ones_own(client, stranger, bucket):
    """The service answers 403 to the creation itself (an older one 412, and then BucketNotFound)."""
    with pytest.raises(KintoException) as raised:
        stranger.create_bucket(bucket, if_not_exists=True)
    assert raised.value.response.status_code == 403


@pytest.mark.unbatched
def test_a_bucket_that_is_there_but_may_not_be_read_is_not_found(client, relay, bucket, new_id):
    from restwright.testing import Reply

    client.create_bucket(new_id)
    relay.meddle = lambda request, forward: Reply(403, json={"code": 403}) if request.method == "GET" else forward()
    with pytest.raises(BucketNotFound):
        client.clone(server_url=relay.url).create_bucket(new_id, if_not_exists=True)


@pytest.mark.unbatched
def test_in_one_request_if_it_does_not_exist_and_two_if_it_does(client, relay):
    relayed = client.clone(server_url=relay.url)
    for requests in (["PUT"], ["PUT", "PUT", "GET"]):
        relayed.create_record("r", if_not_exists=True)
        assert [each.method for each in relay.seen()] == requests
