"""A session by itself: the rows of the contract's 2.2 and 2.3, on real sockets."""

from __future__ import annotations

import datetime
import io
import threading
import time

import pytest
import requests
from tests.timing import PATIENCE

import kinto_http
from kinto_http import KintoException, Session, TokenAuth, create_session
from kinto_http.constants import USER_AGENT
from kinto_http.exceptions import BackoffException, DecodeException
from restwright.testing import Reply, faults, serve


@pytest.fixture
def server():
    """Answers with what it was asked."""
    with serve(lambda request: Reply(json={"path": request.target}, headers={"X-Seen": request.method})) as server:
        yield server


@pytest.fixture
def session(server):
    with Session(f"{server.url}/v1", ("alice", "s3cret"), timeout=PATIENCE) as session:
        yield session


def sent(server):
    return server.requests[-1]


# --- creation (2.2) ---------------------------------------------------------------------------------------------------


def test_its_settings_are_attributes():
    session = Session("http://h/v1", ("a", "b"), (1, 2), {"X": "y"}, 3, 4, True)
    assert (session.server_url, session.auth, session.timeout, session.headers) == (
        "http://h/v1",
        ("a", "b"),
        (1, 2),
        {"X": "y"},
    )
    assert (session.nb_retry, session.retry_after, session.dry_mode, session.backoff) == (3, 4, True, None)


def test_its_defaults():
    session = Session("http://h/v1")
    assert (session.auth, session.timeout, session.headers) == (None, False, {})
    assert (session.nb_retry, session.retry_after, session.dry_mode) == (0, None, False)


def test_create_session_makes_one():
    session = create_session("http://h/v1", "user:pw", retry=2)
    assert (session.server_url, session.auth, session.nb_retry) == ("http://h/v1", ("user", "pw"), 2)


def test_create_session_takes_one_as_it_is():
    given = object()
    assert create_session(session=given) is given


@pytest.mark.parametrize("settings", [{"server_url": "http://h/v1"}, {"auth": ("a", "b")}])
def test_a_session_and_settings_for_another_do_not_go_together(settings):
    with pytest.raises(AttributeError, match="session"):
        create_session(session=Session("http://h/v1"), **settings)


def test_neither_a_session_nor_settings_is_an_error():
    with pytest.raises(AttributeError, match="server_url"):
        create_session()


@pytest.mark.parametrize(
    "request_", [lambda s: s.request("get", "/"), lambda s: kinto_http.Client(session=s).get_bucket()]
)
def test_without_a_server_url_the_first_request_tells_so(request_):
    """Defect 34: it was a MissingSchema of `requests`."""
    session = create_session(auth=("a", "b"))
    with pytest.raises(KintoException, match="server_url"):
        request_(session)


@pytest.mark.parametrize("url", ["localhost:8888/v1", "ftp://h/v1", "http://", "http://h:port/v1"])
def test_a_server_url_that_is_none_is_told_in_both_trees(url):
    with pytest.raises(KintoException) as raised:
        Session(url).request("get", "/")
    assert isinstance(raised.value, requests.RequestException)


# --- one request (2.3) ------------------------------------------------------------------------------------------------


def test_a_request_gives_body_and_header_fields(server, session):
    body, headers = session.request("get", "/buckets", params={"a": 1})
    assert body == {"path": "/v1/buckets?a=1"}
    assert headers["x-seen"] == "GET"


@pytest.mark.parametrize("root", ["/v1", "/v1/"])
def test_one_slash_stands_between_server_url_and_path(server, root):
    with Session(server.url + root) as session:
        assert session.request("get", "/buckets")[0] == {"path": "/v1/buckets"}


def test_an_endpoint_that_is_a_url_is_used_as_it_is(server, session):
    assert session.request("get", f"{server.url}/elsewhere?x=1")[0] == {"path": "/elsewhere?x=1"}


def test_parameters_are_encoded(server, session):
    session.request(
        "get", "/r", params={"in_id": ["a", "b"], "flag": True, "none": None, "at": datetime.date(2026, 1, 2)}
    )
    assert sent(server).query == {"in_id": ["a,b"], "flag": ["true"], "none": ["null"], "at": ["2026-01-02"]}


def test_header_fields_of_the_call_win_over_those_of_the_session(server, session):
    session.headers = {"X-A": "session", "X-B": "session", "user-agent": "mine"}
    session.request("get", "/", headers={"x-b": "call"})
    assert sent(server).headers["X-A"] == "session"
    assert sent(server).headers["X-B"] == "call"
    assert sent(server).headers["User-Agent"] == "mine"


def test_it_names_itself(server, session):
    session.request("get", "/")
    assert sent(server).headers["User-Agent"] == USER_AGENT


@pytest.mark.parametrize("method", ["GET", "head"])
@pytest.mark.parametrize("body", [{"data": {"a": 1}}, {"permissions": {"read": []}}, {"payload": {"a": 1}}])
def test_a_read_with_a_body_is_refused(server, session, method, body):
    with pytest.raises(KintoException, match="body"):
        session.request(method, "/", **body)
    assert not server.requests


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ({}, {}),
        ({"data": {"a": 1}}, {"data": {"a": 1}}),
        ({"data": {}}, {"data": {}}),
        ({"data": 0}, {"data": 0}),
        ({"permissions": {"read": ["x"]}}, {"permissions": {"read": ["x"]}}),
        ({"payload": {"p": 1}, "data": {"a": 1}}, {"p": 1, "data": {"a": 1}}),
        ({"payload": [{"op": "add"}]}, [{"op": "add"}]),
        (
            {"data": {"at": datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC)}},
            {"data": {"at": "2026-01-02T03:00:00+00:00"}},
        ),
    ],
)
def test_the_body_is_json_of_payload_data_and_permissions(server, session, arguments, body):
    session.request("post", "/", **arguments)
    assert sent(server).json() == body
    assert sent(server).headers["Content-Type"] == "application/json"


def test_permissions_may_know_how_to_be_a_dict(server, session):
    class Permissions:
        def as_dict(self):
            return {"write": ["me"]}

    session.request("put", "/", permissions=Permissions())
    assert sent(server).json() == {"permissions": {"write": ["me"]}}


def test_a_given_content_type_stays(server, session):
    session.request("patch", "/", data={}, headers={"Content-Type": "application/merge-patch+json"})
    assert sent(server).headers["Content-Type"] == "application/merge-patch+json"


def test_a_delete_has_no_body(server, session):
    """Defect 19."""
    session.request("delete", "/x")
    assert sent(server).body == b""
    assert "Content-Type" not in sent(server).headers


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_no_body(status):
    with serve([Reply(status, headers={"ETag": '"1"'})]) as server:
        body, headers = Session(server.url).request("get", "/")
    assert body is None
    assert headers["ETag"] == '"1"'


def test_a_head_has_no_body(server, session):
    assert session.request("HEAD", "/x")[0] is None


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe", b'{"a":'])
def test_an_answer_that_is_not_json_is_told_in_both_trees(content):
    """Defect 18."""
    with serve([Reply(content=content)]) as server, Session(server.url) as session:
        with pytest.raises(requests.exceptions.JSONDecodeError) as raised:
            session.request("get", "/x")
        assert isinstance(raised.value, DecodeException)
        assert raised.value.request.path_url == "/x"
        assert raised.value.response.content == content


@pytest.mark.parametrize(
    ("reply", "said"), [(Reply(403, json={"code": 403}), "{'code': 403}"), (Reply(502, text="no"), "no")]
)
def test_an_error_status_is_told_with_what_the_server_says(reply, said):
    with serve([reply]) as server, Session(server.url) as session, pytest.raises(KintoException) as raised:
        session.request("put", "/x")
    error = raised.value
    assert error.message == f"{reply.status} - {said}"
    assert str(error) == f"PUT /x - {reply.status} {error.message}"
    assert isinstance(error.request, requests.PreparedRequest)
    assert isinstance(error.response, requests.Response)
    assert error.response
    assert error.response.status_code == reply.status


@pytest.mark.parametrize("content", [b"\x81" * 3_000_000, b'"%b"' % (b"x" * 2_999_998)], ids=["bytes", "JSON"])
def test_a_huge_error_page_is_not_put_in_a_message(content):
    with serve([Reply(500, content=content)]) as server, Session(server.url) as session:
        started = time.thread_time()  # of the client: the server has another thread
        with pytest.raises(KintoException) as raised:
            session.request("get", "/")
        spent = time.thread_time() - started
    assert len(str(raised.value)) < 11_000
    assert len(raised.value.response.content) == 3_000_000
    assert spent < 2


def test_an_alert_is_a_deprecation_warning():
    alert = Reply(json={}, headers={"Alert": '{"code": "soft-eol"}'})
    with (
        serve([alert]) as server,
        Session(server.url) as session,
        pytest.warns(DeprecationWarning, match="soft-eol"),
    ):
        session.request("get", "/")


# --- backing off ------------------------------------------------------------------------------------------------------


def test_a_backoff_refuses_what_follows():
    with serve([Reply(json={}, headers={"Backoff": "30"})]) as server, Session(server.url) as session:
        session.request("get", "/")
        assert session.backoff == pytest.approx(time.time() + 30, abs=12)
        with pytest.raises(BackoffException) as raised:
            session.request("get", "/")
        assert len(server.requests) == 1
    assert raised.value.backoff in (28, 29)
    assert raised.value.request is None


def test_a_backoff_that_is_over_counts_no_more(server, session):
    session.backoff = time.time() - 1
    session.request("get", "/")
    assert session.backoff is None


def test_of_two_backoffs_the_later_counts():
    """Defect 6: an answer that was on its way cleared the mark."""
    later = {"/b": faults.late(0.2, Reply(json={}, headers={"Backoff": "30"}))}
    replies = {"/a": faults.late(0.4, Reply(json={})), **later}
    replies["/c"] = faults.late(0.4, Reply(json={}, headers={"Backoff": "5"}))
    all_asked = threading.Barrier(len(replies))  # who asks after an answer may find the mark set

    def app(request):
        all_asked.wait(PATIENCE)
        return replies[request.path]

    with serve(app) as server, Session(server.url) as session:
        threads = [threading.Thread(target=session.request, args=("get", path)) for path in replies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert session.backoff == pytest.approx(time.time() + 30, abs=12)


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "²", "9" * 5000])
def test_a_backoff_that_makes_no_sense_does_no_harm(value):
    value = value.encode().decode("latin-1")
    with serve([Reply(json={}, headers={"Backoff": value})]) as server, Session(server.url) as session:
        session.request("get", "/")
        assert session.backoff is None or session.backoff > time.time() + 10**9


def test_the_backoff_is_told_also_by_an_error():
    with serve([Reply(503, json={}, headers={"Backoff": "30"})]) as server, Session(server.url) as session:
        with pytest.raises(KintoException):
            session.request("get", "/")
        with pytest.raises(BackoffException):
            session.request("get", "/")


# --- settings changed later -------------------------------------------------------------------------------------------


def test_server_url_and_auth_may_change(server, session):
    session.request("get", "/")
    session.server_url, session.auth = f"{server.url}/v2/", TokenAuth("abc")
    session.request("get", "/x")
    assert sent(server).target == "/v2/x"
    assert sent(server).headers["Authorization"] == "Bearer abc"
    session.auth = None
    session.request("get", "/x")
    assert "Authorization" not in sent(server).headers


def test_headers_may_change_in_place_and_as_a_whole(server, session):
    session.request("get", "/")
    session.headers["X-A"] = "1"
    session.request("get", "/")
    assert sent(server).headers["X-A"] == "1"
    session.headers = {"X-B": "2"}
    session.request("get", "/")
    assert "X-A" not in sent(server).headers
    assert sent(server).headers["X-B"] == "2"


@pytest.mark.parametrize("timeout", [0.2, (60, 0.2)])
def test_the_timeout_may_change(timeout):
    with serve(lambda request: faults.hang_before()) as server, Session(server.url, timeout=60) as session:
        session.timeout = timeout
        started = time.monotonic()
        with pytest.raises(requests.ReadTimeout):
            session.request("get", "/")
        assert time.monotonic() - started < 30


def test_retries_may_change():
    replies = [Reply(503, json={}), Reply(503, json={}), Reply(503, json={}), Reply(json={})]
    with serve(replies) as server, Session(server.url) as session:
        with pytest.raises(KintoException):
            session.request("get", "/")
        session.nb_retry, session.retry_after = 2, 0
        session.request("get", "/")
        assert len(server.requests) == 4


def test_dry_mode_may_change(server, session):
    session.dry_mode = True
    assert session.request("put", "/x", data={}) == ({}, {})
    assert not server.requests
    session.dry_mode = False
    session.request("put", "/x", data={})
    assert len(server.requests) == 1


def test_the_limit_of_answers_may_change():
    with serve(lambda request: Reply(json="x" * 5000)) as server, Session(server.url) as session:
        session.request("get", "/")
        session.max_bytes = 1000
        with pytest.raises(requests.exceptions.ContentDecodingError):
            session.request("get", "/")


# --- what is handed to requests ---------------------------------------------------------------------------------------


def test_a_timeout_for_one_request():
    with serve(lambda request: faults.hang_before()) as server, Session(server.url) as session:
        started = time.monotonic()
        with pytest.raises(KintoException) as raised:
            session.request("get", "/", timeout=0.2)
        assert time.monotonic() - started < 15
    assert isinstance(raised.value, requests.ReadTimeout)


def test_auth_for_one_request(server, session):
    session.request("get", "/", auth=TokenAuth("other"))
    assert sent(server).headers["Authorization"] == "Bearer other"
    session.request("get", "/")
    assert sent(server).headers["Authorization"].startswith("Basic ")


def test_an_answer_may_be_streamed(server, session):
    assert session.request("get", "/x", stream=True)[0] == {"path": "/v1/x"}


def test_an_unknown_argument_is_refused(server, session):
    with pytest.raises(TypeError, match="unheard_of"):
        session.request("get", "/", unheard_of=True)


def test_files_go_as_a_form(server, session):
    session.request(
        "post", "/f", payload={"data": '{"a": 1}', "n": 2}, files=[("attachment", ("f.txt", b"abc", "text/plain"))]
    )
    request = sent(server)
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="data"\r\n\r\n{"a": 1}\r\n' in request.body
    assert b'name="n"\r\n\r\n2\r\n' in request.body
    assert b'name="attachment"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nabc\r\n' in request.body


@pytest.mark.parametrize("as_tuple", [True, False])
def test_a_file_that_is_sent_again_is_not_empty(tmp_path, as_tuple):
    """Defect 37: the second attempt sent what was left of the file, nothing."""
    path = tmp_path / "f.bin"
    path.write_bytes(b"content")
    replies = [Reply(503, json={}), Reply(json={})]
    with serve(replies) as server, Session(server.url, retry=1, retry_after=0) as session, path.open("rb") as file:
        session.request("post", "/f", files={"attachment": ("f.bin", file) if as_tuple else file})
        assert [b'filename="f.bin"\r\n\r\ncontent\r\n' in each.body for each in server.requests] == [True, True]


def test_a_file_without_a_name_has_that_of_its_field(server, session):
    session.request("post", "/f", files={"attachment": io.BytesIO(b"abc")})
    assert b'name="attachment"; filename="attachment"\r\n\r\nabc' in sent(server).body


# --- connections ------------------------------------------------------------------------------------------------------


def test_threads_share_its_connections():
    """Defect 30: there was a `requests.Session` for each thread."""
    barrier = threading.Barrier(4)

    def app(request):
        return faults.late(0.05, Reply(json={}))

    with serve(app) as server, Session(server.url) as session:
        seen = []

        def work():
            barrier.wait()
            seen.append(session._session)
            for _ in range(5):
                session.request("get", "/")

        for _ in range(2):
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(server.requests) == 40
        assert server.connections <= 4
        assert len({id(each) for each in seen}) == 1
        session.close()
        assert server.wait_for_open_connections(0)
        session.request("get", "/")


def test_clients_share_a_session(server):
    with Session(server.url) as session:
        clients = [kinto_http.Client(session=session), kinto_http.Client(session=session, bucket="b")]
        for client in clients:
            client.get_bucket()
        assert all(client.session is session for client in clients)
        assert server.connections == 1


def test_it_does_not_show_credentials():
    session = Session("http://alice:s3cret@h/v1", ("bob", "pa55"))
    assert repr(session) == "<KintoSession http://h/v1>"
    client = kinto_http.Client(session=session)
    assert repr(client) == "<KintoClient http://h/v1/buckets/default>"


@pytest.mark.parametrize("retry", ["3", -1, 1.5, None])
def test_a_number_of_retries_that_is_none_is_refused(retry):
    with pytest.raises(ValueError, match="retry must be a whole number"):
        Session("http://h/v1", retry=retry)
