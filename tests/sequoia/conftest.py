"""The services of the sandbox, and clients of both kinds.

The names of the documentation lead to services of their own, by TLS, which have the sample.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from urllib.parse import urlsplit

import pytest
from tests.sequoia.asking import DOMAIN, new_async_client, new_client

from restwright.sandbox.pytest_plugin import sequoia_server
from restwright.sandbox.sequoia import SequoiaService, sequoia_service
from sequoia.auth import TokenCache

__all__ = ["sequoia_server"]


@pytest.fixture(scope="session")
def sequoia_options():
    return {"sample": False, "linked_per_page": 2}


@pytest.fixture
def sequoia(sequoia_server: SequoiaService) -> SequoiaService:
    """Behaving well, empty, and unknown to all clients."""
    TokenCache._token_storage.clear()
    sequoia_server.reset()
    return sequoia_server


@pytest.fixture(scope="session")
def open_server() -> Iterator[SequoiaService]:
    with sequoia_service(sample=False, needs_token=False) as running:
        yield running


@pytest.fixture
def open_sequoia(open_server: SequoiaService) -> SequoiaService:
    """Services that want no token."""
    TokenCache._token_storage.clear()
    open_server.reset()
    return open_server


@pytest.fixture(scope="session")
def documented_server() -> Iterator[SequoiaService]:
    with sequoia_service(tls="optional", tls_names=(f"*.{DOMAIN}",), linked_per_page=2) as running:
        yield running


@pytest.fixture
def documented(documented_server, monkeypatch, tmp_path) -> SequoiaService:
    """Services at `https://registry-sandbox.sequoia.piksel.com` and so on; `tmp_path` has certificates for them."""
    TokenCache._token_storage.clear()
    documented_server.reset()
    ports = {"registry": documented_server.url, **documented_server.locations}
    ports = {f"{name}-sandbox.{DOMAIN}": urlsplit(url).port for name, url in ports.items()}
    told = [
        {"name": name, "owner": "root", "location": f"https://{name}-sandbox.{DOMAIN}", "title": name}
        for name in documented_server.locations
    ]
    documented_server.behave("registry", body={"services": told})
    ask = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        if host in ports:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", ports[host]))]
        return ask(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    made = documented_server.certificates
    files = {"server_cert": made.authority, "client_cert": made.client.cert, "client_key": made.client.key}
    for name, path in files.items():
        copyfile(path, Path(tmp_path, f"{name}.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", made.authority)
    return documented_server


@pytest.fixture(params=["blocking", "awaited"])
def mode(request):
    return request.param


@pytest.fixture
def drive(mode, sequoia):
    """Runs a function of a client, blocking or awaited: `drive(lambda client: client.metadata.contents.read(...))`."""

    def blocking(function, at=sequoia, **settings):
        with new_client(at, **settings) as client:
            return function(client)

    def awaited(function, at=sequoia, **settings):
        async def main():
            async with new_async_client(at, **settings) as client:
                result = function(client)
                return await result if inspect.isawaitable(result) else result

        return asyncio.run(main())

    return blocking if mode == "blocking" else awaited


@pytest.fixture
def collect(mode, sequoia):
    """All that a browser of a client gives, in a list; `look` is called with each thing as it comes."""

    def blocking(function, look=lambda item: None, at=sequoia, **settings):
        found = []
        with new_client(at, **settings) as client:
            for item in function(client):
                look(item)
                found.append(item)
        return found

    def awaited(function, look=lambda item: None, at=sequoia, **settings):
        async def main():
            found = []
            async with new_async_client(at, **settings) as client:
                async for item in function(client):
                    look(item)
                    found.append(item)
            return found

        return asyncio.run(main())

    return blocking if mode == "blocking" else awaited


@pytest.fixture(scope="session")
def no_delay():
    return {"interval": 0, "max_tries": 3}
