"""A client's names, settings and life."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging

import pytest
import requests

import rest_tools
import rest_tools.client
from rest_tools.client import RestClient
from restwright.testing import Reply, serve

NAMES = {
    "rest_tools.client": [
        "MAX_RETRIES",
        "AsyncSession",
        "CalcRetryFromBackoffMax",
        "CalcRetryFromWaittimeMax",
        "ClientCredentialsAuth",
        "DeviceGrantAuth",
        "OpenIDRestClient",
        "RestClient",
        "SavedDeviceGrantAuth",
        "Session",
        "utils",
    ],
    "rest_tools.client.client": [
        "RestClient",
        "CalcRetryFromBackoffMax",
        "CalcRetryFromWaittimeMax",
        "MAX_RETRIES",
    ],
    "rest_tools.client.client_credentials": ["ClientCredentialsAuth"],
    "rest_tools.client.device_client": [
        "CommonDeviceGrant",
        "DeviceGrantAuth",
        "SavedDeviceGrantAuth",
        "_load_token_from_file",
        "_print_qrcode",
        "_save_token_to_file",
    ],
    "rest_tools.client.openid_client": ["OpenIDRestClient", "RegisterOpenIDClient"],
    "rest_tools.client.session": ["AsyncSession", "Session"],
    "rest_tools.client.utils": ["request_and_validate"],
    "rest_tools": ["client", "server", "utils", "openapi_tools", "telemetry"],
    "rest_tools.utils": ["Auth", "Daemon", "OpenIDAuth", "from_environment", "json_util", "auth", "config", "pkce"],
    "rest_tools.utils.pkce": ["PKCEMixin"],
    "rest_tools.openapi_tools": ["request_and_validate", "validate_request"],
}


@pytest.mark.parametrize("module", NAMES)
def test_the_names_of_the_contract_are_there(module):
    found = importlib.import_module(module)
    for name in NAMES[module]:
        assert getattr(found, name) is not None
        assert name in dir(found)


@pytest.mark.parametrize("module", ["rest_tools", "rest_tools.client", "rest_tools.utils", "rest_tools.openapi_tools"])
def test_what_a_package_lists_can_be_imported_and_what_it_has_not_cannot(module):
    package = importlib.import_module(module)
    assert sorted(package.__all__) == sorted(set(package.__all__))
    for name in package.__all__:
        getattr(package, name)
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        getattr(package, "nothing")  # noqa: B009


def test_the_signature_is_the_contracts_and_ours_are_keywords():
    parameters = inspect.signature(RestClient).parameters
    assert {
        name: parameter.default
        for name, parameter in parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    } == {
        "address": inspect.Parameter.empty,
        "token": None,
        "timeout": 60.0,
        "retries": 10,
        "backoff_factor": 0.3,
        "logger": None,
    }
    assert list(inspect.signature(RestClient.request).parameters) == ["self", "method", "path", "args", "headers"]
    assert inspect.signature(RestClient.request_stream).parameters["chunk_size"].default == 8096
    assert asyncio.iscoroutinefunction(RestClient.request)
    assert inspect.isgeneratorfunction(RestClient.request_stream)


def test_its_attributes():
    client = RestClient("http://h/api/", "t0ken", 7.0, 3, 0.5, extra=1)
    assert client.address == "http://h/api/"
    assert (client.timeout, client.retries, client.backoff_factor) == (7.0, 3, 0.5)
    assert client.kwargs == {"extra": 1}
    assert client.logger is logging.getLogger("RestClient")
    assert (client.access_token, client.token_func) == ("t0ken", None)
    assert isinstance(client.session, requests.Session)
    assert client._token_expire_delay_offset == 5
    function = RestClient("http://h", lambda: "x", logger=logging.getLogger("mine"))
    assert (function.access_token, function.logger.name) == (None, "mine")
    assert function.token_func is not None


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"timeout": -1}, ValueError, "timeout must be 0 or more seconds, got -1"),
        ({"timeout": None}, TypeError, "timeout must be a number of seconds, got None"),
        ({"timeout": float("nan")}, ValueError, "timeout must be 0 or more seconds, got nan"),
        ({"backoff_factor": -0.1}, ValueError, "backoff_factor must be"),
        ({"backoff_factor": None}, TypeError, "backoff_factor must be a number of seconds, got None"),
        ({"retries": -1}, ValueError, "retries must be a number of 0 or more"),
        ({"retries": 1.5}, ValueError, "got 1.5"),
        ({"retries": "10"}, ValueError, "got '10'"),
        ({"retries": None}, ValueError, "got None"),
        ({"retries": 31}, ValueError, "30 or less"),
    ],
)
def test_what_a_client_is_not_made_with(settings, error, text):
    with pytest.raises(error, match=text):
        RestClient("http://h", **settings)


def test_a_timeout_of_nothing_fails_with_each_call(connect, call):
    with serve([Reply(json=[1])]) as server, pytest.raises(ValueError, match="timeout must be"):
        call(connect(server.url, timeout=0), "GET", "/x")


def test_settings_may_change(connect, call):
    with serve([Reply(503), Reply(503), Reply(json=["one"])]) as one, serve([Reply(json=["two"])]) as two:
        client = connect(one.url, retries=0)
        with pytest.raises(requests.exceptions.RetryError):
            call(client, "GET", "/x")
        client.retries = 1
        call(client, "GET", "/x")
        assert len(one.requests) == 3
        client.address = two.url
        client.access_token = "new"
        call(client, "GET", "/x")
        assert two.requests[0].headers["Authorization"] == "Bearer new"


@pytest.mark.parametrize("address", ["http://ann:p4ss@h/api", "http://h/api"])
def test_no_secret_shows(address):
    client = RestClient(address, "t0ken")
    assert repr(client) == "<RestClient http://h/api>"
    client = RestClient(address, username="ann", password="p4ss")
    assert "p4ss" not in repr(client) + repr(client._connection) + repr(client.session.auth)


def test_credentials_of_the_address_are_basic_authentication(connect, call):
    with serve([Reply(json=[1])]) as server:
        call(connect(server.url.replace("//", "//ann:p4ss@")), "GET", "/x")
        assert server.requests[0].headers["Authorization"] == "Basic YW5uOnA0c3M="


def test_certificates_are_those_of_the_session():
    client = RestClient("https://h", sslcert="c.pem", sslkey="k.pem", cacert="ca.pem")
    assert (client.session.cert, client.session.verify) == (("c.pem", "k.pem"), "ca.pem")
    assert RestClient("https://h", sslcert="c.pem").session.cert == "c.pem"
    assert RestClient("https://h").session.verify is True


def test_tls_is_verified_by_the_authorities_that_are_given(certificate, call):
    with serve([Reply(json=[1])], tls=certificate.server) as server:
        call(RestClient(server.url, timeout=30, cacert=certificate.path), "GET", "/x")
        with pytest.raises(requests.exceptions.SSLError):
            call(RestClient(server.url, timeout=30, retries=0), "GET", "/x")


def test_a_client_ends_with_its_block(call):
    with serve([Reply(json=[1])]) as server:
        with RestClient(server.url) as client:
            client.request_seq("GET", "/x")
        assert server.wait_for_open_connections(0)

        async def main():
            async with RestClient(server.url) as client:
                await client.request("GET", "/x")
                client.request_seq("GET", "/x")
            assert server.wait_for_open_connections(0)

        asyncio.run(main())


def test_close_within_an_event_loop_closes_its_connections():
    with serve([Reply(json=[1])]) as server:

        async def main():
            client = RestClient(server.url)
            await client.request("GET", "/x")
            client.close()
            await asyncio.sleep(0.05)
            assert server.wait_for_open_connections(0)
            return client

        asyncio.run(main())


def test_an_awaited_call_of_a_closed_client_is_refused_until_it_is_opened():
    with serve([Reply(json=[1])]) as server:

        async def main():
            client = RestClient(server.url)
            client.close()
            with pytest.raises(RuntimeError, match="open"):
                await client.request("GET", "/x")
            with pytest.raises(RuntimeError, match="open"):
                client.request_stream_async("GET", "/x")
            assert client.request_seq("GET", "/x") == [1]
            client.open()
            assert await client.request("GET", "/x") == [1]
            await client.aclose()

        asyncio.run(main())


def test_closing_twice_does_no_harm():
    client = RestClient("http://h")
    client.close()
    client.close()


def test_open_gives_a_fresh_session_of_either_kind(connect, call):
    with serve([Reply(json=[1])]) as server:
        client = connect(server.url, "t0ken")
        first = client.session
        second = client.open()
        assert client.session is second is not first
        assert second.get(f"{server.url}/future").result(2).json() == [1]
        third = client.open(sync=True)
        assert client.session is third
        assert third.get(f"{server.url}/blocking", timeout=30).json() == [1]
        call(client, "GET", "/x")
        assert server.requests[-1].headers["Authorization"] == "Bearer t0ken"


def test_prepare_and_decode_are_there_for_subclasses():
    client = RestClient("http://h/api", "t0ken", timeout=7)
    url, options = client._prepare("GET", "/x", {"a": [1]}, {"X-One": "1"})
    assert url == "http://h/api/x"
    assert options == {"headers": {"X-One": "1", "Authorization": "Bearer t0ken"}, "timeout": 7, "params": {"a": [1]}}
    assert client._prepare("POST", "x")[1]["json"] == {}
    assert client._decode(b"") is None
    assert client._decode(b'{"a": 1}') == {"a": 1}


def test_a_subclass_may_prepare_calls_itself(connect, call):
    class Versioned(RestClient):
        def _prepare(self, method, path, args=None, headers=None):
            url, options = super()._prepare(method, f"/v2{path}", {**(args or {}), "v": 2}, headers)
            options["headers"]["X-Version"] = "2"
            return url, options

        def _decode(self, content):
            return {"wrapped": super()._decode(content)}

    with serve([Reply(json=[1])]) as server:
        client = connect(f"{server.url}/api", "t0ken", kind=Versioned)
        assert call(client, "GET", "/x", {"a": 1}) == {"wrapped": [1]}
        assert call(client, "POST", "/x", {"a": 1}) == {"wrapped": [1]}
        get, post = server.requests
        assert get.target == "/api/v2/x?a=1&v=2"
        assert post.json() == {"a": 1, "v": 2}
        assert get.headers["X-Version"] == post.headers["X-Version"] == "2"
        assert get.headers["Authorization"] == "Bearer t0ken"


def test_one_that_prepares_other_options_is_sent_with_them(connect, call):
    class Patient(RestClient):
        def _prepare(self, *args, **kwargs):
            url, options = super()._prepare(*args, **kwargs)
            return url, {**options, "timeout": 5, "allow_redirects": False}

    with serve([Reply(json=[1])]) as server:
        call(connect(server.url, kind=Patient), "POST", "/x", {"a": 1})
        assert server.requests[0].json() == {"a": 1}


def test_the_module_exports_what_it_says():
    names = {}
    exec("from rest_tools.client import *", names)
    assert set(rest_tools.client.__all__) <= names.keys()
    assert rest_tools.client.RestClient is RestClient
