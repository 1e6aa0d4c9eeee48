"""The `session=` hand-over: any object with such a `request` works (the contract's 1.5)."""

from __future__ import annotations

import asyncio
import threading
from unittest import mock

import pytest
import requests

from kinto_http import AsyncClient, Client, KintoException, Session, exceptions
from kinto_http.patch_type import JSONPatch
from restwright.testing import Reply, serve

ENVELOPE = {"data": {"id": "x", "last_modified": 1}, "permissions": {}}


class Recording:
    """A session that notes how it is called, and in which thread."""

    server_url = "http://h/v1"

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.calls = []
        self.threads = set()

    def request(self, method, endpoint, data=None, permissions=None, payload=None, headers=None, **kwargs):
        self.threads.add(threading.current_thread())
        given = {"data": data, "permissions": permissions, "payload": payload, "headers": headers, **kwargs}
        self.calls.append((method.upper(), endpoint, {name: value for name, value in given.items() if value}))
        outcome = self.outcomes.pop(0) if self.outcomes else (ENVELOPE, {})
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def over(mode, loop):
    """Calls an operation of a client over a session."""

    def over(session, name, *args, **kwargs):
        settings = {"session": session, "bucket": "b", "collection": "c"}
        if mode == "async":
            call = getattr(AsyncClient(**settings), name)
            return loop.run(_result_of(call(*args, **kwargs)))
        result = getattr(Client(**settings), name)(*args, **kwargs)
        return list(result) if name in ("records", "get_paginated_records") else result

    return over


async def _result_of(call):
    return [item async for item in call] if hasattr(call, "__aiter__") else await call


RECORDS = "/buckets/b/collections/c/records"
CALLS = {
    "server_info": ((), {}, ("GET", "/", {})),
    "get_buckets": ((), {"a": 1}, ("GET", "/buckets", {"params": {"a": 1}})),
    "get_group": (("g",), {}, ("GET", "/buckets/b/groups/g", {})),
    "get_collection": ((), {}, ("GET", "/buckets/b/collections/c", {})),
    "get_record": (("x",), {"_fields": "a"}, ("GET", f"{RECORDS}/x", {"params": {"_fields": "a"}})),
    "get_records_timestamp": ((), {}, ("HEAD", RECORDS, {})),
    "create_record": (
        ("x",),
        {"data": {"a": 1}, "permissions": {"read": ["y"]}},
        (
            "PUT",
            f"{RECORDS}/x",
            {"data": {"a": 1}, "permissions": {"read": ["y"]}, "headers": {"If-None-Match": "*"}},
        ),
    ),
    "update_record": (
        ("x",),
        {"data": {"a": 1}, "if_match": 7},
        ("PUT", f"{RECORDS}/x", {"data": {"a": 1}, "headers": {"If-Match": '"7"'}}),
    ),
    "patch_record": (
        ("x",),
        {"changes": JSONPatch([{"op": "remove", "path": "/data/a"}])},
        (
            "PATCH",
            f"{RECORDS}/x",
            {
                "payload": [{"op": "remove", "path": "/data/a"}],
                "headers": {"Content-Type": "application/json-patch+json"},
            },
        ),
    ),
    "delete_record": (("x",), {"if_match": 7}, ("DELETE", f"{RECORDS}/x", {"headers": {"If-Match": '"7"'}})),
    "delete_records": ((), {}, ("DELETE", RECORDS, {})),
    "get_permissions": ((), {}, ("GET", "/permissions", {"params": {"_sort": "id"}})),
    "get_history": ((), {}, ("GET", "/buckets/b/history", {})),
    "approve_changes": (
        (),
        {},
        (
            "PATCH",
            "/buckets/b/collections/c",
            {"payload": {"data": {"status": "to-sign"}}, "headers": {"Content-Type": "application/json"}},
        ),
    ),
    "remove_attachment": (("x",), {}, ("DELETE", f"{RECORDS}/x/attachment", {})),
}


@pytest.mark.unbatched
@pytest.mark.parametrize("name", CALLS)
def test_each_operation_asks_the_session(over, mode, name):
    args, kwargs, call = CALLS[name]
    is_list = name.endswith(("s", "history")) and name.startswith(("get_", "delete_"))
    body = {"data": []} if is_list else ENVELOPE
    session = Recording((body, {"ETag": '"7"'}))
    over(session, name, *args, **kwargs)
    assert session.calls == [call]
    # The event loop must not wait for it.
    assert (threading.main_thread() in session.threads) == (mode == "sync")


@pytest.mark.unbatched
@pytest.mark.parametrize("name", ["get_records", "records", "get_paginated_records"])
def test_a_listing_follows_its_pages(over, name):
    following = "http://h/v1/buckets/b/collections/c/records?_token=2"
    session = Recording(
        ({"data": [{"id": "1"}]}, {"Next-Page": following, "ETag": '"7"'}), ({"data": [{"id": "2"}]}, {"ETag": '"7"'})
    )
    found = over(session, name)
    ids = [item["id"] for each in found for item in (each["data"] if "paginated" in name else [each])]
    assert ids == ["1", "2"]
    assert [call[1] for call in session.calls] == [RECORDS, following]


@pytest.mark.unbatched
def test_header_fields_are_found_in_any_case(over):
    session = Recording((None, {"etag": '"7"'}))
    assert over(session, "get_records_timestamp") == "7"


@pytest.mark.unbatched
def test_what_comes_back_is_handed_on_as_it_is(over):
    answer = object()
    assert over(Recording((answer, {})), "update_record", "x", data={}) is answer


@pytest.mark.unbatched
@pytest.mark.parametrize("kind_", [requests.Timeout, requests.ReadTimeout, requests.ConnectionError])
@pytest.mark.parametrize("name", ["get_record", "update_record", "delete_record"])
def test_a_network_error_is_tried_twice(over, kind_, name):
    arguments = {"data": {}} if name == "update_record" else {}
    session = Recording(kind_("first"))
    over(session, name, "x", **arguments)
    assert len(session.calls) == 2
    session = Recording(kind_("first"), kind_("second"), kind_("third"))
    with pytest.raises(kind_, match="second") as raised:
        over(session, name, "x", **arguments)
    assert len(session.calls) == 2
    assert isinstance(raised.value, KintoException)
    assert raised.value.attempts == 2


@pytest.mark.unbatched
def test_a_kinto_exception_passes_as_it_is(over):
    error = exceptions.BackoffException("wait", 5)
    session = Recording(error)
    with pytest.raises(KintoException) as raised:
        over(session, "get_record", "x")
    assert raised.value is error
    assert len(session.calls) == 1


@pytest.mark.unbatched
def test_what_else_it_raises_passes_as_it_is(over):
    session = Recording(LookupError("own"))
    with pytest.raises(LookupError, match="own"):
        over(session, "get_record", "x")
    assert len(session.calls) == 1


def _refusal(status):
    error = KintoException(f"{status} - no")
    error.response = requests.Response()
    error.response.status_code = status
    error.request = requests.Request("GET", "http://h/v1/x").prepare()
    return error


@pytest.mark.unbatched
def test_its_refusals_are_understood(over):
    """A `requests.Response` of an error status is falsy."""
    with pytest.raises(exceptions.BucketNotFound):
        over(Recording(_refusal(404)), "get_bucket")
    with pytest.raises(exceptions.CollectionNotFound):
        over(Recording(_refusal(404)), "get_collection")
    assert over(Recording(_refusal(404)), "delete_record", "x", if_exists=True) is None
    assert over(Recording(_refusal(412)), "create_record", "x", if_not_exists=True) == ENVELOPE


@pytest.mark.unbatched
def test_a_file_is_uploaded_as_a_form(over, tmp_path):
    path = tmp_path / "f.png"
    path.write_bytes(b"abc")
    contents = []

    class Reading(Recording):
        def request(self, *args, files=(), **kwargs):
            contents.append([(name, (part[0], part[1].read(), *part[2:])) for name, part in files])
            return super().request(*args, **kwargs)

    session = Reading(requests.Timeout("first"))
    over(session, "add_attachment", "x", path, data={"a": 1})
    call = ("POST", f"{RECORDS}/x/attachment", {"data": '{"a": 1}'})
    assert session.calls == [call, call]
    assert contents == [[("attachment", ("f.png", b"abc", "image/png"))]] * 2


@pytest.mark.unbatched
@pytest.mark.parametrize("status", [200, 404])
def test_a_file_is_fetched_without_the_session(over, tmp_path, status):
    with serve(lambda request: Reply(status, content=b"abc")) as files:
        record = {"id": "x", "attachment": {"filename": "f", "location": f"{files.url}/f", "size": 3}}
        session = Recording(({"capabilities": {}}, {}))
        if status == 200:
            assert over(session, "download_attachment", record, tmp_path / "f") == str(tmp_path / "f")
            assert (tmp_path / "f").read_bytes() == b"abc"
        else:
            with pytest.raises(KintoException, match="404"):
                over(session, "download_attachment", record, tmp_path / "f")
            assert not (tmp_path / "f").exists()
        assert "Authorization" not in files.requests[0].headers


# --- batches ----------------------------------------------------------------------------------------------------------


def batch_of(mode, loop, session, fill, **settings):
    if mode == "sync":
        with Client(session=session, bucket="b", collection="c", **settings).batch() as batch:
            fill(batch)
        return batch

    async def run():
        async with AsyncClient(session=session, bucket="b", collection="c", **settings).batch() as batch:
            fill(batch)
        return batch

    return loop.run(run())


ROOT = ({"settings": {"batch_max_requests": 2}}, {})


def answers(*statuses):
    return {
        "responses": [{"status": status, "path": "/", "headers": {}, "body": {"n": status}} for status in statuses]
    }, {}


def three(batch):
    for number in range(3):
        batch.update_record(str(number), data={})


@pytest.mark.unbatched
def test_a_batch(mode, loop):
    session = Recording(ROOT, answers(200, 201), answers(202))
    batch = batch_of(mode, loop, session, three)
    assert [call[:2] for call in session.calls] == [("GET", "/"), ("POST", "/batch"), ("POST", "/batch")]
    assert session.calls[2][2]["payload"] == {
        "requests": [{"method": "PUT", "path": f"{RECORDS}/2", "body": {"data": {}}}]
    }
    assert batch.results() == [{"n": 200}, {"n": 201}, {"n": 202}]


@pytest.mark.unbatched
def test_a_batch_is_tried_twice_after_a_network_error(mode, loop):
    session = Recording(ROOT, requests.Timeout("first"), answers(200, 200), answers(200))
    batch_of(mode, loop, session, three)
    assert len(session.calls) == 4
    session = Recording(ROOT, requests.Timeout("first"), requests.Timeout("second"))
    with pytest.raises(requests.Timeout, match="second"):
        batch_of(mode, loop, session, three)
    assert len(session.calls) == 3


@pytest.mark.unbatched
def test_a_refusal_within_a_batch(mode, loop):
    with pytest.raises(exceptions.KintoBatchException) as raised:
        batch_of(mode, loop, Recording(ROOT, answers(200, 404), answers(200)), three)
    assert [error.response.status_code for error in raised.value.exceptions] == [404]


@pytest.mark.unbatched
def test_a_mock_that_answers_nothing_in_particular(mode, loop):
    """As in tests of people who do not care what comes back."""
    session = mock.MagicMock()
    session.request.return_value = ({"data": {}}, {})
    batch = batch_of(mode, loop, session, three)
    assert batch.results() == [{}, {}, {}]
    assert session.request.call_count == 2


# --- our own session, with a `request` of somebody else's -------------------------------------------------------------


@pytest.mark.unbatched
def test_a_patched_request_of_ours_is_asked(mode, loop):
    client = (AsyncClient if mode == "async" else Client)(server_url="http://h.invalid/v1", collection="c")
    with mock.patch.object(client.session, "request", return_value=(ENVELOPE, {})) as request:
        result = client.get_record("x")
        assert (loop.run(result) if mode == "async" else result) == ENVELOPE
    assert request.call_args.args == ("get", "/buckets/default/collections/c/records/x")


@pytest.mark.unbatched
def test_so_is_one_patched_in_the_class(mode, loop):
    client = (AsyncClient if mode == "async" else Client)(server_url="http://h.invalid/v1")
    with mock.patch("kinto_http.session.Session.request", return_value=(ENVELOPE, {})) as request:
        result = client.get_bucket("x")
        assert (loop.run(result) if mode == "async" else result) == ENVELOPE
    request.assert_called_once()


def test_so_is_one_of_a_subclass():
    class Counting(Session):
        count = 0

        def request(self, *args, **kwargs):
            self.count += 1
            return super().request(*args, **kwargs)

    with serve(lambda request: Reply(json=ENVELOPE)) as server, Counting(server.url, ("a", "b")) as session:
        assert Client(session=session).get_bucket() == ENVELOPE
        assert asyncio.run(AsyncClient(session=session).get_bucket()) == ENVELOPE
        assert session.count == 2
        assert len(server.requests) == 2


def test_a_session_may_be_put_in_later():
    client = Client(server_url="http://h.invalid/v1")
    client.session = Recording()
    assert client.get_bucket("x") == ENVELOPE
    assert client.clone(bucket="y").session is client.session
