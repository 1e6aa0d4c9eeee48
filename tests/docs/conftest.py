"""What documents are run against: a real Kinto that answers at http://localhost:8888/v1, the address they name.

Nothing listens at port 8888; connections to it are led to the server's own free port.  So test runs that go on at the
same time do not meet, and no text is changed before it runs.
"""

from __future__ import annotations

import _socket
import errno
import socket
from collections.abc import Iterator

import pytest

from restwright.testing.kinto import KintoServer, kinto_server


@pytest.fixture(scope="session")
def documented_kinto() -> Iterator[KintoServer]:
    # The snippets ask for the capability "schema".
    with kinto_server(settings={"kinto.experimental_collection_schema_validation": True}) as server:
        yield server


@pytest.fixture
def localhost(documented_kinto, monkeypatch, tmp_path) -> KintoServer:
    """An empty Kinto at http://localhost:8888/v1, and an empty working directory."""
    port = int(documented_kinto.url.rpartition(":")[2].partition("/")[0])

    def connect(self, address):
        if self.family == socket.AF_INET6 and address[1] == 8888:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "it listens on IPv4")
        there = ("127.0.0.1", port) if address == ("127.0.0.1", 8888) else address
        return _socket.socket.connect(self, there)

    monkeypatch.setattr(socket.socket, "connect", connect, raising=False)
    monkeypatch.chdir(tmp_path)
    documented_kinto.flush()
    return documented_kinto
