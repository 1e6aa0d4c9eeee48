"""Sessions: the helpers of the contract, and what tests and users put into a client's session."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from concurrent.futures import Future

import pytest
import requests
import requests_mock
import responses
from requests.adapters import HTTPAdapter
from requests_futures.sessions import FuturesSession

from rest_tools.client import AsyncSession, RestClient, Session
from restwright.testing import Reply, serve

METHODS = ("HEAD", "TRACE", "GET", "POST", "PATCH", "PUT", "OPTIONS", "DELETE")


@pytest.fixture(params=[Session, AsyncSession])
def make(request):
    return request.param


def answer(result):
    """The response, now or later."""
    return result.result(30) if isinstance(result, Future) else result


def test_the_two_kinds():
    blocking, threaded = Session(1, 0.1), AsyncSession(1, 0.1)
    assert type(blocking) is requests.Session
    assert type(threaded) is FuturesSession
    for function in (Session, AsyncSession):
        parameters = inspect.signature(function).parameters
        assert list(parameters) == ["retries", "backoff_factor", "allowed_methods", "status_forcelist"]
        assert parameters["allowed_methods"].default == METHODS
        assert parameters["status_forcelist"].default == (408, 429, 500, 502, 503, 504)
    threaded.close()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_they_repeat(make, method, status):
    with serve([Reply(status), Reply(200)]) as server, make(2, 0) as session:
        assert answer(session.request(method, server.url, timeout=30)).status_code == 200
        assert len(server.requests) == 2


def test_and_what_they_do_not(make):
    with serve([Reply(404), Reply(200)]) as server, make(2, 0) as session:
        assert answer(session.get(server.url, timeout=30)).status_code == 404
    with serve([Reply(503), Reply(200)]) as server, make(2, 0, allowed_methods=["GET"]) as session:
        assert answer(session.post(server.url, timeout=30)).status_code == 503
    with serve([Reply(503), Reply(200)]) as server, make(2, 0, status_forcelist=[500]) as session:
        assert answer(session.get(server.url, timeout=30)).status_code == 503


def test_they_end_in_a_retry_error(make):
    with serve([Reply(503)]) as server, make(2, 0) as session:
        with pytest.raises(requests.exceptions.RetryError):
            answer(session.get(server.url, timeout=30))
        assert len(server.requests) == 3


def test_they_wait_as_a_client_does(make):
    with make(5, 0.3) as session:
        retries = session.get_adapter("https://h").max_retries
    waits = []
    for _ in range(5):
        retries = retries.increment("GET", "/", error=requests.ConnectionError())
        waits.append(retries.get_backoff_time())
    assert waits == pytest.approx([0, 0.6, 1.2, 2.4, 4.8])
    assert retries.backoff_max == 120


def test_the_calls_of_one_run_at_the_same_time():
    all_are_here = threading.Barrier(5)

    def app(request):
        all_are_here.wait(30)
        return Reply()

    with serve(app) as server, AsyncSession(0, 0) as session:
        futures = [session.get(server.url, timeout=30) for _ in range(4)]
        all_are_here.wait(30)  # so none of the calls has waited for another one, nor was an answer waited for
        assert [future.result(30).status_code for future in futures] == [200] * 4


@pytest.mark.parametrize(("method", "count"), [("GET", 2), ("POST", 1)])
def test_the_session_of_a_client_repeats_what_the_client_does(connect, method, count):
    with serve([Reply(503), Reply(200)]) as server:
        client = connect(server.url)
        client.session.request(method, server.url, timeout=30).result(30)
        assert len(server.requests) == count


# What others put there.


def test_requests_mock_takes_the_place_of_the_network(connect, call):
    with requests_mock.Mocker() as mock:
        mock.get("http://my.site.here/api/fruits", json={"name": "apple"})
        mock.post("http://my.site.here/api/fruits", status_code=400, json={"error": "no more fruits"})
        client = connect("http://my.site.here/api", "t0ken")
        assert call(client, "GET", "/fruits", {"a": 1}) == {"name": "apple"}
        assert mock.last_request.qs == {"a": ["1"]}
        assert mock.last_request.headers["Authorization"] == "Bearer t0ken"
        with pytest.raises(requests.HTTPError, match="no more fruits"):
            call(client, "POST", "/fruits", {"name": "kiwi"})
        assert mock.last_request.json() == {"name": "kiwi"}


def test_it_is_asked_again_as_a_server_would_be(connect, call):
    with requests_mock.Mocker() as mock:
        answers = [{"exc": requests.ConnectTimeout}, {"status_code": 503}, {"json": [7]}]
        mock.get("http://my.site.here/x", answers)
        call(connect("http://my.site.here"), "GET", "/x")
        assert mock.call_count == 3


def test_responses_does_so_too(connect, call):
    with responses.RequestsMock() as mock:
        mock.get("http://my.site.here/api/fruits", json={"name": "apple"})
        assert call(connect("http://my.site.here/api"), "GET", "/fruits") == {"name": "apple"}


def test_an_adapter_may_be_mounted(connect, call):
    client = connect("http://my.site.here")
    adapter = requests_mock.Adapter()
    adapter.register_uri("GET", "http://my.site.here/x", json=[1])
    client.session.mount("http://my.site.here/", adapter)
    call(client, "GET", "/x")
    assert adapter.call_count == 1


def test_a_session_of_ones_own_may_take_its_place(connect, call):
    class Counting(requests.Session):
        count = 0

        def send(self, request, **kwargs):
            self.count += 1
            return super().send(request, **kwargs)

    with serve([Reply(json=[1])]) as server, Counting() as session:
        client = connect(server.url, "t0ken")
        client.session = session
        call(client, "GET", "/x")
        assert session.count == 1
        assert server.requests[0].headers["Authorization"] == "Bearer t0ken"


def test_what_is_sent_by_a_patched_session_is_repeated_by_the_client_alone(connect, call):
    with serve([Reply(503)]) as server:
        client = connect(server.url, retries=2)
        send = client.session.send
        client.session.send = send
        with pytest.raises(requests.exceptions.RetryError) as raised:
            call(client, "GET", "/x")
        assert len(server.requests) == raised.value.attempts == 3


def test_plain_adapters_are_no_slower_for_it(connect, call):
    """A session as `requests` makes it gets our adapter."""
    with serve([Reply(json=[1])]) as server, requests.Session() as session:
        client = connect(server.url)
        client.session = session
        call(client, "GET", "/x")
        assert type(session.get_adapter(server.url)) is not HTTPAdapter


@pytest.mark.parametrize("setting", ["cookies", "hooks"])
def test_its_other_settings_count(connect, call, setting):
    seen = []
    with serve([Reply(json=[1], headers={"Set-Cookie": "b=2"})]) as server:
        client = connect(server.url)
        if setting == "cookies":
            client.session.cookies["a"] = "1"
            call(client, "GET", "/x")
            call(client, "GET", "/x")
            assert [request.headers["Cookie"] for request in server.requests] == ["a=1", "a=1; b=2"]
        else:
            client.session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
            call(client, "GET", "/x")
            assert seen == [200]


# What is logged.


def test_an_http_error_of_an_awaited_call_is_logged_without_secrets(connect, caplog):
    caplog.set_level(logging.INFO)
    args = {"name": "kiwi", "password": "p4ssw0rd", "nested": [{"access_token": "t0k3n"}]}
    with serve([Reply(400, json={"error": "why"})]) as server:
        client = connect(server.url, "bearer-s3cr3t")
        with pytest.raises(requests.HTTPError):
            asyncio.run(client.request("POST", "/fruits", args))
        with pytest.raises(requests.HTTPError):
            asyncio.run(client.request("GET", "/fruits", {"token": "t0k3n", "n": 1}))
    first, second = [record for record in caplog.records if record.name == "RestClient"]
    assert first.levelname == "INFO"
    assert "POST /fruits" in first.message
    assert "'name': 'kiwi'" in first.message
    assert "Traceback" in first.message
    assert "400 Bad Request: why" in first.message
    assert "'n': 1" in second.message
    for secret in ("p4ssw0rd", "t0k3n", "bearer-s3cr3t"):
        assert secret not in caplog.text


def test_what_is_to_be_deleted_and_is_not_there_is_not_worth_a_line(connect, caplog):
    caplog.set_level(logging.INFO, "RestClient")
    with serve([Reply(404)]) as server:
        client = connect(server.url)
        with pytest.raises(requests.HTTPError):
            asyncio.run(client.request("DELETE", "/x"))
        for run in (client.request_seq, lambda *args: next(client.request_stream(*args))):
            with pytest.raises(requests.HTTPError):
                run("GET", "/x")
    assert caplog.records == []


def test_a_client_of_a_users_own_logger(caplog):
    caplog.set_level(logging.INFO)
    with serve([Reply(404)]) as server, pytest.raises(requests.HTTPError):
        asyncio.run(RestClient(server.url, logger=logging.getLogger("mine")).request("GET", "/x"))
    assert [record.name for record in caplog.records] == ["mine"]
