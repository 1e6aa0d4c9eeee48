"""The adapter as an ordinary one of `requests`."""

from __future__ import annotations

import pytest
import requests

from restwright.adapter import Adapter
from restwright.testing import Reply, serve


@pytest.fixture
def session():
    with requests.Session() as session:
        session.mount("http://", Adapter())
        yield session


def test_it_serves_a_plain_session(session):
    with serve(lambda request: Reply(json=request.target, headers={"Set-Cookie": "a=b"})) as server:
        assert session.get(server.url + "/x", timeout=30).json() == "/x"
        assert session.get(server.url + "/y", timeout=30).json() == "/y"
        assert server.requests[1].headers["Cookie"] == "a=b"
        assert server.connections == 1


def test_a_plain_session_may_stream(session):
    with (
        serve([Reply(content=b"0123456789")]) as server,
        session.get(server.url, stream=True, timeout=30) as response,
    ):
        assert list(response.iter_content(4)) == [b"0123", b"4567", b"89"]


def test_clients_that_share_a_session_share_its_connections(connect):
    session = requests.Session()
    with serve([Reply()]) as server:
        first, second = connect(server.url, session=session), connect(server.url, session=session)
        first.get()
        second.get()
        assert server.connections == 1
        second.close()
        assert server.wait_for_open_connections(0)
