"""Dry mode: everything is logged and nothing is sent (the contract's 2.16)."""

from __future__ import annotations

import logging

import pytest

from restwright.testing import Reply, serve


@pytest.fixture
def server():
    with serve(lambda request: Reply(500)) as server:
        yield server
        assert not server.requests


@pytest.fixture
def dry(server, connect, caplog):
    caplog.set_level(logging.DEBUG, "kinto_http.session")
    return connect(f"{server.url}/v1", dry_mode=True, bucket="b", collection="c")


@pytest.fixture
def logged(caplog, server):
    """What was logged, without the server's address, which changes."""
    return lambda: [
        record.getMessage().replace(server.url, "")
        for record in caplog.records
        if record.name == "kinto_http.session" and "(dry mode)" in record.getMessage()
    ]


@pytest.mark.unbatched
def test_a_request_is_logged_with_its_query(dry, logged):
    dry.get_record("x", _fields="a", n=1)
    assert logged() == ["(dry mode) GET /v1/buckets/b/collections/c/records/x?_fields=a&n=1"]


@pytest.mark.unbatched
@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("server_info", {}, {}),
        *((f"get_{each}s", {}, []) for each in ("bucket", "group", "collection", "record")),
        *((f"get_{each}", {"id": "x"}, {}) for each in ("bucket", "group", "collection", "record")),
        *((f"create_{each}", {"id": "x", "data": {}}, {}) for each in ("bucket", "group", "collection", "record")),
        *((f"update_{each}", {"id": "x", "data": {}}, {}) for each in ("bucket", "group", "collection", "record")),
        *((f"patch_{each}", {"id": "x", "data": {}}, {}) for each in ("bucket", "group", "collection", "record")),
        *((f"delete_{each}", {"id": "x"}, {}) for each in ("bucket", "group", "collection", "record")),
        *((f"delete_{each}s", {}, []) for each in ("bucket", "group", "collection", "record")),
        ("get_records_timestamp", {}, ""),
        ("get_permissions", {}, []),
        ("get_history", {}, []),
        ("purge_history", {}, []),
        ("get_changeset", {}, {}),
        ("request_review", {"message": "m"}, {}),
        ("approve_changes", {}, {}),
        ("remove_attachment", {"id": "x"}, None),
    ],
)
def test_each_operation_gives_a_neutral_value(dry, logged, name, arguments, result):
    """Defect 43: deletions, permissions and history were a KeyError."""
    assert getattr(dry, name)(**arguments) == result
    assert len(logged()) == 1


@pytest.mark.unbatched
def test_pages(dry):
    assert list(dry.get_paginated_records()) == []
    assert list(dry.records()) == []


@pytest.mark.unbatched
def test_attachments(dry, tmp_path, logged):
    """Defect 43."""
    path = tmp_path / "f.txt"
    path.write_text("abc")
    assert dry.add_attachment("x", path) == {}
    record = {"id": "x", "attachment": {"filename": "g.txt", "location": "http://h/g.txt"}}
    dry.download_attachment(record, tmp_path / "g.txt")
    assert not (tmp_path / "g.txt").exists()
    assert "(dry mode) POST /v1/buckets/b/collections/c/records/x/attachment" in logged()


def test_a_batch(dry, logged, mode):
    if mode == "batch":
        assert dry.update_record("x", data={}) == {}
        assert dry.get_records() == []
        assert dry.delete_records() == []
    else:
        assert dry.get_records() == []
        return
    assert [line for line in logged() if "batch" in line] == ["(dry mode) POST /v1/batch"] * 3


@pytest.mark.unbatched
def test_a_batch_gives_an_empty_body_for_each_request(dry, mode, loop, logged):
    def fill(batch):
        for number in range(1000):
            batch.update_record(str(number), data={"n": number})
        return batch

    if mode == "sync":
        with dry.client.batch() as batch:
            fill(batch)
    else:

        async def run():
            async with dry.client.batch() as batch:
                return fill(batch)

        batch = loop.run(run())
    assert batch.session.batch_max_requests == 999999
    assert batch.results() == [{}] * 1000
    assert [line for line in logged() if "batch" in line] == ["(dry mode) POST /v1/batch"]


@pytest.mark.unbatched
def test_no_password_is_logged(connect, caplog):
    caplog.set_level(logging.DEBUG)
    connect("http://alice:pa55word@h.invalid/v1", auth=None, dry_mode=True).get_record("x")
    assert "(dry mode) GET http://h.invalid/v1/buckets/default" in caplog.text
    assert "pa55word" not in caplog.text
