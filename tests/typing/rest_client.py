"""What both type checkers must see of `rest_tools.client`, and must not take.  Nothing in here runs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, assert_type

import requests

import rest_tools
from rest_tools.client import (
    AsyncDeviceGrantAuth,
    CalcRetryFromBackoffMax,
    CalcRetryFromWaittimeMax,
    ClientCredentialsAuth,
    DeviceGrantAuth,
    OpenIDRestClient,
    RestClient,
    SavedDeviceGrantAuth,
    Session,
)
from rest_tools.client.openid_client import RegisterOpenIDClient
from restwright import Request
from restwright.drivers import AsyncPages
from restwright.lines import read_lines, stream_of
from restwright.plan import Listing


async def token_later() -> str:
    return "t0ken"


async def calls() -> None:
    client = RestClient("http://h", token="t0ken", retries=CalcRetryFromBackoffMax(10), retry_unsafe=True)
    assert_type(await client.request("GET", "/x", {"a": 1}), Any)
    assert_type(client.request_seq("GET", "/x", headers={"X-One": "1"}), Any)
    assert_type(client.request_stream("GET", "/x"), Generator[Any, None, None])
    assert_type(client.request_stream_async("GET", "/x"), AsyncPages[Any])
    assert_type(client.open(), requests.Session)
    assert_type(client.retries, int)
    async with client as same:
        assert_type(same, RestClient)
    with RestClient("http://h", lambda: b"t0ken", total_timeout=None) as other:
        assert_type(other, RestClient)
    RestClient("http://h", token_later, retries=CalcRetryFromWaittimeMax(600))
    assert_type(Session(3, 0.3), requests.Session)
    assert_type(rest_tools.client.RestClient("http://h"), RestClient)


async def logins() -> None:
    assert_type(ClientCredentialsAuth("http://h", "http://p", "c", "s").make_access_token(), str)
    assert_type(OpenIDRestClient("http://h", "http://p", b"r", "c", retries=0).refresh_token, str)
    assert_type(DeviceGrantAuth("http://h", "http://p", "c", scopes=["a"]), OpenIDRestClient)
    assert_type(SavedDeviceGrantAuth("http://h", "http://p", "file", "c", timeout=5), OpenIDRestClient)
    assert_type(await AsyncDeviceGrantAuth("http://h", "http://p", "c"), OpenIDRestClient)
    async with RegisterOpenIDClient("http://p", "tool") as pair:
        assert_type(pair, tuple[str, str])


def lines() -> Listing[str]:
    response = yield Request("GET", "/log", streamed=True)
    stream_of(response).close()
    yield from read_lines(response, bytes.decode)


def misused(client: RestClient) -> None:
    RestClient()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RestClient("http://h", 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RestClient("http://h", retries="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RestClient("http://h", timeout=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.request_seq("GET")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.request_seq("GET", "/x", headers={"a": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    ClientCredentialsAuth("http://h", "http://p", "c")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
