"""A batch whose server is not well, and the queue by itself (the contract's 1.4 and 2.15)."""

from __future__ import annotations

import logging
import pickle
import time
from types import SimpleNamespace

import pytest
import requests
from tests.timing import PATIENCE

from kinto_http import KintoBatchException, KintoException, exceptions
from kinto_http.batch import BatchSession
from kinto_http.endpoints import Endpoints
from restwright.testing import Reply, faults, serve

pytestmark = pytest.mark.unbatched


class Kinto:
    """A batch endpoint that answers as it is told: `chunks` in the place of whole answers, `statuses` by path."""

    def __init__(self):
        self.chunks = []
        self.statuses = {}
        self.most = 2

    def __call__(self, request):
        if request.path == "/v1/":
            return Reply(json={"settings": {"batch_max_requests": self.most}})
        if request.path != "/v1/batch":
            return Reply(json={"data": {"id": "single"}})
        answer = self.chunks.pop(0) if self.chunks else None
        if answer is not None:
            return answer
        return Reply(json={"responses": [self.item(each) for each in request.json()["requests"]]})

    def item(self, asked):
        status = self.statuses.get(asked["path"].rpartition("/")[2], 200)
        body = {"data": {"id": asked["path"].rpartition("/")[2]}} if status < 400 else {"code": status, "errno": 1}
        return {"status": status, "path": f"/v1{asked['path']}", "headers": {}, "body": body}


@pytest.fixture
def kinto_app():
    return Kinto()


@pytest.fixture
def server(kinto_app):
    with serve(kinto_app) as server:
        yield server


@pytest.fixture
def send(server, connect, mode, loop):
    """`send(n)` updates n records in a batch; what was queued is in `send.queued`."""

    def send(count=3, **settings):
        caller = connect(f"{server.url}/v1", bucket="b", collection="c", **settings)
        send.queued = []
        if mode == "sync":
            with caller.client.batch() as batch:
                send.queued.extend(batch.update_record(str(n), data={"n": n}) for n in range(count))
            return batch

        async def run():
            async with caller.client.batch() as batch:
                send.queued.extend(batch.update_record(str(n), data={"n": n}) for n in range(count))
            return batch

        return loop.run(run())

    return send


def sent(server):
    """The paths of each chunk that came."""
    return [
        [item["path"].rpartition("/")[2] for item in request.json()["requests"]]
        for request in server.requests
        if request.path == "/v1/batch"
    ]


# --- on the wire ------------------------------------------------------------------------------------------------------


def test_the_body_of_a_batch(server, send):
    send(1)
    assert server.requests[-1].json() == {
        "requests": [{"method": "PUT", "path": "/buckets/b/collections/c/records/0", "body": {"data": {"n": 0}}}]
    }


@pytest.mark.parametrize(
    ("most", "chunks"), [(2, [2, 2, 1]), (5, [5]), (100, [5]), (1, [1] * 5), (0, [5]), (None, [5])]
)
def test_chunks_are_of_the_server_s_size(kinto_app, server, send, most, chunks):
    kinto_app.most = most
    send(5)
    assert [len(each) for each in sent(server)] == chunks


# --- items that fail --------------------------------------------------------------------------------------------------


def test_a_failure_of_the_server_stops_what_comes_after(kinto_app, server, send):
    """Defect 25: it hid refusals that came before, and left `results()` without its chunk."""
    kinto_app.statuses = {"1": 404, "3": 503}
    kinto_app.most = 2
    with pytest.raises(KintoException) as raised:
        send(6)
    error = raised.value
    assert not isinstance(error, KintoBatchException)
    assert (error.request.path_url, error.response.status_code) == ("/buckets/b/collections/c/records/3", 503)
    assert [each.response.status_code for each in error.exceptions] == [404]
    assert [len(body["responses"]) for body, _ in error.results] == [2, 2]
    assert sent(server) == [["0", "1"], ["2", "3"]]
    if len(send.queued) == 6:  # awaited: all was queued before anything was sent
        assert [each.error is None for each in send.queued] == [True, False, True, False, False, False]
        assert send.queued[4].error is error


def test_it_survives_a_pickle(kinto_app, send):
    kinto_app.statuses = {"0": 404, "1": 503}
    with pytest.raises(KintoException) as raised:
        send(2)
    again = pickle.loads(pickle.dumps(raised.value))
    assert again.response.status_code == 503
    assert [each.response.status_code for each in again.exceptions] == [404]


def test_the_answers_of_the_failed_chunk_are_kept(kinto_app, server, connect):
    kinto_app.statuses = {"1": 503}
    kinto_app.most = 10
    caller = connect(f"{server.url}/v1", collection="c")
    batch = BatchSession(caller.client, 10)
    for n in range(3):
        batch.request("PUT", f"/records/{n}", data={})
    with pytest.raises(KintoException, match="503"):
        caller._awaited(batch.send())
    assert [body.get("code", 200) for body in batch.results()] == [200, 503, 200]


@pytest.mark.parametrize("ignore", [False, True])
def test_refusals_do_not_stop_what_comes_after(kinto_app, server, send, ignore):
    kinto_app.statuses = {"0": 412, "2": 403}
    if ignore:
        assert [body.get("code") for body in send(4, ignore_batch_4xx=True).results()] == [412, None, 403, None]
    else:
        with pytest.raises(KintoBatchException) as raised:
            send(4)
        assert [each.response.status_code for each in raised.value.exceptions] == [412, 403]
        assert len(raised.value.results) == 2
    assert sent(server) == [["0", "1"], ["2", "3"]]


def test_a_failure_of_the_server_is_never_ignored(kinto_app, send):
    kinto_app.statuses = {"0": 500}
    with pytest.raises(KintoException, match="500"):
        send(1, ignore_batch_4xx=True)


def test_a_creation_whose_answer_was_lost_is_no_failure(kinto_app, server, connect, mode, loop):
    """Defect 4: sent again, it was refused, although it had been carried out."""
    refused = {"code": 412, "errno": 114, "details": {"existing": {"id": "a", "n": 1, "last_modified": 7}}}
    items = [
        {"status": 412, "path": "/x", "headers": {}, "body": refused},
        {"status": 404, "path": "/y", "headers": {}, "body": {"code": 404, "errno": 110}},
    ]
    existing = {"data": {"id": "a", "n": 1, "last_modified": 7}, "permissions": {}}
    kinto_app.chunks = [
        faults.reset_before(),
        Reply(json={"responses": items}),
        Reply(json={"responses": [{"status": 200, "path": "/x", "headers": {}, "body": existing}]}),
    ]
    kinto_app.most = 10
    caller = connect(f"{server.url}/v1", collection="c")

    def fill(batch):
        return batch.create_record("a", data={"n": 1}), batch.delete_record("b")

    async def run():
        async with caller.client.batch() as batch:
            return fill(batch)

    if mode == "sync":
        with caller.client.batch() as batch:
            created, deleted = fill(batch)
    else:
        created, deleted = loop.run(run())
    assert created.result() == existing
    assert deleted.result()["deleted"] is True


# --- the whole request fails ------------------------------------------------------------------------------------------


def test_it_is_repeated_after_a_503(kinto_app, server, send):
    kinto_app.chunks = [Reply(503, json={}, headers={"Retry-After": "1"})]
    started = time.monotonic()
    assert len(send(3, retry=1).results()) == 3
    assert 1 <= time.monotonic() - started < 15
    assert sent(server) == [["0", "1"], ["0", "1"], ["2"]]


def test_it_is_not_without_retry(kinto_app, server, send):
    kinto_app.chunks = [None, Reply(503, json={"code": 503}, headers={"Retry-After": "1"})]
    kinto_app.statuses = {"0": 404}
    with pytest.raises(KintoException) as raised:
        send(6)
    assert isinstance(raised.value.response, requests.Response)
    assert raised.value.response.status_code == 503
    assert [each.response.status_code for each in raised.value.exceptions] == [404]
    assert sent(server) == [["0", "1"], ["2", "3"]]


def test_a_whole_batch_that_is_refused(kinto_app, server, send):
    kinto_app.chunks = [Reply(400, json={"code": 400})]
    with pytest.raises(KintoException, match="400") as raised:
        send(4)
    assert raised.value.request.path_url == "/v1/batch"
    assert sent(server) == [["0", "1"]]
    assert all(each.error is raised.value for each in send.queued)


NETWORK = {
    "reset": (faults.reset_before(), requests.ConnectionError),
    "half": (faults.half_body(), requests.exceptions.ChunkedEncodingError),
    "hang": (faults.hang_before(), requests.ReadTimeout),
}


@pytest.mark.parametrize("name", NETWORK)
def test_a_network_failure_is_tried_twice(kinto_app, server, send, name):
    fault, kind_ = NETWORK[name]
    timeout = (PATIENCE, 0.5) if name == "hang" else PATIENCE
    kinto_app.chunks = [fault]
    assert len(send(2, timeout=timeout).results()) == 2
    assert sent(server) == [["0", "1"]] * 2
    kinto_app.chunks = [fault, fault]
    with pytest.raises(kind_) as raised:
        send(4, timeout=timeout)
    assert isinstance(raised.value, KintoException)
    assert raised.value.attempts == 2
    assert len(sent(server)) == 4


OK = {"status": 200, "path": "/", "headers": {}, "body": {}}


@pytest.mark.parametrize(
    "answer",
    [
        Reply(json={"responses": [OK]}),
        Reply(json={"responses": [OK] * 3}),
        Reply(json={"responses": []}),
        Reply(json={"responses": "both"}),
        Reply(json={"responses": ["ok", "ok"]}),
        Reply(json={"responses": [OK, {"path": "/"}]}),
        Reply(json={"responses": [OK, {"status": "200"}]}),
        Reply(json={"responses": {"0": OK}}),
        Reply(content=b'{"responses": null}'),
        Reply(json={}),
        Reply(json=[OK, OK]),
        Reply(content=b"null"),
        Reply(204),
        faults.html(200),
        Reply(content=b"\xff\x00"),
    ],
)
def test_an_answer_that_is_none_to_a_batch(kinto_app, server, send, answer):
    kinto_app.chunks = [answer]
    with pytest.raises(KintoException) as raised:
        send(4)
    assert isinstance(raised.value, exceptions.UnusableAnswerException)
    assert raised.value.request.path_url == "/v1/batch"
    assert sent(server) == [["0", "1"]]
    assert all(each.error is raised.value for each in send.queued)


@pytest.mark.parametrize("body", [None, "text", [1], 7, {"message": "no"}, {"message": None}, "absent"])
def test_items_of_any_body(kinto_app, send, body):
    item = {"status": 404, "path": "/", "headers": {}, "body": body}
    if body == "absent":
        del item["body"], item["headers"]
    kinto_app.chunks = [Reply(json={"responses": [item, OK]})]
    with pytest.raises(KintoBatchException) as raised:
        send(2)
    assert raised.value.exceptions[0].response.status_code == 404


@pytest.mark.parametrize("root", [[1], {"settings": None}, {"settings": {"batch_max_requests": "many"}}, "x"])
def test_a_root_that_is_not_kinto_s(root, connect, mode, loop):
    def app(request):
        return Reply(json=root) if request.path == "/" else Reply(404, json={"code": 404})

    with serve(app) as server:
        client = connect(server.url, collection="c").client

        async def run():
            async with client.batch() as batch:
                batch.get_record("x")

        with pytest.raises(KintoException):  # noqa: PT012
            if mode == "async":
                loop.run(run())
            else:
                with client.batch() as batch:
                    batch.get_record("x")


def test_pages_of_another_origin_are_fetched_singly_and_without_credentials(kinto_app, server, connect, mode, loop):
    with serve(lambda request: Reply(json={"data": [{"id": "2"}]})) as elsewhere:
        link = {"Next-Page": f"{elsewhere.url}/page2"}
        first = {"status": 200, "path": "/", "headers": link, "body": {"data": [{"id": "1"}]}}
        kinto_app.chunks = [Reply(json={"responses": [first]})]
        client = connect(f"{server.url}/v1", collection="c").client

        async def run():
            async with client.batch() as batch:
                return batch.get_records()

        if mode == "sync":
            with client.batch() as batch:
                queued = batch.get_records()
        else:
            queued = loop.run(run())
        assert [each["id"] for each in queued.result()] == ["1", "2"]
        assert "Authorization" not in elsewhere.requests[0].headers


@pytest.mark.parametrize("user", ["", "alice:s3cret@"])
def test_pages_of_the_server_are_fetched_in_the_batch(kinto_app, server, connect, mode, loop, user):
    link = {"Next-Page": f"{server.url}/v1/buckets/b/collections/c/records?_token=x"}
    first = {"status": 200, "path": "/", "headers": link, "body": {"data": [{"id": "1"}]}}
    second = {"status": 200, "path": "/", "headers": {}, "body": {"data": [{"id": "2"}]}}
    kinto_app.chunks = [Reply(json={"responses": [each]}) for each in (first, second)]
    client = connect(f"{server.url.replace('//', '//' + user)}/v1", auth=None, collection="c").client

    async def run():
        async with client.batch() as batch:
            return batch.get_records()

    if mode == "sync":
        with client.batch() as batch:
            queued = batch.get_records()
    else:
        queued = loop.run(run())
    assert [each["id"] for each in queued.result()] == ["1", "2"]
    assert sent(server)[1] == ["records?_token=x"]


# --- the queue by itself ----------------------------------------------------------------------------------------------


class Recording:
    server_url = "http://h/v1"

    def __init__(self, *answers):
        self.answers, self.payloads = list(answers), []

    def request(self, method, endpoint, data=None, permissions=None, payload=None, headers=None, **kwargs):
        assert (method.upper(), endpoint) == ("POST", "/batch")
        self.payloads.append(payload)
        return self.answers.pop(0) if self.answers else ({"responses": []}, {})


def queue(*answers, **settings):
    client = SimpleNamespace(session=Recording(*answers), endpoints=Endpoints())
    return BatchSession(client, **settings), client


def test_its_attributes():
    batch, client = queue(batch_max_requests=7)
    assert (batch.session, batch.endpoints, batch.batch_max_requests) == (client.session, client.endpoints, 7)
    assert batch.requests == []


def test_requests_wait_in_it():
    batch, client = queue()
    body, headers = batch.request("PUT", "/a", data={"n": 1}, permissions={"read": []}, headers={"If-Match": '"1"'})
    batch.request("delete", "/b")
    batch.request("POST", "/c", payload={"p": 1})
    assert (body["data"], body["permissions"], headers["ETag"]) == ({}, {}, {})
    assert batch.requests == [
        ("PUT", "/a", {"data": {"n": 1}, "permissions": {"read": []}}, {"If-Match": '"1"'}),
        ("DELETE", "/b", {}, None),
        ("POST", "/c", {"p": 1}, None),
    ]
    assert client.session.payloads == []


def test_they_are_sent_as_items():
    batch, client = queue()
    batch.request("GET", "/a", params={"_sort": "-x", "n": 1})
    batch.request("PUT", "/b", data={"n": 1}, headers={"If-Match": '"1"'})
    batch.request("GET", "/c", data={"n": 1})
    batch.send()
    assert client.session.payloads == [
        {
            "requests": [
                {"method": "GET", "path": "/a?_sort=-x&n=1", "body": {}},
                {"method": "PUT", "path": "/b", "body": {"data": {"n": 1}}, "headers": {"If-Match": '"1"'}},
                {"method": "GET", "path": "/c", "body": {"data": {"n": 1}}},
            ]
        }
    ]


@pytest.mark.parametrize("path", ["/v1/buckets/dev1/collections/v1", "http://h/v1/buckets/dev1/collections/v1"])
def test_only_the_server_s_prefix_is_taken_from_a_path(path):
    """Defect 21."""
    batch, client = queue()
    batch.request("GET", path)
    batch.send()
    assert client.session.payloads[0]["requests"][0]["path"] == "/buckets/dev1/collections/v1"


def test_of_a_session_that_does_not_tell_its_server_a_version_is_the_prefix():
    batch, client = queue()
    client.session.server_url = object()
    for path in ("/v1/buckets/v1", "/v1x/y", "/x/v1/y"):
        batch.request("GET", path)
    batch.send()
    sent = client.session.payloads[0]["requests"]
    assert [item["path"] for item in sent] == ["/buckets/v1", "/v1x/y", "/x/v1/y"]


def test_what_is_sent_is_returned_chunk_by_chunk():
    first, second = ({"responses": [OK, OK]}, {"ETag": '"1"'}), ({"responses": [OK]}, {})
    batch, client = queue(first, second, batch_max_requests=2)
    for n in range(3):
        batch.request("GET", f"/{n}")
    assert [(body, dict(headers)) for body, headers in batch.send()] == [first, second]
    assert [len(payload["requests"]) for payload in client.session.payloads] == [2, 1]
    assert batch.results() == [{}, {}, {}]


@pytest.mark.parametrize(("most", "payloads"), [(0, [{"requests": []}]), (25, [])])
def test_an_empty_queue(most, payloads):
    batch, client = queue(batch_max_requests=most)
    batch.send()
    assert client.session.payloads == payloads


def test_it_can_be_emptied():
    batch, client = queue(batch_max_requests=5)
    batch.request("GET", "/a")
    batch.reset()
    assert batch.requests == []
    batch.send()
    assert client.session.payloads == []
    assert batch.results() == []


def test_its_log_lines_come_without_a_client(caplog):
    caplog.set_level(logging.INFO, "kinto_http.batch")
    batch, _ = queue(({"responses": [OK]}, {}))
    batch.request("GET", "/a")
    batch.send()
    assert caplog.messages == ["Batch #0: GET /a - 200 "]
