"""Whatever a server answers: a KintoException that is of the `requests` kind too, in time and in little memory."""

from __future__ import annotations

import itertools
import pickle
import resource
import time

import pytest
import requests
from tests.timing import PATIENCE

from kinto_http import BucketNotFound, CollectionNotFound, KintoException, exceptions
from restwright.testing import Reply, faults, serve
from restwright.testing.connection import Fault

pytestmark = pytest.mark.unbatched

UNREADABLE = requests.exceptions.ContentDecodingError
FAULTS = {
    "late": (faults.late(60), requests.ReadTimeout),
    "hangs before": (faults.hang_before(), requests.ReadTimeout),
    "hangs within headers": (faults.hang_within_headers(), requests.ReadTimeout),
    "hangs within body": (faults.hang_within_body(), requests.ReadTimeout),
    "drips headers": (faults.drip_headers(0.05), requests.ReadTimeout),
    "drips body": (faults.drip_body(0.05), requests.ReadTimeout),
    "endless 103": (faults.endless_informational(interval=0.01), requests.ReadTimeout),
    "resets before": (faults.reset_before(), requests.ConnectionError),
    "resets within body": (faults.reset_within_body(), requests.exceptions.ChunkedEncodingError),
    "closes before": (Fault(lambda connection: None), requests.ConnectionError),
    "half a body": (faults.half_body(), requests.exceptions.ChunkedEncodingError),
    "half a body in chunks": (faults.half_body(chunked=True), requests.exceptions.ChunkedEncodingError),
    "a bad chunk": (faults.bad_chunk(), requests.exceptions.ChunkedEncodingError),
    "garbage": (faults.garbage(), requests.ConnectionError),
    "endless headers": (faults.endless_headers(), requests.ConnectionError),
    "an endless header line": (faults.endless_header_line(), requests.ConnectionError),
    "too many headers": (faults.too_many_headers(), requests.ConnectionError),
    "a huge header line": (faults.huge_header_line(), requests.ConnectionError),
    "an endless body": (faults.endless_body(), UNREADABLE),
    "a bomb": (faults.bomb(), UNREADABLE),
    "half a gzip": (faults.truncated_gzip(), UNREADABLE),
    "HTML": (faults.html(200), requests.exceptions.JSONDecodeError),
    "deep JSON": (faults.deep_json(), requests.exceptions.JSONDecodeError),
    "nothing": (Reply(), requests.exceptions.JSONDecodeError),
    "not UTF-8": (Reply(content=b'{"data": "\xff"}'), requests.exceptions.JSONDecodeError),
    "a redirect loop": (faults.redirect_loop(), requests.TooManyRedirects),
    "a redirect to a file": (faults.redirect_to("file:///etc/passwd"), requests.RequestException),
}
HTML_ERROR = faults.html(502)


def calls(caller):
    return [lambda: caller.get_record("x"), caller.get_records, caller.server_info, lambda: caller.pages("records")]


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_a_clear_error_in_time_and_in_little_memory(connect, name):
    fault, expected = FAULTS[name]
    with serve(lambda request: fault) as server:
        brief = expected is requests.ReadTimeout or "endless" in name
        timeout = (PATIENCE, 0.3) if brief else PATIENCE
        caller = connect(f"{server.url.replace('//', '//alice:s3cret@')}/v1", timeout=timeout)
        caller.client.session.max_bytes = 4 << 20
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for call in calls(caller)[: 1 if name in ("a bomb", "late") or "drip" in name or "hang" in name else None]:
            started = time.monotonic()
            with pytest.raises(expected) as raised:
                call()
            assert time.monotonic() - started < 15
            error = raised.value
            assert isinstance(error, KintoException)
            is_network = isinstance(error, (requests.ConnectionError, requests.Timeout))
            assert error.attempts == (2 if is_network else 1)
            assert isinstance(error.request, requests.PreparedRequest)
            assert (error.response is None) == (is_network or expected is UNREADABLE)
            again = pickle.loads(pickle.dumps(error))
            assert (type(again), str(again), again.attempts) == (type(error), str(error), error.attempts)
            for text in (str(error), repr(error), pickle.dumps(error).decode("latin-1"), str(error.__cause__)):
                assert "s3cret" not in text
                assert "YWxpY2U6czNjcmV0" not in text
            assert len(str(error)) < 1000
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


@pytest.mark.parametrize("name", FAULTS)
def test_and_then_all_is_well_again(connect, name):
    fault, expected = FAULTS[name]
    well = Reply(json={"data": {"id": "x"}, "permissions": {}})
    replies = itertools.chain([fault] * (11 if name == "a redirect loop" else 1), itertools.repeat(well))

    def app(request):
        caller.client.session.timeout = PATIENCE  # for the next: it is the first that is to be given up soon
        return next(replies)

    with serve(app) as server:
        brief = expected is requests.ReadTimeout or "endless" in name
        caller = connect(server.url, timeout=(PATIENCE, 0.3) if brief else PATIENCE)
        caller.client.session.max_bytes = 4 << 20
        if issubclass(expected, (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)):
            assert caller.get_record("x")["data"]["id"] == "x"  # the second try
        else:
            with pytest.raises(expected):
                caller.get_record("x")
        assert caller.get_record("x")["data"]["id"] == "x"


def test_a_proxy_s_error_page(connect):
    with serve(lambda request: HTML_ERROR) as server, pytest.raises(KintoException) as raised:
        connect(server.url).get_record("x")
    assert raised.value.response.status_code == 502
    assert "<h1>502</h1>" in str(raised.value)


# --- what Kinto says --------------------------------------------------------------------------------------------------


def test_a_bucket_that_is_missing(client, new_id):
    with pytest.raises(BucketNotFound) as raised:
        client.get_bucket(new_id)
    assert raised.value.message == new_id
    assert raised.value.response.status_code == 403
    with pytest.raises(CollectionNotFound):
        client.get_collection(new_id)
    with pytest.raises(KintoException, match="404"):
        client.get_record(new_id)
    with pytest.raises(KintoException, match="403"):
        client.get_records(bucket=new_id)


def test_wrong_credentials(kinto, account, connect):
    caller = connect(kinto.url, auth=(account[0], "wr0ng"), timeout=30)
    with pytest.raises(KintoException, match="authenticate") as raised:
        caller.get_bucket("x")
    assert not isinstance(raised.value, BucketNotFound)
    for call in (caller.get_records, lambda: caller.create_record(data={}), lambda: caller.delete_record("x")):
        with pytest.raises(KintoException) as raised:
            call()
        assert raised.value.response.status_code == 401
        assert "wr0ng" not in str(raised.value)


# --- data of another shape --------------------------------------------------------------------------------------------

NOT_A_LIST = [
    {"data": None},
    {"data": "text"},
    {"data": 7},
    {"data": {"id": "x"}},
    {"data": [1, 2]},
    {"data": [None]},
    {"data": ["x"]},
    {"data": [[]]},
    {"data": [{"id": "1"}, None]},
    {"detail": "not found"},
    ["x"],
    "text",
    7,
    True,
]
NOT_AN_OBJECT = [{"data": None}, {"data": "text"}, {"data": [{"id": "x"}]}, {"data": 7}, ["x"], "text", 7, None]


def as_json(value):
    return Reply(content=b"null") if value is None else Reply(json=value)


@pytest.mark.parametrize("body", NOT_A_LIST, ids=repr)
def test_a_list_that_is_none(connect, body):
    with serve(lambda request: as_json(body)) as server:
        caller = connect(server.url)
        for call in (
            caller.get_records,
            caller.get_buckets,
            caller.get_groups,
            caller.get_history,
            caller.get_permissions,
            caller.delete_records,
            lambda: caller.get_changes(since=1),
            lambda: caller.pages("records"),
        ):
            with pytest.raises(exceptions.UnusableAnswerException, match="a list of objects was expected") as raised:
                call()
            assert raised.value.response.status_code == 200
            assert isinstance(raised.value, requests.RequestException)


@pytest.mark.parametrize("body", NOT_AN_OBJECT, ids=repr)
def test_an_object_that_is_none(connect, body):
    with serve(lambda request: as_json(body)) as server:
        caller = connect(server.url)
        for call in (
            lambda: caller.get_record("x"),
            lambda: caller.get_bucket("x"),
            lambda: caller.get_collection("x"),
            lambda: caller.create_record("x", data={}),
            lambda: caller.update_group("x", data={}),
            lambda: caller.patch_record("x", data={"n": 1}),
            lambda: caller.delete_record("x"),
            caller.approve_changes,
        ):
            with pytest.raises(exceptions.UnusableAnswerException, match="an object was expected"):
                call()


@pytest.mark.parametrize("body", [["x"], "text", 7, None])
def test_a_root_that_is_not_kinto_s_is_not_remembered(connect, body):
    replies = [as_json(body), Reply(json={"settings": {}})]
    with serve(replies) as server:
        caller = connect(server.url)
        with pytest.raises(KintoException, match="an object was expected"):
            caller.server_info()
        assert caller.server_info() == {"settings": {}}


def test_items_without_an_id_are_kept(connect):
    items = [{"n": 1}, {"n": 1}, {"id": "1", "n": 1}, {"id": [1], "n": 2}, {"id": "1", "n": 3}, {"id": None}]
    with serve(lambda request: Reply(json={"data": items})) as server:
        found = connect(server.url).get_records()
    assert [dict(each) for each in found] == [items[0], items[1], items[4], items[3], items[5]]


@pytest.mark.parametrize("tag", ["123", '"123"', 'W/"123"', " 123 "])
def test_an_etag_with_and_without_quotes(connect, tag):
    with serve(lambda request: Reply(json={"data": [{"id": "1"}]}, headers={"ETag": tag})) as server:
        caller = connect(server.url)
        assert caller.get_records_timestamp() == "123"
        assert caller.get_records().timestamp == "123"


@pytest.mark.parametrize("tag", ["", '"', '""', 'a"b', "a b", "\xe9", '"1", "2"'])
def test_an_etag_that_is_none(connect, tag):
    page2 = Reply(json={"data": [{"id": "2"}]}, headers={"ETag": tag})

    def app(request):
        if request.query:
            return page2
        more = f"http://{request.headers['Host']}{request.path}?page=2"
        return Reply(json={"data": [{"id": "1"}]}, headers={"ETag": tag, "Next-Page": more})

    with serve(app) as server:
        caller = connect(server.url)
        assert [each["id"] for each in caller.get_records()] == ["1", "2"]
        assert isinstance(caller.get_records_timestamp(), str)


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("circle", [1, 2, 3, 7])
@pytest.mark.parametrize("tail", [0, 1, 4])
@pytest.mark.parametrize("name", ["get_records", "records", "delete_records", "get_paginated_records"])
def test_pages_that_lead_round_in_a_circle(connect, circle, tail, name):
    def app(request):
        number = int(request.query.get("page", ["0"])[0])
        following = number + 1 if number + 1 < tail + circle else tail
        link = f"http://{request.headers['Host']}/r?page={following}"
        return Reply(json={"data": [{"id": str(number)}]}, headers={"Next-Page": link})

    with serve(app) as server:
        caller = connect(server.url)
        with pytest.raises(KintoException, match="round in a circle"):
            list(getattr(caller, name)())
        assert len(server.requests) <= 3 * (tail + circle) + 3


LINKS = ["http://", "http://[", "ftp://h/x", "file:///etc/passwd", "http://h\\@evil/x", "//evil.invalid/x", "\x01"]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("name", ["get_records", "delete_records"])
def test_a_next_page_that_leads_nowhere(connect, link, name):
    def app(request):
        if request.target.endswith("/records"):
            return Reply(json={"data": [{"id": "1"}]}, headers={"Next-Page": link})
        return Reply(404, json={"code": 404})

    with serve(app) as server, pytest.raises(KintoException) as raised:
        getattr(connect(server.url), name)()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("name", ["get_records", "delete_records"])
def test_an_empty_next_page_is_none(connect, name):
    with serve([Reply(json={"data": [{"id": "1"}]}, headers={"Next-Page": ""})]) as server:
        assert getattr(connect(server.url), name)() == [{"id": "1"}]
        assert len(server.requests) == 1


def test_a_thousand_pages(connect):
    def app(request):
        number = int(request.query.get("page", ["0"])[0])
        link = {"Next-Page": f"http://{request.headers['Host']}/r?page={number + 1}"} if number < 999 else {}
        return Reply(json={"data": [{"id": str(number)}]}, headers=link)

    with serve(app) as server:
        assert len(connect(server.url, timeout=PATIENCE).get_records()) == 1000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_writes_are_not_redirected(connect, status):
    """Defect 48: they were, some as a GET."""
    with serve(lambda request: Reply(json={"data": {}})) as elsewhere:

        def app(request):
            return faults.redirect_to(f"{elsewhere.url}/x", status)

        with serve(app) as server:
            caller = connect(server.url)
            for call in (
                lambda: caller.update_record("x", data={"secret": 1}),
                lambda: caller.patch_record("x", data={"secret": 1}),
                lambda: caller.delete_record("x"),
                caller.delete_records,
            ):
                with pytest.raises(KintoException, match="not redirected") as raised:
                    call()
                assert isinstance(raised.value, requests.RequestException)
                assert raised.value.response.status_code == status
            assert len(server.requests) == 4
        assert not elsewhere.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_reads_are(connect, status):
    def app(request):
        if request.path != "/new":
            return faults.redirect_to("/new", status)
        return Reply(json={"data": {"id": "x"}, "permissions": {}})

    with serve(app) as server:
        assert connect(server.url).get_record("x")["data"]["id"] == "x"
        assert server.requests[1].headers["Authorization"] == server.requests[0].headers["Authorization"]


@pytest.mark.parametrize("status", [300, 304, 305, 399])
def test_a_status_of_300_and_more_without_a_place_to_go(connect, status):
    with serve(lambda request: Reply(status, json={"data": [{"id": "1"}]})) as server:
        found = connect(server.url).get_records()
    assert len(found) == (0 if status == 304 else 1)
