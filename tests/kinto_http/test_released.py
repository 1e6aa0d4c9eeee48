"""What programs written for the released package do, and how it answered them."""

from __future__ import annotations

import copy
from unittest import mock

import pytest

from kinto_http import AsyncClient, Client, Session
from kinto_http.batch import BatchSession
from restwright.testing import Reply, serve

ENVELOPE = {"data": {"id": "x", "last_modified": 1}, "permissions": {}}
ROOT = {"settings": {"batch_max_requests": 25}}


@pytest.fixture
def session():
    session = mock.MagicMock(server_url="http://h/v1")
    session.request.return_value = (ENVELOPE, {})
    return session


@pytest.fixture
def over(session):
    return Client(session=session, bucket="b", collection="c")


def test_a_copy_has_places_of_its_own(over, session):
    other = copy.copy(over)
    other.bucket_name, other.collection_name = "other", "things"
    assert (over.bucket_name, over.collection_name, other.session) == ("b", "c", session)
    other.get_record(id="x")
    over.get_record(id="x")
    assert [call.args[1] for call in session.request.call_args_list] == [
        "/buckets/other/collections/things/records/x",
        "/buckets/b/collections/c/records/x",
    ]


def test_clients_of_all_kinds_are_clients(over, session):
    session.request.return_value = (ROOT, {})
    with over.batch() as batch:
        assert isinstance(batch, Client)
    assert isinstance(AsyncClient(session=session), Client)
    assert issubclass(AsyncClient, Client)
    assert not isinstance(over, AsyncClient)


RECORDS = "/buckets/b/collections/c/records"
LISTED = {"data": [{"id": "x"}]}
CALLS = [
    ("server_info", {}, ROOT, mock.call("get", "/")),
    ("get_record", {"id": "x"}, ENVELOPE, mock.call("get", f"{RECORDS}/x", params={})),
    ("get_bucket", {"_since": 4}, ENVELOPE, mock.call("get", "/buckets/b", params={"_since": 4})),
    ("get_buckets", {}, LISTED, mock.call("get", "/buckets", params={}, headers={})),
    (
        "get_records",
        {"in_id": ["a", "b"], "has_x": True, "_limit": 3},
        LISTED,
        mock.call("get", RECORDS, params={"in_id": ["a", "b"], "has_x": True, "_limit": 3}, headers={}),
    ),
    ("get_history", {"_sort": "x"}, LISTED, mock.call("get", "/buckets/b/history", params={"_sort": "x"}, headers={})),
    (
        "get_permissions",
        {"exclude_resource_names": ("a", "b")},
        LISTED,
        mock.call("get", "/permissions", params={"_sort": "id", "exclude_resource_name": "a,b"}),
    ),
]


@pytest.mark.parametrize(("name", "arguments", "answer", "call"), CALLS)
def test_a_session_is_given_the_parameters_as_they_are(over, session, name, arguments, answer, call):
    session.request.return_value = (answer, {})
    getattr(over, name)(**arguments)
    assert session.request.call_args_list == [call]


def test_the_pages_of_a_list_are_asked_of_the_session_alike(over, session):
    session.request.side_effect = [(LISTED, {"Next-Page": "http://h/v1/n"}), (LISTED, {})]
    over.get_records()
    assert session.request.call_args_list == [
        mock.call("get", RECORDS, params={}, headers={}),
        mock.call("get", "http://h/v1/n", params={}, headers={}),
    ]


def test_a_file_is_given_to_the_session_with_the_record(over, session, tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(b"hello")
    over.add_attachment("x", str(path), data={"a": 1})
    call = session.request.call_args
    assert call.args == ("post", f"{RECORDS}/x/attachment")
    ((name, (filename, _, kind)),) = call.kwargs.pop("files")
    assert (name, filename, kind) == ("attachment", "note.txt", "text/plain")
    assert call.kwargs == {"data": '{"a": 1}', "permissions": None}


class Passing(Session):
    """Looks at what goes by."""

    def request(self, method, endpoint, *args, **kwargs):
        return super().request(method, endpoint, *args, **kwargs)


def test_a_session_that_passes_on_encodes_once():
    with serve(lambda request: Reply(200, json={"data": []})) as server:
        client = Client(session=Passing(server.url), collection="c")
        client.get_records(in_title="t", exclude_id=(each for each in ("a", "b")), _fields=["id"], _since=4)
        (request,) = server.requests
    assert request.query == {
        "in_title": ["t,"],
        "exclude_id": ["a,b"],
        "_fields": ["id,deleted"],
        "_since": ["4"],
    }


def test_the_names_to_leave_out_end_in_a_comma():
    with serve(lambda request: Reply(200, json={"data": []})) as server, Client(server_url=server.url) as client:
        client.get_permissions(exclude_resource_names=("a", "b"))
        (request,) = server.requests
    assert request.query["exclude_resource_name"] == ["a,b,"]


def test_a_limit_of_permissions_is_one_page(over, session):
    session.request.return_value = (LISTED, {"Next-Page": "http://h/v1/n"})
    assert over.get_permissions(params={"_limit": 1}) == LISTED["data"]
    assert session.request.call_count == 1


def test_an_empty_timestamp_is_none(over, session):
    over.update_record(id="x", data={"last_modified": ""})
    assert session.request.call_args.kwargs["headers"] is None


def test_a_head_has_no_body_whatever_stands_in_for_the_answer():
    with mock.patch("kinto_http.session.requests") as stand_in:
        answer = mock.MagicMock(status_code=200, headers={})
        answer.json.return_value = {"data": {}}
        stand_in.Session.return_value.request.return_value = answer
        session = Session("https://h/v1")
        assert session.request("head", "/test") == (None, {})
        assert session.request("get", "/test") == ({"data": {}}, {})


def test_what_was_not_sent_has_no_results(over):
    queue = BatchSession(over)
    queue.request("GET", "/")
    assert queue.results() == []


def test_auth_counts_more_than_a_header_field_of_the_session():
    with serve(lambda request: Reply(200, json={})) as server:
        settings = {"server_url": server.url, "headers": {"authorization": "Token t"}}
        for auth in ("u:p", None):
            with Client(auth=auth, **settings) as client:
                client.server_info()
        told = [request.headers["Authorization"] for request in server.requests]
    assert told == ["Basic dTpw", "Token t"]
