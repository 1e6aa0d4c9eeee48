"""Attachments: uploaded from disk and from memory, and downloaded."""

from __future__ import annotations

import datetime
import io
from decimal import Decimal

import pytest

from keystone_client.forms import RecordForm, file_part
from restwright.errors import BadRequest
from restwright.testing import Reply, serve

pytestmark = pytest.mark.eras("session")


@pytest.fixture
def request_id(client):
    team = client.create_team(name="t")["id"]
    return client.create_request(title="r", description="d", team=team, submitter=1)["id"]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"line\n" * 40_000)
    return path


@pytest.mark.parametrize("kind", ["path", "open file", "bytes", "named", "text"])
def test_an_attachment_is_uploaded_and_downloaded(client, request_id, source, kind):
    content = source.read_bytes()
    with source.open("rb") as file:
        given = {
            "path": source,
            "open file": file,
            "bytes": ("notes.txt", content),
            "named": ("notes.txt", io.BytesIO(content), "text/plain"),
            "text": ("notes.txt", content.decode()),
        }[kind]
        made = client.create_attachment(request=request_id, files={"file": given})
    assert (made["name"], made["request"]) == ("notes.txt", request_id)
    assert client.http_get(f"media/{made['file']}").content == content


def test_an_upload_without_its_file_is_told(client, request_id):
    with pytest.raises(BadRequest, match="file"):
        client.create_attachment(request=request_id)


def test_an_attachment_is_replaced(client, request_id):
    made = client.create_attachment(request=request_id, files={"file": ("a.txt", b"one")})
    changed = client.update_attachment(made["id"], {"name": "b"}, files={"file": ("a.txt", b"two")})
    assert changed["name"] == "b"
    assert client.http_get(f"media/{changed['file']}").content == b"two"


def test_plain_requests_upload_too(client, request_id):
    answer = client.http_post("allocations/attachments", {"request": request_id}, files={"file": ("a.txt", b"x")})
    assert answer.status_code == 201


def test_a_repeated_upload_sends_all_of_it_again(connect, tmp_path):
    with serve([Reply(503), Reply(json={"id": 1})]) as server:
        file = io.BytesIO(b"before|content")
        file.seek(7)
        connect(server.url).http_put("x", {"a": 1}, files={"file": ("a.txt", file)})
        bodies = [seen.body for seen in server.requests]
    assert bodies[0] == bodies[1]
    assert b"content" in bodies[0]
    assert b"before" not in bodies[0]


def test_fields_beside_files_are_form_parts(era):
    day = datetime.date(2026, 1, 2)
    fields = {"a": [1, 2], "b": True, "c": {"d": None}, "e": None, "f": "x", "g": day, "h": Decimal("1.50")}
    form = RecordForm(fields, {"file": ("a.txt", b"")})
    body = b"".join(form.chunks())
    assert len(body) == form.length
    parts = [part.split(b"\r\n\r\n") for part in body.split(b"\r\n--")]
    texts = [(part[0].split(b'name="')[1].split(b'"')[0].decode(), part[1].decode()) for part in parts[:-1]]
    assert texts == [
        ("a", "1"),
        ("a", "2"),
        ("b", "true"),
        ("c", '{"d":null}'),
        ("f", "x"),
        ("g", "2026-01-02"),
        ("h", "1.50"),
        ("file", ""),
    ]


@pytest.mark.parametrize("given", [5, None, ("a",), ("a", 5), io.StringIO("x"), ("a", b"", "t", "more")])
def test_what_is_no_file_is_refused(given, era):
    with pytest.raises(TypeError, match="the file 'file' must be"):
        file_part("file", given)


def test_fields_beside_files_are_a_dict(client):
    with pytest.raises(TypeError, match="the fields beside files must be a dict"):
        client.http_post("x", [1], files={"file": b"x"})
