"""The documentation of `rest-tools` (tests/seeds/rest_tools.txt): its client snippet runs as it is."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import socket
from pathlib import Path

import pytest

import rest_tools.client
from restwright.testing import Reply, serve

TEXT = (Path(__file__).parents[1] / "seeds" / "rest_tools.txt").read_text(encoding="utf-8")
LINES = TEXT.splitlines()
BEGIN = LINES.index("from rest_tools.client import RestClient")
SNIPPET = "\n".join(LINES[BEGIN : BEGIN + 4])


@pytest.fixture
def site(monkeypatch):
    """What answers at http://my.site.here, the address that the text names."""

    def app(request):
        return Reply(json={"name": "apple"} if request.method == "GET" else {"stored": request.json()})

    resolve = socket.getaddrinfo
    with serve(app) as server:
        port = int(server.url.rpartition(":")[2])

        def getaddrinfo(host, wanted, *args, **kwargs):
            here = (host, wanted) == ("my.site.here", 80)
            return resolve(*(("127.0.0.1", port) if here else (host, wanted)), *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield server


def test_the_client(site):
    assert SNIPPET.endswith("ret = await api.request('POST', '/fruits', {'name': 'banana'})")
    names = {}
    code = compile(SNIPPET, "seed", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert code.co_flags & inspect.CO_COROUTINE

    async def main():
        await eval(code, names)
        await names["api"].aclose()

    asyncio.run(main())
    assert names["ret"] == {"stored": {"name": "banana"}}
    get, post = site.requests
    assert (get.method, get.target, get.headers["Host"]) == ("GET", "/api/fruits/apple", "my.site.here")
    assert (post.method, post.target, json.loads(post.body)) == ("POST", "/api/fruits", {"name": "banana"})
    assert {request.headers["Authorization"] for request in site.requests} == {"Bearer XXXX"}


def test_all_clients_that_it_names_are_there():
    names = [line for line in LINES if line.endswith(("Auth", "Client"))]
    assert {"OpenIDRestClient", "ClientCredentialsAuth"} <= set(names)
    for name in ("OpenIDRestClient", "ClientCredentialsAuth", "DeviceGrantAuth", "SavedDeviceGrantAuth"):
        assert name in TEXT
        assert callable(getattr(rest_tools.client, name))
    assert issubclass(rest_tools.client.OpenIDRestClient, rest_tools.client.RestClient)
