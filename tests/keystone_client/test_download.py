"""Downloads to a file: streamed, whole or not at all, credentials at home only."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from restwright.errors import BrokenAnswer, NotFound, UnusableAnswer
from restwright.testing import Reply, serve
from restwright.testing.connection import Fault
from restwright.testing.faults import half_body, redirect_to

CONTENT = b"line\n" * 200_000


def test_an_attachment_is_written_to_a_path(service, client, tmp_path, era):
    if era == "jwt":
        assert client.download("version", tmp_path / "version") == len(client.http_get("version").content)
        return
    team = client.create_team(name="t")["id"]
    asked = client.create_request(title="r", description="d", team=team, submitter=1)["id"]
    made = client.create_attachment(request=asked, files={"file": ("notes.txt", CONTENT)})
    target = tmp_path / "new" / "copy.txt"
    assert client.download(f"media/{made['file']}", str(target)) == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert client.download(f"{service.url}/media/{made['file']}", target) == len(CONTENT)
    assert [each.name for each in target.parent.iterdir()] == ["copy.txt"]


def test_an_open_file_is_filled_from_where_it_stands(connect):
    file = io.BytesIO()
    file.write(b"head:")
    with serve([Reply(200, content=CONTENT)]) as server:
        assert connect(server.url).download("media/a.txt", file) == len(CONTENT)
    assert file.getvalue() == b"head:" + CONTENT


@pytest.mark.parametrize("kind", ["path", "open file"])
def test_an_attempt_that_breaks_off_leaves_nothing_of_itself(connect, tmp_path, kind):
    target = tmp_path / "a.txt"
    with serve([half_body(Reply(content=CONTENT)), Reply(content=b"whole")]) as server, target.open("wb") as file:
        assert connect(server.url).download("media/a.txt", target if kind == "path" else file) == 5
    assert target.read_bytes() == b"whole"


def test_a_download_that_fails_leaves_what_was_there(connect, tmp_path):
    target = tmp_path / "a.txt"
    target.write_bytes(b"before")
    with serve(lambda _: half_body(Reply(content=CONTENT))) as server, pytest.raises(BrokenAnswer):
        connect(server.url).download("media/a.txt", target)
    with serve([Reply(404, json={"detail": "Not found."})]) as server, pytest.raises(NotFound):
        connect(server.url).download("media/b.txt", target)
    with serve([Reply(302, headers={"Location": "/c"})]) as server, pytest.raises(UnusableAnswer, match="no file"):
        connect(server.url, follow_redirects=False).download("media/c.txt", target)
    assert target.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_what_is_no_file_to_write_to_is_refused(connect):
    for given in (None, 5, io.StringIO()):
        with pytest.raises(TypeError, match="a path or a file opened in binary mode"):
            connect("http://127.0.0.1:9").download("media/a.txt", given)


def test_an_empty_file_is_a_file_too(connect, tmp_path):
    with serve([Reply()]) as server:
        assert connect(server.url).download("media/a.txt", tmp_path / "a.txt") == 0
    assert (tmp_path / "a.txt").read_bytes() == b""


def test_a_download_from_another_origin_goes_without_credentials(client, tmp_path):
    with serve([Reply(content=b"x")]) as other:
        client.download(f"{other.url}/signed/file?key=1", tmp_path / "a")
    seen = other.requests[0]
    assert seen.target == "/signed/file?key=1"
    assert not {"authorization", "cookie", "x-csrftoken", "x-keystone-cid"} & {name.lower() for name in seen.headers}


def test_a_redirect_to_another_origin_takes_no_credentials_along(connect, tmp_path):
    def home(request):
        if request.target.startswith("/authentication/login"):
            return Reply(200, json={}, headers={"Set-Cookie": ["sessionid=s; Path=/", "csrftoken=c; Path=/"]})
        return redirect_to(f"{other.url}/stored")

    with serve([Reply(content=b"x")]) as other, serve(home) as server:
        caller = connect(server.url, era="session")
        caller.login("a", "b")
        assert caller.download("media/a.txt", tmp_path / "a") == 1
    assert "sessionid=s" in server.requests[-1].headers["cookie"]
    assert not {"authorization", "cookie", "x-csrftoken", "x-keystone-cid"} & {
        name.lower() for name in other.requests[0].headers
    }


def test_a_large_file_is_not_held_in_memory(connect, tmp_path):
    def big(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(256):
            connection.send(b"x" * 262144)

    with serve([Fault(big)]) as server:
        tracemalloc.start()
        assert connect(server.url, timeout=10).download("media/big", tmp_path / "big") == 1 << 26
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 24
