"""Batches on a real Kinto: `with client.batch()`, blocking and awaited."""

from __future__ import annotations

import asyncio
import logging

import pytest

from kinto_http import AsyncClient, KintoBatchException, KintoException
from kinto_http.patch_type import JSONPatch, MergePatch

pytestmark = pytest.mark.unbatched  # a batch in a batch is none


@pytest.fixture
def batch(client, mode, loop):
    """`batch(fill)` is the batch that was given to `fill`, after it was sent."""

    def run(fill, **settings):
        if mode == "sync":
            with client.client.batch(**settings) as batch:
                fill(batch)
            return batch

        async def send():
            async with client.client.batch(**settings) as batch:
                fill(batch)
            return batch

        return loop.run(send())

    return run


@pytest.fixture
def relayed(relay, mode, loop, account, bucket, client):
    """A client by way of `relay`, in the places of `client`."""
    copy = client.clone(server_url=relay.url)
    assert copy.client.session.server_url == relay.url
    return copy


def posts(relay):
    return [[item["path"] for item in request.json()["requests"]] for request in relay.seen("POST", "/batch")]


# --- as documented ----------------------------------------------------------------------------------------------------


def test_results_come_in_order(batch, client):
    batch(lambda b: [b.update_record(data={"id": n, "n": n}) for n in range(3)])
    read = batch(lambda b: [b.get_record("2"), b.get_record("0"), b.get_record("1")])
    assert [body["data"]["n"] for body in read.results()] == [2, 0, 1]


def test_a_hundred_records_with_numbers_as_ids(batch, client):
    batch(lambda b: [b.update_record(data={"id": idx}) for idx in range(100)])
    assert {record["id"] for record in client.get_records()} == {str(idx) for idx in range(100)}


def test_each_operation_tells_its_own_result(batch):
    def fill(b):
        queued.append(b.create_record("a", data={"n": 1}))
        queued.append(b.get_record("a"))
        queued.append(b.get_records())
        queued.append(b.delete_record("a"))
        with pytest.raises(RuntimeError, match="not been sent"):
            queued[0].result()
        assert queued[0]["data"] == {}  # reads as empty until then

    queued = []
    batch(fill)
    created, read, listed, deleted = (each.result() for each in queued)
    assert created["data"]["n"] == read["data"]["n"] == listed[0]["n"] == 1
    assert deleted == {"id": "a", "deleted": True, "last_modified": deleted["last_modified"]}
    assert [each.error for each in queued] == [None] * 4


def test_reads_work_in_a_batch(batch, client):
    """Defect 20: each with a query was a TypeError."""
    client.create_record("a", data={"n": 1, "m": 2})
    client.create_group("g", data={"members": []})
    got = {}

    def fill(b):
        got["bucket"] = b.get_bucket()
        got["collection"] = b.get_collection()
        got["group"] = b.get_group("g")
        got["record"] = b.get_record("a", _fields="n")
        got["records"] = b.get_records(n=1, _sort="-n")
        got["none"] = b.get_records(n=2)
        got["buckets"] = b.get_buckets()
        got["collections"] = b.get_collections()
        got["groups"] = b.get_groups()
        got["permissions"] = b.get_permissions(exclude_resource_names=("record",))
        got["history"] = b.get_history(resource_name="record")
        got["timestamp"] = b.get_records_timestamp()
        got["info"] = b.server_info()
        got["pages"] = b.get_paginated_records()

    sent = batch(fill)
    got = {name: each.result() for name, each in got.items()}
    assert got["record"]["data"].keys() == {"id", "last_modified", "n"}
    assert [len(got[name]) for name in ("records", "none", "collections", "groups")] == [1, 0, 1, 1]
    assert got["bucket"]["data"]["id"] in {each["id"] for each in got["buckets"]}
    assert {each["resource_name"] for each in got["permissions"]} >= {"bucket", "collection", "group"}
    assert [each["action"] for each in got["history"]] == ["create"]
    assert got["timestamp"].isdigit()
    assert got["info"]["settings"]["batch_max_requests"] == 25
    assert len(sent.results()) == 14


def test_places_of_a_batch_may_be_others(batch, client):
    client.create_collection("other")
    batch(lambda b: b.create_record("a"), collection="other")
    assert client.get_record("a", collection="other")["data"]["id"] == "a"


def test_an_unknown_setting_is_refused(batch):
    with pytest.raises(TypeError, match="colection"):
        batch(lambda b: None, colection="typo")


# --- failures of single items -----------------------------------------------------------------------------------------


def test_refusals_are_told_together_after_all_was_sent(batch, client):
    queued = []

    def fill(b):
        queued.extend([b.get_record("nope"), b.update_record("a", data={}), b.create_record("a")])

    with pytest.raises(KintoBatchException) as raised:
        batch(fill)
    error = raised.value
    assert [each.response.status_code for each in error.exceptions] == [404, 412]
    first = error.exceptions[0]
    assert isinstance(first, KintoException)
    assert (first.request.method, first.request.path_url) == ("GET", client.get_endpoint("record", id="nope"))
    assert first.response
    assert first.response.body["code"] == 404
    assert str(error) == "\n".join(map(str, error.exceptions))
    assert len(error.results[0][0]["responses"]) == 3
    assert [each.error for each in queued] == [error.exceptions[0], None, error.exceptions[1]]
    with pytest.raises(KintoException) as again:
        queued[0].result()
    assert again.value is error.exceptions[0]
    assert client.get_record("a")["data"]["id"] == "a"


@pytest.mark.parametrize("where", ["client", "batch"])
def test_refusals_may_be_ignored(batch, client, where):
    if where == "client":
        client.client._ignore_batch_4xx = True
    sent = batch(
        lambda b: [b.get_record("nope"), b.update_record("a", data={})],
        **({"ignore_batch_4xx": True} if where == "batch" else {}),
    )
    missing, written = sent.results()
    assert missing["code"] == 404
    assert written["data"]["id"] == "a"


def test_get_or_create_and_delete_if_exists(batch, client):
    """Defect 24: 412 and 404 counted as failures."""
    client.create_record("a", data={"n": 1})
    got = []

    def fill(b):
        got.extend(
            [
                b.create_record("a", data={"n": 2}, if_not_exists=True),
                b.create_record("b", data={"n": 3}, if_not_exists=True),
                b.delete_record("nope", if_exists=True),
                b.create_collection("tasks", if_not_exists=True),
                b.delete_bucket("bucket-that-is-not", if_exists=True),
            ]
        )

    sent = batch(fill)
    existing, new, nothing, collection, no_bucket = (each.result() for each in got)
    assert (existing["data"]["n"], new["data"]["n"], nothing, no_bucket) == (1, 3, None, None)
    assert collection["data"]["id"] == "tasks"
    assert sent.results() == [existing, new, nothing, collection, no_bucket]


def test_a_missing_id_is_told_at_once(batch):
    def fill(b):
        with pytest.raises(KeyError):
            b.update_record(data={"n": 1})
        b.update_record("a", data={})

    assert len(batch(fill).results()) == 1


# --- what a batch endpoint does not take ------------------------------------------------------------------------------


def test_patches_that_are_no_json_go_out_singly_in_their_turn(batch, client):
    """Defect 22: a JSON patch made the whole chunk a 400; and the service takes a merge patch for a basic one."""
    patch = JSONPatch([{"op": "add", "path": "/data/tags", "value": ["x"]}])
    got = []

    def fill(b):
        got.append(b.create_record("a", data={"n": 1}))
        got.append(b.patch_record("a", changes=patch))
        got.append(b.patch_record("a", changes=MergePatch({"n": None})))
        got.append(b.get_record("a"))

    sent = batch(fill)
    assert got[1].result()["data"]["n"] == 1
    assert got[3].result()["data"]["tags"] == ["x"]
    assert "n" not in got[3].result()["data"]
    assert sent.results()[1] == got[1].result()


def test_a_json_patch_that_is_refused_is_one_of_the_errors(batch, client):
    client.create_record("a")

    def fill(b):
        b.patch_record("a", changes=JSONPatch([{"op": "test", "path": "/data/n", "value": 1}]))
        b.update_record("b", data={})

    with pytest.raises(KintoBatchException) as raised:
        batch(fill)
    assert [each.response.status_code for each in raised.value.exceptions] == [400]
    assert client.get_record("b")["data"]["id"] == "b"


def test_a_collection_whose_name_begins_with_batch(batch, client):
    """The service refuses any path with /batch in it."""
    client.create_collection("batch-x")
    sent = batch(lambda b: [b.create_record("a"), b.create_record("b", data={"n": 1})], collection="batch-x")
    assert [body["data"]["id"] for body in sent.results()] == ["a", "b"]


def test_answers_without_content(batch, client, tmp_path):
    """The service answers 500 to the whole of a batch with one of them in it."""
    (tmp_path / "f").write_text("abc")
    client.add_attachment("a", tmp_path / "f")
    known = client.get_records().timestamp
    got = []

    def fill(b):
        got.append(b.get_records(if_none_match=known))
        got.append(b.update_record("b", data={}))
        got.append(b.remove_attachment("a"))
        got.append(b.get_record("a"))

    sent = batch(fill)
    assert got[0].result().not_modified
    assert got[2].result() is None
    assert got[3].result()["data"]["attachment"] is None
    assert [sent.results()[0], sent.results()[2]] == [None, None]
    assert client.get_record("b")


def test_v1_in_ids_stays(batch, client, kinto, account):
    """Defect 21: the bucket `dev1` became `de`."""
    for name in ("dev1", "v1"):
        client.create_bucket(f"{name}-{account[0]}")
        client.create_collection("v1", bucket=f"{name}-{account[0]}")
        sent = batch(lambda b: b.create_record("v1", collection="v1"), bucket=f"{name}-{account[0]}")
        assert sent.results()[0]["data"]["id"] == "v1"
        assert client.get_record("v1", bucket=f"{name}-{account[0]}", collection="v1")


def test_attachments_are_refused_and_the_rest_is_sent(batch, client, tmp_path):
    (tmp_path / "f").write_text("abc")
    record = {"id": "a", "attachment": {"filename": "f", "location": "http://h.invalid/f"}}

    def fill(b):
        for refused in (
            lambda: b.add_attachment("a", tmp_path / "f"),
            lambda: b.download_attachment(record, tmp_path / "g"),
            lambda: b.download_attachment(record, tmp_path / "g", overwrite=True),
        ):
            with pytest.raises(KintoException, match="Attachments cannot be sent in a batch"):
                refused()
        b.create_record("a")

    assert len(batch(fill).results()) == 1
    assert not (tmp_path / "g").exists()


def test_a_batch_in_a_batch_is_refused(batch):
    """Defect 23."""

    def fill(b):
        with pytest.raises(KintoException, match="nested"):
            b.batch()

    batch(fill)


def test_a_lazy_listing_is_refused(batch):
    def fill(b):
        with pytest.raises(TypeError, match="get_records"):
            b.records()

    batch(fill)


def test_the_client_of_a_batch_can_be_cloned_and_shown(batch, client):
    """Defect 23: both were an AttributeError."""
    client.create_collection("other")

    def fill(b):
        b.create_record("a")
        b.clone(collection="other").create_record("b")
        assert repr(b) == f"<KintoClient {client.get_endpoint('collection')} (2 waiting)>"
        assert b.get_endpoint("record", id="x") == client.get_endpoint("record", id="x")

    sent = batch(fill)
    assert [body["data"]["id"] for body in sent.results()] == ["a", "b"]
    assert client.get_record("b", collection="other")


# --- what goes out, and when ------------------------------------------------------------------------------------------


def test_full_chunks_go_out_as_they_fill(relayed, relay):
    """Defect 27: all of the queue was kept until the end."""
    if relayed.mode == "sync":
        with relayed.client.batch() as b:
            for n in range(24):
                b.update_record(str(n), data={})
            assert posts(relay) == []
            b.update_record("24", data={})
            assert [len(paths) for paths in posts(relay)] == [25]
            b.update_record("25", data={})
    else:

        async def run():
            async with relayed.client.batch() as b:
                for n in range(24):
                    await b.update_record(str(n), data={})
                assert posts(relay) == []
                await b.update_record("24", data={})
                assert [len(paths) for paths in posts(relay)] == [25]
                queued = await b.update_record("25", data={})
            return b, queued

        b, queued = relayed._loop.run(run())
        assert queued.result()["data"]["id"] == "25"
    assert [len(paths) for paths in posts(relay)] == [25, 1]
    assert [body["data"]["id"] for body in b.results()] == [str(n) for n in range(26)]
    assert len(relay.seen("GET", "/v1/")) == 1


def test_a_thousand_items_in_order(relayed, relay, batch, client):
    queued = []

    def fill(b):
        queued.extend(b.update_record(str(n), data={"n": n}) for n in range(1000))

    client.client.session.server_url = relay.url
    sent = batch(fill)
    assert [len(paths) for paths in posts(relay)] == [25] * 40
    assert [path for paths in posts(relay) for path in paths] == [
        client.get_endpoint("record", id=n) for n in range(1000)
    ]
    assert [body["data"]["n"] for body in sent.results()] == list(range(1000))
    assert [each.result()["data"]["n"] for each in queued] == list(range(1000))


def test_an_exception_in_the_block_leaves_unsent_what_waits(batch, client):
    def fill(b):
        for n in range(26):
            b.update_record(str(n), data={})
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        batch(fill)
    # Blocking, the full chunk had gone out already.
    assert len(client.get_records()) == (25 if client.mode == "sync" else 0)


def test_nothing_queued_sends_nothing(relayed, relay, batch, client):
    client.client.session.server_url = relay.url
    assert batch(lambda b: None).results() == []
    assert posts(relay) == []


def test_listings_follow_their_pages(small_pages, mode, loop):
    for n in range(12):
        small_pages.create_record(str(n), data={"n": n})

    async def run():
        async with small_pages.client.batch() as b:
            return b, [b.get_records(_sort="n"), b.get_record("3"), b.get_records(_sort="n", _limit=4, pages=2)]

    if mode == "sync":
        with small_pages.client.batch() as b:
            queued = [b.get_records(_sort="n"), b.get_record("3"), b.get_records(_sort="n", _limit=4, pages=2)]
    else:
        b, queued = loop.run(run())
    everything, one, some = (each.result() for each in queued)
    assert [each["n"] for each in everything] == list(range(12))
    assert one["data"]["n"] == 3
    assert [each["n"] for each in some] == list(range(8))
    assert [each["n"] for each in b.results()[0]["data"]] == list(range(12))


def test_the_batch_asks_for_the_root_once(relayed, relay, batch, client):
    """Defect 45."""
    client.client.session.server_url = relay.url
    client.server_info()
    for _ in range(2):
        batch(lambda b: b.get_bucket())
    assert len([each for each in relay.seen("GET") if each.path == "/v1/"]) == 1


# --- logging ----------------------------------------------------------------------------------------------------------


def test_each_answer_is_a_line_of_the_log(batch, client, caplog):
    """Defect 26: successes were warnings."""
    caplog.set_level(logging.DEBUG, "kinto_http.batch")
    with pytest.raises(KintoBatchException):
        batch(lambda b: [b.update_record("a", data={}), b.get_record("nope"), b.create_record("a")])
    path = client.get_endpoint("records")
    lines = [(each.levelno, each.getMessage()) for each in caplog.records if each.levelno > logging.DEBUG]
    assert lines == [
        (logging.INFO, f"Batch #0: PUT {path}/a - 201 "),
        (logging.ERROR, f"Batch #1: GET {path}/nope - 404 "),
        (logging.ERROR, f"Batch #2: PUT {path}/a - 412 Resource was modified meanwhile"),
    ]
    dumps = [each.getMessage() for each in caplog.records if each.levelno == logging.DEBUG]
    assert len(dumps) == 3
    assert "Request: {" in dumps[0]
    assert client.client.session.auth[1] not in caplog.text


# --- awaited ----------------------------------------------------------------------------------------------------------


def test_a_batch_that_is_cancelled(kinto, account, bucket, relay):
    async def run():
        async with AsyncClient(server_url=relay.url, auth=account, bucket=bucket, collection="c") as client:
            await client.create_collection("c")
            second = asyncio.Event()
            loop = asyncio.get_running_loop()

            def meddle(request, forward):
                if len(relay.seen("POST", "/batch")) == 2:
                    loop.call_soon_threadsafe(second.set)
                return forward()

            relay.meddle = meddle
            queued = []

            async def send():
                async with client.batch() as b:
                    queued.extend(b.update_record(str(n), data={}) for n in range(75))

            task = asyncio.create_task(send())
            await second.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(relay.seen("POST", "/batch")) == 2
            assert all(each.is_done for each in queued)
            assert isinstance(queued[74].error, Exception)
            # And all is well again.
            async with client.batch() as b:
                again = b.get_record("0")
            return again.result()["data"]["id"]

    assert asyncio.run(asyncio.wait_for(run(), 20)) == "0"


def test_the_event_loop_runs_on_while_a_batch_is_sent(client, loop, mode):
    if mode == "sync":
        return

    async def run():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.create_task(tick())
        async with client.client.batch() as b:
            for n in range(100):
                b.update_record(str(n), data={})
        ticking.cancel()
        return ticks

    assert loop.run(run()) > 10
