"""What a newcomer gets wrong first, and is told."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any

import pytest
import requests

from kinto_http import AsyncClient, Client, CollectionNotFound, KintoException


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def call(mode: type, method: str, arguments: dict[str, Any], settings: dict[str, Any]) -> None:
    """A first call of either client."""

    async def awaited() -> None:
        async with AsyncClient(**settings) as client:
            await getattr(client, method)(**arguments)

    if mode is AsyncClient:
        asyncio.run(awaited())
    else:
        with Client(**settings) as client:
            getattr(client, method)(**arguments)


def failure(kinto, auth, method: str, mode: type, url: str = "", **arguments: Any) -> KintoException:
    settings = {"server_url": url or kinto.url, "auth": auth, "bucket": "first", "collection": "tasks"}
    with pytest.raises(KintoException) as raised:
        call(mode, method, arguments, settings)
    return raised.value


both = pytest.mark.parametrize("mode", [Client, AsyncClient])


@both
def test_the_wrong_port(kinto, account, closed_port, mode):
    error = failure(kinto, account, "server_info", mode, f"http://127.0.0.1:{closed_port}/v1")
    assert isinstance(error, requests.ConnectionError)
    assert not isinstance(error, requests.Timeout)  # nobody waited
    assert str(error).startswith(f"GET http://127.0.0.1:{closed_port}/v1/: ")
    assert re.search(r"refused|Connect call failed", str(error))


@both
@pytest.mark.parametrize("url", ["localhost:8888/v1", "/v1", "ftp://localhost/v1"])
def test_a_url_that_is_none(kinto, account, mode, url):
    error = failure(kinto, account, "server_info", mode, url)
    assert repr(url) in str(error)
    assert "http://" in str(error)


@both
def test_the_wrong_password(kinto, account, mode):
    error = failure(kinto, (account[0], "wrong"), "get_records", mode)
    assert error.response.status_code == 401
    assert "Please authenticate yourself" in str(error)
    assert "wrong" not in str(error)
    assert "check your credentials" in str(failure(kinto, (account[0], "wrong"), "get_bucket", mode))


@both
@pytest.mark.parametrize("method", ["get_records", "create_record"])
def test_a_collection_that_is_not_there(kinto, account, mode, method):
    with Client(server_url=kinto.url, auth=account, bucket="first") as client:
        client.create_bucket(if_not_exists=True)
        error = failure(kinto, account, method, mode, **({"data": {}} if method == "create_record" else {}))
        assert error.response.status_code == 404
        assert re.search(r"'id': 'tasks', 'resource_name': 'collection'", str(error))
        assert isinstance(failure(kinto, account, "get_collection", mode), CollectionNotFound)
        client.delete_bucket()


@both
def test_no_collection_at_all(kinto, account, mode):
    with pytest.raises(KintoException, match="'collection' is missing"):
        call(mode, "get_records", {}, {"server_url": kinto.url, "auth": account})
