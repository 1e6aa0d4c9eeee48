"""Plain requests, settings of clients, and their end."""

from __future__ import annotations

import asyncio
import logging
import pickle
import re

import pytest
import requests
from requests.adapters import HTTPAdapter

import keystone_client
from keystone_client import AsyncHTTPClient, AsyncKeystoneClient, HTTPClient, KeystoneClient
from keystone_client import http as http_module
from keystone_client.client import ClientBase
from keystone_client.http import Limits
from restwright.errors import NotFound, UnusableAnswer
from restwright.testing import Reply, faults, serve


def test_answers_are_those_of_requests_whatever_their_status(client):
    response = client.http_get("version")
    assert isinstance(response, requests.Response)
    assert (response.status_code, response.content) == (200, response.text.encode())
    assert client.http_get("users/users/77").status_code == 404


def test_an_option_raises_their_errors(service, connect):
    with pytest.raises(NotFound):
        connect(service.url, raise_for_status=True).http_get("nowhere")


def test_every_method_sends_json(client):
    made = client.http_post("allocations/clusters", {"name": "c1"})
    assert made.status_code == 201
    path = f"allocations/clusters/{made.json()['id']}"
    assert client.http_patch(path, json={"description": "x"}).json()["description"] == "x"
    assert client.http_put(path, data={"name": "c2"}).json()["name"] == "c2"
    assert client.http_get("allocations/clusters", {"name": "c2"}, timeout=30).status_code == 200
    assert client.http_delete(path).status_code == 204
    assert client.send_request("get", path).status_code == 404


def test_data_and_json_are_the_same_thing(connect):
    with pytest.raises(TypeError, match="data and json are the same"):
        connect("http://127.0.0.1:9").http_post("x", {"a": 1}, json={"a": 1})


@pytest.mark.parametrize(
    ("endpoint", "seen"),
    [
        ("version", "/api/version/"),
        ("/version/", "/api/version/"),
        ("users/users?username=a", "/api/users/users/?username=a"),
        ("users/users?username=a#top", "/api/users/users/?username=a"),
        ("version#top", "/api/version/"),
        ("media/allocations/a.pdf", "/api/media/allocations/a.pdf"),
        ("openapi/schema.json", "/api/openapi/schema.json"),
    ],
)
def test_endpoints_lie_below_the_root(connect, endpoint, seen):
    with serve(lambda request: Reply()) as server:
        connect(f"{server.url}//api/").http_get(endpoint)
        assert server.requests[0].target == seen


def test_the_root_ends_where_its_query_begins(connect):
    with serve(lambda request: Reply()) as server:
        caller = connect(f"{server.url}/api?x=1#top")
        caller.http_get("version")
        assert caller.url == f"{server.url}/api/"
        assert server.requests[0].target == "/api/version/"


def test_a_header_field_of_none_is_left_out(connect):
    with serve(lambda request: Reply()) as server:
        connect(server.url).send_request("get", "x", headers={"X-One": "1", "X-None": None})
        assert server.requests[0].headers["X-One"] == "1"
        assert "x-none" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"method": None}, "method must be a text such as 'get', got None"),
        ({"headers": 5}, "headers must be a dict, got int"),
        ({"headers": [("a", "b")]}, "headers must be a dict, got list"),
    ],
)
def test_a_request_that_is_none_is_told_by_the_name_of_its_argument(connect, wrong, told):
    with pytest.raises(TypeError, match=re.escape(told)):
        connect("http://127.0.0.1:9").send_request(**{"method": "get", "endpoint": "x", **wrong})


def test_a_slash_can_be_left_out(connect):
    with serve(lambda request: Reply()) as server:
        connect(server.url).send_request("GET", "openapi/json", slash=False)
        assert server.requests[0].target == "/openapi/json"


def test_query_parameters_are_text(connect):
    with serve(lambda request: Reply()) as server:
        connect(server.url).http_get("x", {"a": True, "b": [1, 2], "c": None, "d": 3})
        assert server.requests[0].target == "/x/?a=true&b=1%2C2&d=3"


def test_an_endpoint_is_a_text(connect):
    with pytest.raises(TypeError, match="endpoint must be a path"):
        connect("http://127.0.0.1:9").http_get(5)


def test_a_redirected_write_is_refused_and_a_redirected_read_followed(connect):
    def app(request):
        return Reply(json={}) if request.path == "/b/" else Reply(301, headers={"Location": "/b/"})

    with serve(app) as server:
        caller = connect(server.url)
        assert caller.http_get("a").status_code == 200
        with pytest.raises(UnusableAnswer, match="a POST is not redirected"):
            caller.http_post("a", {})
        assert connect(server.url, follow_redirects=False).http_get("a").status_code == 301


def test_connections_are_used_again(connect):
    with serve(lambda request: Reply(json={"id": 1})) as server:
        caller = connect(server.url)
        for _ in range(5):
            caller.retrieve_cluster(pk=1)
            caller.retrieve_cluster(pk=1, timeout=30)
        assert server.connections == 1


def test_a_timeout_of_one_call(connect):
    with serve([faults.hang_before(), Reply()]) as server:
        caller = connect(server.url, attempts=1)
        with pytest.raises(requests.Timeout):
            caller.http_get("x", timeout=(30, 0.3))
        assert caller.http_get("x").status_code == 200


@pytest.mark.parametrize("kind", [HTTPClient, KeystoneClient, AsyncHTTPClient, AsyncKeystoneClient])
def test_a_client_wants_one_address(kind):
    assert kind("http://h:1/a//b").url == kind(url="http://h:1/a/b").base_url == "http://h:1/a/b/"
    assert kind(base_url="https://h").url == "https://h/"
    for arguments in ((), ("http://h", "http://h")):
        with pytest.raises(TypeError, match="give the address"):
            kind(**dict(zip(("url", "base_url"), arguments, strict=False)))


@pytest.mark.parametrize("url", ["localhost:8000", "/api", "", "ftp://h", "http://"])
def test_an_address_without_protocol_is_refused_at_once(url):
    with pytest.raises(ValueError, match="url must begin with http://"):
        KeystoneClient(url)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="era must be"):
        KeystoneClient("http://h", era="cookie")
    with pytest.raises(ValueError, match="timeout must be"):
        KeystoneClient("http://h", timeout=-1)
    for wrong in (-1, "x", None):
        with pytest.raises(ValueError, match=f"max_redirects must be 0 or more, got {wrong!r}"):
            KeystoneClient("http://h", max_redirects=wrong)
    with pytest.raises(
        TypeError, match="transport must be a requests adapter or a blocking transport of httpx, got object"
    ):
        KeystoneClient("http://h", transport=object())
    with pytest.raises(TypeError, match="url must be a text"):
        KeystoneClient(5)


def test_settings_of_the_released_packages_are_taken():
    client = KeystoneClient("https://h", verify_ssl=False, max_redirects=3, timeout=None, limits=Limits(10, 5))
    assert client.session.verify is False
    adapter = HTTPAdapter(max_retries=2)
    assert KeystoneClient("https://h", transport=adapter).session.get_adapter("https://h") is adapter


def test_a_session_that_is_given_keeps_its_own_and_stays_as_it_is():
    with serve(lambda request: Reply(json={})) as server, requests.Session() as session:
        session.headers["X-Own"] = "1"
        before = dict(session.headers)
        with KeystoneClient(server.url, session=session) as one, KeystoneClient(server.url, session=session) as other:
            one.http_get("x")
            other.http_get("x")
        assert [seen.headers["X-Own"] for seen in server.requests] == ["1", "1"]
        assert [seen.headers["X-KEYSTONE-CID"] for seen in server.requests] == [one.cid, other.cid]
        assert dict(session.headers) == before


def test_a_closed_client_says_so(connect):
    caller = connect("http://127.0.0.1:9")
    caller.close()
    caller.close()
    with pytest.raises(RuntimeError, match="the client is closed"):
        caller.http_get("version")
    with pytest.raises(RuntimeError, match="the client is closed"):
        caller.iterate_cluster()


def test_clients_are_context_managers(services):
    with KeystoneClient(services["session"].url) as client:
        assert client.api_version == services["session"].version

    async def awaited():
        async with AsyncKeystoneClient(url=services["session"].url) as client:
            assert (await client.http_get("version")).text == services["session"].version
            assert not client.is_authenticated

    asyncio.run(awaited())


def test_secrets_do_not_show(client):
    assert "admin-secret" not in repr(client.client)
    with pytest.raises(NotFound) as raised:
        client.update_cluster(77, {"name": "x"})
    copy = pickle.loads(pickle.dumps(raised.value))
    assert not {"Authorization", "Cookie"} & {*copy.request.headers}


def test_public_names_are_complete_and_sorted():
    for module in (keystone_client, http_module):
        assert module.__all__ == sorted(module.__all__, key=lambda name: (not name.isupper(), name))
        assert all(hasattr(module, name) for name in module.__all__)
    for name in ("DEFAULT_TIMEOUT", "DEFAULT_REDIRECTS", "DEFAULT_VERIFY", "DEFAULT_FOLLOW", "DEFAULT_LIMITS"):
        assert hasattr(http_module, name)
    assert (HTTPClient.CSRF_COOKIE, HTTPClient.CSRF_HEADER, HTTPClient.CID_HEADER) == (
        "csrftoken",
        "X-CSRFToken",
        "X-KEYSTONE-CID",
    )
    assert ClientBase.IDENTITY_ENDPOINT == "authentication/whoami"
    assert KeystoneClient.schema.memberships == "users/memberships"


@pytest.fixture
def heard():
    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(record)

    handler = Keep()
    logging.getLogger("kclient").addHandler(handler)
    yield records
    logging.getLogger("kclient").removeHandler(handler)


def test_log_records_tell_who_asked_what(heard, connect, mode):
    with serve(lambda request: Reply(json={"id": 1})) as server:
        caller = connect(server.url)
        caller.retrieve_cluster(pk=1)
        caller.close()
    label, word = ("HTTP", "Request") if mode == "sync" else ("Async HTTP", "request")
    names = [f"{label} client created", f"{label} {word}", f"{label} Response", f"{label} client closed"]
    assert [record.getMessage() for record in heard] == names
    assert [record.levelname for record in heard] == ["INFO", "DEBUG", "INFO", "INFO"]
    assert {record.cid for record in heard} == {caller.cid}
    assert [record.status_code for record in heard] == ["", "", 200, ""]
    assert heard[1].url == heard[2].url == f"{server.url}/allocations/clusters/1/"
    assert (heard[1].method, heard[1].endpoint) == ("GET", "/allocations/clusters/1/")
