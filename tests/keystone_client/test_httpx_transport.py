"""Transports of `httpx` in the place of adapters: what they are asked, and what becomes of their answers."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
import requests

from restwright.errors import TooLarge
from restwright.sandbox.keystone import keystone_service


def test_a_mock_transport_is_asked_and_answers(connect):
    asked = []

    def answer(request):
        asked.append(request)
        if request.url.path == "/api/authentication/login/":
            cookies = [("Set-Cookie", "sessionid=s; Path=/"), ("Set-Cookie", "csrftoken=c; Path=/")]
            return httpx.Response(200, json={"username": "a"}, headers=cookies)
        return httpx.Response(201, json={"id": 1, **json.loads(request.content)})

    caller = connect("http://ks.test/api", transport=httpx.MockTransport(answer))
    caller.login("a", "b")
    assert caller.create_cluster(name="x", enabled=None) == {"id": 1, "name": "x", "enabled": None}
    assert [(each.method, str(each.url)) for each in asked] == [
        ("POST", "http://ks.test/api/authentication/login/"),
        ("POST", "http://ks.test/api/allocations/clusters/"),
    ]
    assert asked[1].headers["Cookie"] == "sessionid=s; csrftoken=c"
    assert asked[1].headers["X-CSRFToken"] == "c"
    assert asked[1].headers["X-KEYSTONE-CID"] == caller.cid
    assert asked[1].extensions["timeout"]["read"] == pytest.approx(15, abs=1)


def test_its_answers_are_those_of_requests(connect):
    packed = httpx.Response(404, content=gzip.compress(b"none"), headers={"Content-Encoding": "gzip", "X-One": "1"})
    caller = connect("http://ks.test", transport=httpx.MockTransport(lambda request: packed))
    response = caller.http_get("x")
    assert isinstance(response, requests.Response)
    assert (response.status_code, response.reason, response.text) == (404, "Not Found", "none")
    assert (response.headers["x-one"], response.url) == ("1", "http://ks.test/x/")
    assert response.request.method == "GET"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (httpx.ReadTimeout, requests.Timeout),
        (httpx.ConnectError, requests.ConnectionError),
        (httpx.RemoteProtocolError, requests.ConnectionError),
    ],
)
def test_its_errors_are_those_of_requests(connect, theirs, ours):
    def fail(request):
        raise theirs("why")

    caller = connect("http://ks.test", transport=httpx.MockTransport(fail), attempts=1)
    with pytest.raises(ours, match="why"):
        caller.http_get("x")


class Endless(httpx.SyncByteStream):
    """Content that never ends."""

    is_closed = False

    def __iter__(self):
        while True:
            yield b"x" * 100_000

    def close(self):
        self.is_closed = True


def test_its_content_is_bounded(connect):
    content = Endless()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=content))
    caller = connect("http://ks.test", transport=transport)
    caller.client.transport.max_bytes = 1 << 20
    with pytest.raises(TooLarge, match="larger than 1048576 bytes"):
        caller.http_get("x")
    assert content.is_closed


def test_content_that_breaks_off_is_an_error_of_requests(connect):
    def broken():
        yield b"half"
        raise httpx.ReadError("why")

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=broken()))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="why"):
        connect("http://ks.test", transport=transport, attempts=1).http_get("x")


def test_a_real_transport_reaches_a_real_service(connect, era, tmp_path):
    with keystone_service(era=era, sample=False) as service, httpx.HTTPTransport() as transport:
        caller = connect(service.url, transport=transport)
        caller.login("admin", "admin-secret")
        assert caller.create_cluster(name="x")["enabled"] is True
        assert [each["name"] for each in caller.retrieve_cluster()] == ["x"]
        assert caller.download("version", tmp_path / "version") == len(service.version)
        caller.close()
