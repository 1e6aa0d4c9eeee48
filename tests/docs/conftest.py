"""What documents are run against: a real Kinto that answers at http://localhost:8888/v1, the address they name, and
a Keystone at http://localhost:8000.

Nothing listens at those ports; connections to them are led to the server's own free port.  So test runs that go on at
the same time do not meet, and no text is changed before it runs.
"""

from __future__ import annotations

import _socket
import errno
import socket
from collections.abc import Iterator

import pytest

from restwright.sandbox.keystone import Account, KeystoneService, keystone_service
from restwright.testing.kinto import KintoServer, kinto_server


@pytest.fixture(scope="session")
def documented_kinto() -> Iterator[KintoServer]:
    # The snippets ask for the capability "schema".
    with kinto_server(settings={"kinto.experimental_collection_schema_validation": True}) as server:
        yield server


@pytest.fixture
def localhost(documented_kinto, monkeypatch, tmp_path) -> KintoServer:
    """An empty Kinto at http://localhost:8888/v1, and an empty working directory."""
    lead(monkeypatch, 8888, documented_kinto.url)
    monkeypatch.chdir(tmp_path)
    documented_kinto.flush()
    return documented_kinto


def lead(monkeypatch: pytest.MonkeyPatch, port: int, url: str) -> None:
    """Lead connections to a port of localhost to the server at `url`."""
    target = int(url.rpartition(":")[2].partition("/")[0])

    def connect(self, address):
        if self.family == socket.AF_INET6 and address[1] == port:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "it listens on IPv4")
        there = ("127.0.0.1", target) if address == ("127.0.0.1", port) else address
        return _socket.socket.connect(self, there)

    monkeypatch.setattr(socket.socket, "connect", connect, raising=False)


@pytest.fixture(params=["session", "jwt"])
def keystone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeystoneService]:
    """A Keystone of either era at http://localhost:8000, which knows the user that documents log in as."""
    staff = Account("username", "password")
    with keystone_service(era=request.param, sample=False, staff=staff) as service:
        lead(monkeypatch, 8000, service.url)
        yield service
