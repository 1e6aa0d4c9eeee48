"""What programs written for the released package do, and how it answered them."""

from __future__ import annotations

import asyncio
import copy
import functools
from unittest import mock

import pytest
import requests

from kinto_http import AsyncClient, Client, KintoException, Session
from kinto_http.batch import BatchSession
from kinto_http.constants import USER_AGENT
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


# --- a stand-in for `requests` itself --------------------------------------------------------------------------------

ANSWERS = {"status_code": 200, "headers": {}, "json.return_value": ENVELOPE}
AGENT = {"User-Agent": USER_AGENT}
JSON = {**AGENT, "Content-Type": "application/json"}
SENT = [
    (("get", "/x"), {}, {"headers": AGENT}),
    (("GET", "/x"), {"params": {"a": 1, "in_b": ["c"]}}, {"params": {"a": "1", "in_b": "c"}, "headers": AGENT}),
    (("head", "/x"), {"headers": {"If-None-Match": '"5"'}}, {"headers": {**AGENT, "If-None-Match": '"5"'}}),
    (("put", "/x"), {"data": {"a": 1}}, {"data": '{"data": {"a": 1}}', "headers": JSON}),
    (("post", "/x"), {"payload": {"a": 1}, "timeout": 3}, {"data": '{"a": 1}', "headers": JSON, "timeout": 3}),
    (
        ("patch", "/x"),
        {"payload": [{"op": "add"}], "headers": {"Content-Type": "application/json-patch+json"}},
        {"data": '[{"op": "add"}]', "headers": {**AGENT, "Content-Type": "application/json-patch+json"}},
    ),
    (("delete", "/x"), {}, {"headers": AGENT}),
    (
        ("post", "/x"),
        {"files": [("a", ("name", b"content", "text/plain"))], "payload": {"data": "{}"}},
        {"files": [("a", ("name", b"content", "text/plain"))], "data": {"data": "{}"}, "headers": AGENT},
    ),
]


@pytest.fixture(params=["kinto_http.session.requests", "kinto_http.session.requests.Session"])
def stand_in(request):
    """The `request` of what a session of `requests` is for its users."""
    with mock.patch(request.param) as patched:
        made = patched.return_value if request.param.endswith("Session") else patched.Session.return_value
        made.request.return_value = mock.MagicMock(**ANSWERS)
        yield made.request


@pytest.mark.parametrize(("args", "kwargs", "sent"), SENT)
def test_a_stand_in_for_requests_is_given_what_is_sent_and_no_more(stand_in, args, kwargs, sent):
    Session("https://h/v1").request(*args, **kwargs)
    assert stand_in.call_args_list == [mock.call(args[0], "https://h/v1/x", **sent)]


def test_it_is_given_the_settings_of_the_session_for_its_server_alone(stand_in):
    session = Session("https://h/v1", auth=("u", "p"), timeout=None, headers={"X-One": "1"})
    session.request("get", "/x")
    session.request("get", "https://h/v1/y")
    session.request("get", "https://other/z")
    home = {"auth": ("u", "p"), "timeout": None, "headers": {**AGENT, "X-One": "1"}}
    assert stand_in.call_args_list == [
        mock.call("get", "https://h/v1/x", **home),
        mock.call("get", "https://h/v1/y", **home),
        mock.call("get", "https://other/z", timeout=None, headers=AGENT),
    ]


def test_it_is_asked_by_clients_as_often_as_a_server(stand_in):
    """With all that they repeat, refuse and tell."""
    too_busy = mock.MagicMock(status_code=503, headers={"Retry-After": "0"})
    stand_in.side_effect = [too_busy, requests.ConnectionError("gone"), mock.MagicMock(**ANSWERS)] * 2
    settings = {"server_url": "https://h/v1", "collection": "c", "retry": 1}
    assert Client(**settings).get_record("x") == ENVELOPE
    assert asyncio.run(_result_of(AsyncClient(**settings), "get_record", "x")) == ENVELOPE
    url = "https://h/v1/buckets/default/collections/c/records/x"
    assert stand_in.call_args_list == [mock.call("get", url, params={}, headers=AGENT)] * 6


async def _result_of(client, name, *args):
    return await getattr(client, name)(*args)


def test_a_stand_in_for_the_request_of_all_sessions_is_asked_alike():
    with mock.patch("requests.Session.request", return_value=mock.MagicMock(**ANSWERS)) as request:
        assert Client(server_url="https://h/v1").get_bucket() == ENVELOPE
    request.assert_called_once_with("get", "https://h/v1/buckets/default", params={}, headers=AGENT)


def test_a_request_that_only_passes_on_is_no_stand_in():
    """What we see to for a session goes on: a write is not redirected, say."""
    with serve([Reply(302, headers={"Location": "/elsewhere"})]) as server, Client(server_url=server.url) as client:
        http = client.session._session
        http.request = functools.partial(http.request, verify=True)
        with pytest.raises(KintoException, match="is not redirected"):
            client.update_bucket(data={})
        assert [request.target for request in server.requests] == ["/buckets/default"]
