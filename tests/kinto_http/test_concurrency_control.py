import pytest

from kinto_http import KintoException
from kinto_http.client import AllOperations
from kinto_http.endpoints import Endpoints
from kinto_http.models import Record
from kinto_http.operations import Context
from kinto_http.patch_type import BasicPatch
from restwright.message import Response
from restwright.testing import play

STALE = 1234567890123


def refused(call, *args, **kwargs):
    with pytest.raises(KintoException) as raised:
        call(*args, **kwargs)
    assert raised.value.response.status_code == 412
    return str(raised.value)


@pytest.fixture
def stored(do, new_id):
    """What was created, as of its creation; it has been changed since."""
    created = do("create", new_id, data={"n": 1})["data"]
    do("patch", new_id, changes=BasicPatch({"n": 2}))
    return created


@pytest.fixture
def now(do, stored):
    """What is there now."""
    return do("get", stored["id"])["data"]


def test_what_exists_is_not_created_again(do, stored):
    assert "'existing':" in refused(do, "create", stored["id"], data={"n": 9})
    assert do("get", stored["id"])["data"]["n"] == 2


def test_what_exists_is_replaced_by_an_unsafe_creation(do, stored):
    assert do("create", stored["id"], data={"n": 9}, safe=False)["data"]["n"] == 9


def test_an_update_of_what_has_changed_is_refused(do, stored, now):
    refused(do, "update", data={**stored, "n": 9})
    assert do("update", data={**now, "n": 9})["data"]["n"] == 9


@pytest.mark.parametrize("form", [int, str, '"{}"'.format], ids=["number", "text", "quoted"])
def test_an_explicit_timestamp_counts_more_than_the_datas(do, stored, now, form):
    refused(do, "update", data=now, if_match=form(stored["last_modified"]))
    assert do("update", stored["id"], data={"n": 9}, if_match=form(now["last_modified"]))["data"]["n"] == 9


def test_without_a_timestamp_an_update_overwrites(do, stored):
    """Defect 17, kept for compatibility: `safe` has nothing to compare with."""
    assert do("update", stored["id"], data={"n": 9})["data"]["n"] == 9


def test_an_unsafe_update_overwrites_whatever_timestamps_say(do, stored):
    """Defect 17, kept for compatibility and documented: also an explicit `if_match` is not sent."""
    assert do("update", stored["id"], data={"n": 9}, if_match=STALE, safe=False)["data"]["n"] == 9


def test_a_patch_of_what_has_changed_is_refused(do, stored, now):
    changes = BasicPatch({"m": 1})
    refused(do, "patch", original=stored, changes=changes)
    refused(do, "patch", stored["id"], changes=changes, if_match=stored["last_modified"])
    refused(do, "patch", data={**stored, "m": 1})
    refused(do, "patch", original=now, changes=changes, if_match=STALE)
    assert do("patch", original=stored, changes=changes, safe=False)["data"]["m"] == 1


def test_a_patch_of_what_has_not_changed_is_done(do, stored, now):
    patched = do("patch", original=now, changes=BasicPatch({"m": 1}))["data"]
    assert (patched["n"], patched["m"]) == (2, 1)
    assert (
        do("patch", original=stored, changes=BasicPatch({"m": 2}), if_match=patched["last_modified"])["data"]["m"] == 2
    )


def test_a_deletion_of_what_has_changed_is_refused(do, stored, now):
    refused(do, "delete", stored["id"], if_match=stored["last_modified"])
    assert do("delete", stored["id"], if_match=now["last_modified"])["deleted"] is True


def test_an_unsafe_deletion_is_done(do, stored):
    assert do("delete", stored["id"], if_match=STALE, safe=False)["deleted"] is True


def test_if_exists_does_not_hide_a_change(do, stored):
    refused(do, "delete", stored["id"], if_match=stored["last_modified"], if_exists=True)


@pytest.mark.parametrize("many", ["records", "groups", "collections"])
def test_a_list_that_has_changed_is_not_deleted(client, many):
    one = many[:-1]
    getattr(client, f"create_{one}")("a")
    before = getattr(client, f"get_{many}")().timestamp
    getattr(client, f"create_{one}")("b")
    delete_all = getattr(client, f"delete_{many}")
    refused(delete_all, if_match=before)
    assert {"a", "b"} <= {each["id"] for each in getattr(client, f"get_{many}")()}
    now = getattr(client, f"get_{many}")().timestamp
    assert {"a", "b"} <= {each["id"] for each in delete_all(if_match=now)}


def test_all_pages_of_a_list_that_has_not_changed_are_deleted(small_pages):
    """The deletion of the first page is itself a change: later pages are not guarded."""
    for number in range(8):
        small_pages.create_record(f"r{number}")
    now = small_pages.get_records().timestamp
    assert len(small_pages.delete_records(if_match=now)) == 8


def test_history_that_has_changed_is_not_purged(client):
    client.create_record("r")
    before = client.get_history().timestamp
    client.create_record("s")
    refused(client.purge_history, if_match=before)
    assert client.purge_history(if_match=before, safe=False)


# --- by hand: what is sent ----------------------------------------------------------------------------------------

OPERATIONS = AllOperations(Context(Endpoints(), "b", "c"))
OBJECT = Response(200, json={"data": {"id": "x"}, "permissions": {}})


def sent(plan):
    asked = []
    play(plan, OBJECT, asked=asked)
    return asked[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, None),
        ({"data": {"last_modified": 5}}, '"5"'),
        ({"data": {"last_modified": 5}, "if_match": 6}, '"6"'),
        ({"data": {"last_modified": 5}, "if_match": '"6"'}, '"6"'),
        ({"data": {"data": {"last_modified": 5}, "permissions": {}}}, '"5"'),
        ({"data": {"last_modified": 5}, "if_match": 6, "safe": False}, None),
        ({"data": Record({"last_modified": 5})}, '"5"'),
    ],
)
@pytest.mark.parametrize("name", ["update_bucket", "update_group", "update_collection", "update_record"])
def test_which_timestamp_an_update_sends(name, arguments, expected):
    assert sent(getattr(OPERATIONS, name)("x", **arguments)).header("If-Match") == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"original": {"id": "x", "last_modified": 5}}, '"5"'),
        ({"original": {"id": "x", "last_modified": 5}, "data": {"last_modified": 4}}, '"5"'),
        ({"data": {"id": "x", "last_modified": 4}}, '"4"'),
        ({"original": {"id": "x", "last_modified": 5}, "if_match": 6}, '"6"'),
        ({"original": {"id": "x", "last_modified": 5}, "if_match": 6, "safe": False}, None),
        ({"original": {"data": {"id": "x", "last_modified": 5}, "permissions": {}}}, '"5"'),
    ],
)
@pytest.mark.parametrize("name", ["patch_bucket", "patch_group", "patch_collection", "patch_record"])
def test_which_timestamp_a_patch_sends(name, arguments, expected):
    request = sent(getattr(OPERATIONS, name)(changes=BasicPatch({"a": 1}), **arguments))
    assert request.header("If-Match") == expected
    assert request.json == {"data": {"a": 1}}
    assert request.url.endswith("/x")


def test_an_old_style_patch_sends_its_data_whole():
    request = sent(OPERATIONS.patch_record(data={"id": 5, "last_modified": 4, "a": 1}, permissions={"read": []}))
    assert request.json == {"data": {"id": "5", "last_modified": 4, "a": 1}, "permissions": {"read": []}}
    assert request.header("Content-Type") == "application/json"


@pytest.mark.parametrize("name", ["create_bucket", "create_group", "create_collection", "create_record"])
def test_a_creation_is_guarded_unless_told_otherwise(name):
    assert sent(getattr(OPERATIONS, name)("x")).header("If-None-Match") == "*"
    assert sent(getattr(OPERATIONS, name)("x", safe=False)).header("If-None-Match") is None


def test_a_deletion_sends_no_body():
    """Defect 19."""
    assert sent(OPERATIONS.delete_record("x")).body() is None
