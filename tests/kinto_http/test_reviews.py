import pytest

from kinto_http import KintoException
from kinto_http.client import AllOperations
from kinto_http.endpoints import Endpoints
from kinto_http.operations import Context
from restwright.message import Response
from restwright.testing import play


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("request_review", ["please look"], {"status": "to-review", "last_editor_comment": "please look"}),
        ("decline_changes", ["no"], {"status": "work-in-progress", "last_reviewer_comment": "no"}),
        ("approve_changes", [], {"status": "to-sign"}),
        ("rollback_changes", ["oops"], {"status": "to-rollback", "last_editor_comment": "oops"}),
    ],
)
def test_each_step_of_a_review_sets_the_collections_status(client, bucket, name, arguments, expected):
    """Defect 31: awaiting them did nothing.  Without the signer plugin the service just keeps the fields."""
    step = getattr(client, name)
    assert step(*arguments)["data"].items() >= expected.items()
    assert client.get_collection()["data"].items() >= expected.items()
    client.create_collection("notes")
    assert (
        step(*arguments, id="notes", bucket=bucket, data={"more": 1})["data"].items() >= {**expected, "more": 1}.items()
    )


def test_a_step_may_be_guarded(client):
    before = client.get_collection()["data"]["last_modified"]
    client.request_review("one", if_match=before)
    with pytest.raises(KintoException) as raised:
        client.request_review("two", if_match=before)
    assert raised.value.response.status_code == 412
    assert client.get_collection()["data"]["last_editor_comment"] == "one"


def test_a_service_without_the_plugin_has_no_changesets(client):
    with pytest.raises(KintoException) as raised:
        client.get_changeset()
    assert raised.value.response.status_code == 404


CHANGESET = {"timestamp": 5, "changes": [], "metadata": {}}


def asked(*args, **kwargs):
    requests = []
    plan = AllOperations(Context(Endpoints(), "b", "c")).get_changeset(*args, **kwargs)
    assert play(plan, Response(200, json=CHANGESET), asked=requests) == CHANGESET
    return requests[0]


def test_how_a_changeset_is_asked_for():
    assert asked().url == "/buckets/b/collections/c/changeset"
    assert asked("x", "y").url == "/buckets/x/collections/y/changeset"
    assert asked().params == {"_expected": "0"}
    assert asked(_since='"3"', _expected=7, bust_cache=True).params == {"_expected": "7", "_since": '"3"'}


def test_caches_do_not_know_the_next_changeset():
    seen = {asked(bust_cache=True).params["_expected"] for _ in range(50)}
    assert len(seen) > 40
    assert all(999999000000 <= int(each) <= 999999999999 for each in seen)
