import gc
import itertools
import json
import sys
import tracemalloc
from datetime import date

import pytest

from kinto_http import AsyncClient, Client, KintoException
from restwright.testing import Reply, serve

MANY = 3005


@pytest.fixture
def filled(small_pages):
    """A client whose collection has 12 records on 3 pages."""
    for number in range(12):
        small_pages.create_record(f"r{number:02}", data={"n": number, "even": number % 2 == 0})
    return small_pages


def ids(records):
    return [each["id"] for each in records]


ALL = [f"r{number:02}" for number in range(12)]


# --- lists --------------------------------------------------------------------------------------------------------


def test_all_pages_come_in_one_list(filled):
    assert ids(filled.get_records()) == ALL[::-1]  # newest first, by default
    assert ids(filled.get_records(_sort="n")) == ALL
    assert ids(filled.get_records(_sort="even,-n")) == [*ALL[11::-2], *ALL[10::-2]]


def test_a_limit_means_one_page_unless_more_are_asked_for(filled):
    assert ids(filled.get_records(_limit=2, _sort="n")) == ALL[:2]
    assert ids(filled.get_records(_limit=2, _sort="n", pages=3)) == ALL[:6]
    assert ids(filled.get_records(_limit=2, _sort="n", pages=float("inf"))) == ALL
    assert ids(filled.get_records(_sort="n", pages=1)) == ALL[:5]


def test_filters_hold_on_every_page(filled):
    assert ids(filled.get_records(min_n=2, _sort="n")) == ALL[2:]
    assert ids(filled.get_records(even=True, _sort="n")) == ALL[::2]
    assert ids(filled.get_records(not_even=True, _sort="n")) == ALL[1::2]
    assert ids(filled.get_records(gt_n="2", lt_n=9, _sort="-n")) == ALL[8:2:-1]
    assert ids(filled.get_records(like_id="*0*", _sort="n")) == [*ALL[:10], "r10"]
    assert filled.get_records(has_m=True) == []
    assert filled.get_records(no_such_field=1) == []


def test_lists_of_values_of_any_kind(filled):
    """Defect 32: numbers were a TypeError."""
    assert ids(filled.get_records(in_n=[1, 3], _sort="n")) == ["r01", "r03"]
    assert ids(filled.get_records(in_id=("r01", "r03"), _sort="n")) == ["r01", "r03"]
    assert ids(filled.get_records(in_id="r01")) == ["r01"]
    assert ids(filled.get_records(exclude_n=range(1, 12))) == ["r00"]


def test_fields_may_be_a_list(filled):
    """Defect 32: a list selected nothing."""
    for fields in (["n"], ("n",), "n"):
        (record,) = filled.get_records(_fields=fields, id="r03")
        assert record.keys() == {"id", "last_modified", "n"}


def test_dates_may_be_filtered_by(filled):
    """Defect 32: they were a TypeError."""
    filled.create_record("dated", data={"on": date(2026, 11, 21)})
    assert ids(filled.get_records(on=date(2026, 11, 21))) == ["dated"]
    assert ids(filled.get_records(lt_on=date(2026, 11, 22), gt_on=date(2026, 1, 1))) == ["dated"]


def test_text_that_reads_as_a_number_is_one_unless_quoted(client):
    client.create_record("number", data={"v": 2})
    client.create_record("text", data={"v": "2"})
    assert ids(client.get_records(v="2")) == ["number"]
    assert ids(client.get_records(v='"2"')) == ["text"]


def test_not_modified_is_not_the_same_as_empty(filled):
    """Defect 9."""
    records = filled.get_records()
    assert not records.not_modified
    again = filled.get_records(if_none_match=records.timestamp)
    assert again == []
    assert again.not_modified
    assert again.timestamp == records.timestamp
    nothing = filled.get_records(n=99)
    assert nothing == []
    assert not nothing.not_modified
    filled.create_record("new")
    assert len(filled.get_records(if_none_match=records.timestamp)) == 13


def test_a_loop_that_asks_for_news_only(filled):
    """The timestamp is of use to the next turn, whatever the answer was."""
    timestamp, got = "", []
    for turn in range(4):
        if turn == 2:
            filled.create_record("new")
        records = filled.get_records(if_none_match=timestamp)
        timestamp = records.timestamp
        got.append(len(records))
    assert got == [12, 0, 13, 0]


@pytest.mark.unbatched
def test_what_the_client_keeps_for_itself_is_not_sent(filled, paginated_relay):
    relayed = filled.clone(server_url=paginated_relay.url)
    relayed.get_records(pages=1, if_none_match=5, n=3)
    list(relayed.records(pages=1, if_none_match=5, n=3))
    list(relayed.get_paginated_records(pages=1, if_none_match=5, n=3))
    requests = paginated_relay.seen("GET", "/records")
    assert [each.query for each in requests] == [{"n": ["3"]}] * 3
    assert [each.headers["If-None-Match"] for each in requests] == ['"5"'] * 3


@pytest.mark.unbatched
def test_the_link_to_the_next_page_has_all_parameters_in_it(filled, paginated_relay):
    relayed = filled.clone(server_url=paginated_relay.url)
    assert len(relayed.get_records(min_n=1, if_none_match=7)) == 11
    first, *others = paginated_relay.seen("GET", "/records")
    assert first.query == {"min_n": ["1"]}
    assert [each.query.keys() for each in others] == [{"_limit", "_token", "min_n"}] * 2
    assert [each.headers["If-None-Match"] for each in others] == ['"7"'] * 2


def test_a_list_that_may_not_be_read(stranger, client):
    with pytest.raises(KintoException) as raised:
        stranger.get_records()
    assert raised.value.response.status_code == 403


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.unbatched
def test_pages_come_as_the_server_sends_them(filled):
    pages = list(filled.get_paginated_records(_sort="n"))
    assert [ids(page["data"]) for page in pages] == [ALL[:5], ALL[5:10], ALL[10:]]
    assert [page.keys() for page in pages] == [{"data"}] * 3
    assert [len(page["data"]) for page in filled.get_paginated_records(_limit=4, pages=1)] == [4, 4, 4]


@pytest.mark.unbatched
def test_pages_of_a_list_that_has_not_changed_are_none(filled):
    timestamp = filled.get_records().timestamp
    assert list(filled.get_paginated_records(if_none_match=timestamp)) == []


@pytest.mark.modes("batch")
def test_in_a_batch_the_pages_come_all_at_once(filled):
    with filled.client.batch() as batch:
        queued = batch.get_paginated_records(_sort="n")
    assert ids(queued.result()) == ALL


def test_awaited_pages_come_one_by_one_or_all_at_once(loop, kinto, account, bucket):
    """Defect 31: the page generator blocked the event loop."""
    client = AsyncClient(server_url=kinto.url, auth=account, bucket=bucket, collection="c")

    async def main():
        async with client:
            await client.create_collection("c")
            for number in range(3):
                await client.create_record(f"r{number}")
            one_by_one = [page async for page in client.get_paginated_records(_limit=2)]
            assert list(await client.get_paginated_records(_limit=2)) == one_by_one
            assert [len(page["data"]) for page in one_by_one] == [2, 1]

    loop.run(main())


@pytest.mark.unbatched
def test_pages_know_what_the_server_said_of_them(filled):
    timestamp = filled.get_records().timestamp
    pages = filled.pages("records")
    assert [each.has_more for each in pages] == [True, True, False]
    assert {each.timestamp for each in pages} == {timestamp}
    assert "Next-Page" in pages[0].headers


@pytest.mark.unbatched
def test_records_of_a_lazy_listing_know_their_home(filled):
    record = next(iter(filled.records()))
    record["title"] = "x"
    filled.clone(collection=None).update_record(data=record)
    assert filled.get_record(record["id"])["data"]["title"] == "x"


@pytest.mark.modes("sync")
def test_only_what_is_consumed_is_fetched(paginated_relay, filled):
    relayed = filled.clone(server_url=paginated_relay.url)
    records = relayed.records()
    assert paginated_relay.seen() == []
    assert len(list(itertools.islice(records, 3))) == 3
    assert len(paginated_relay.seen()) == 1
    assert len(list(itertools.islice(records, 6))) == 6  # begins anew
    assert len(paginated_relay.seen()) == 3


@pytest.mark.modes("async")
def test_only_what_is_consumed_is_fetched_awaited(loop, paginated_relay, filled):
    client = filled.clone(server_url=paginated_relay.url).client

    async def main():
        records = client.records()
        async for _ in records:
            break
        assert len(paginated_relay.seen()) == 1

    loop.run(main())


# --- long ones ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(paginated_kinto):
    """Account, and a collection with so many records that it has 601 pages."""
    account = "many", "pa55word"
    paginated_kinto.create_account(*account)
    with Client(server_url=paginated_kinto.url, auth=account, bucket="many", collection="many") as client:
        client.create_bucket()
        client.create_collection()
        with client.batch() as batch:
            for number in range(MANY):
                batch.create_record(f"r{number}", data={"text": "x" * 1000})
        yield {"server_url": paginated_kinto.url, "auth": account, "bucket": "many", "collection": "many"}
        client.delete_bucket()


def test_hundreds_of_pages_are_streamed_in_little_memory(many):
    """Defects 1 and 11: each page was a level of recursion, which ended at 460; and all were held."""
    with Client(**many) as client:
        seen = set()
        records = iter(client.records())
        seen.update(each["id"] for each in itertools.islice(records, 500))
        gc.collect()
        tracemalloc.start()
        seen.update(each["id"] for each in records)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(seen) == MANY
        assert peak < 1_000_000  # the records are 3.5 MB as text
        assert len(client._records_timestamp) == 1


def test_hundreds_of_pages_are_streamed_awaited(many, loop):
    """Defects 1 and 31."""

    async def main():
        async with AsyncClient(**many) as client:
            return {record["id"] async for record in client.records()}

    assert len(loop.run(main())) == MANY


PAGES = 1500


def endless(request):
    number = int(request.query.get("_token", ["0"])[0])
    headers = {"ETag": '"5"'}
    if number + 1 < PAGES:
        headers["Next-Page"] = f"http://{request.headers['Host']}{request.path}?_token={number + 1}"
    return Reply(json={"data": [{"id": f"r{number}", "last_modified": 5}]}, headers=headers)


@pytest.mark.parametrize("name", ["get_records", "get_groups", "get_history"])
def test_more_pages_than_python_has_stack(loop, name):
    """Defects 1 and 11."""
    assert sys.getrecursionlimit() < PAGES
    settings = {"auth": ("a", "b"), "bucket": "b", "collection": "c"}
    with serve(endless) as server, Client(server_url=f"{server.url}/v1", **settings) as client:
        assert len(getattr(client, name)()) == PAGES
        assert len(client._records_timestamp) <= 1

    async def main(url):
        async with AsyncClient(server_url=url, **settings) as awaited:
            return await getattr(awaited, name)()

    with serve(endless) as server:
        assert len(loop.run(main(f"{server.url}/v1"))) == PAGES


# --- while others write -------------------------------------------------------------------------------------------


@pytest.fixture
def writer(paginated_kinto, paginated_account, filled):
    """Another client, which writes in the same place."""
    place = {"bucket": filled.client.bucket_name, "collection": "tasks"}
    with Client(server_url=paginated_kinto.url, auth=paginated_account, **place) as client:
        yield client


@pytest.fixture
def meddled(filled, paginated_relay):
    """A client behind whose back something happens, with each page that it asks for."""

    def begin(*events):
        left = iter(events)
        later = {"first": True}

        def meddle(request, forward):
            is_page = request.method == "GET" and "/records" in request.path
            event = next(left, None) if is_page and not later.pop("first", False) else None
            if event is not None:
                event()
            return forward()

        paginated_relay.meddle = meddle
        return filled.clone(server_url=paginated_relay.url)

    return begin


@pytest.mark.unbatched
def test_a_list_that_changes_between_two_pages_is_read_anew(meddled, writer, filled):
    """Defect 10: what was changed moved to the first page, which was read already, and was lost."""
    client = meddled(lambda: writer.patch_record("r00", data={"moved": True}), lambda: writer.delete_record("r05"))
    records = client.get_records()
    assert sorted(ids(records)) == [each for each in ALL if each != "r05"]
    assert records[0]["moved"]
    assert records == filled.get_records()
    assert records.timestamp == filled.get_records().timestamp


@pytest.mark.unbatched
def test_a_list_that_changes_all_the_time_loses_nothing(meddled, writer):
    """Defect 10: after some vain beginnings what changed meanwhile is read after all pages."""
    changes = [lambda n=n: writer.patch_record("r00", data={"turn": n}) for n in range(12)]
    records = meddled(*changes).get_records()
    assert sorted(ids(records)) == ALL
    assert next(each["turn"] for each in records if each["id"] == "r00") >= 5


@pytest.mark.unbatched
def test_a_lazy_listing_loses_nothing_while_others_write(meddled, writer):
    """Defect 10: it has handed out its first page when the list changes, so it cannot begin anew."""
    client = meddled(
        lambda: writer.patch_record("r00", data={"moved": True}),
        lambda: writer.delete_record("r01") and writer.create_record("new"),
    )
    records = list(client.records())
    assert {*ids(records)} >= {"new", *(each for each in ALL if each != "r01")}
    last = {each["id"]: each for each in records}
    assert last["r00"]["moved"]
    assert not any(each.get("deleted") for each in records)
    assert len(records) == len({(each["id"], each["last_modified"]) for each in records})


@pytest.mark.unbatched
def test_what_others_write_is_not_missed_by_filters_and_limits(meddled, writer):
    client = meddled(
        lambda: writer.patch_record("r00", data={"moved": True}), lambda: writer.patch_record("r01", data={"n": 1})
    )
    assert sorted({each["id"] for each in client.records(even=True, _limit=2)}) == ALL[::2]


@pytest.mark.unbatched
def test_a_listing_that_nobody_disturbs_asks_for_nothing_more(filled, paginated_relay):
    relayed = filled.clone(server_url=paginated_relay.url)
    list(relayed.records())
    relayed.get_records()
    assert len(paginated_relay.seen()) == 6


# --- since --------------------------------------------------------------------------------------------------------


def test_what_was_deleted_comes_as_tombstones(filled):
    before = filled.get_records_timestamp()
    filled.delete_record("r03")
    filled.create_record("new")
    since = filled.get_records(_since=before)
    assert [(each["id"], each.get("deleted")) for each in since] == [("new", None), ("r03", True)]
    assert filled.get_records(_since=f'"{since.timestamp}"') == []


@pytest.mark.unbatched
def test_pages_tell_their_tombstones(filled):
    before = filled.get_records_timestamp()
    for each in ALL[:7]:
        filled.delete_record(each)
    filled.patch_record("r08", data={"x": 1})
    pages = filled.pages("records", _since=before)
    assert [ids(page.tombstones) for page in pages] == [["r06", "r05", "r04", "r03"], ["r02", "r01", "r00"]]
    assert pages[0].items[0]["id"] == "r08"


def test_tombstones_show_even_among_selected_fields(filled):
    """The service sends only the fields asked for, also of tombstones: they would look like records."""
    before = filled.get_records_timestamp()
    filled.delete_record("r03")
    filled.patch_record("r04", data={"x": 1})
    changes = filled.get_changes(since=before, _fields=["x"])
    assert ids(changes.tombstones) == ["r03"]
    assert [(each["id"], each["x"]) for each in changes.records] == [("r04", 1)]


@pytest.mark.parametrize("start", [None, "", 0, "0"])
def test_all_there_is_has_changed_since_ever(filled, start):
    filled.delete_record("r00")
    changes = filled.get_changes(since=start)
    assert sorted(ids(changes.records)) == ALL[1:]
    assert ids(changes.tombstones) == (["r00"] if start in (0, "0") else [])


def test_a_mirror_follows_by_what_has_changed(filled):
    """The loop of a mirror: each turn asks for what is new since the turn before."""
    mirror, since = {}, None
    turns = [
        lambda: None,
        lambda: filled.patch_record("r03", data={"n": 33}),
        lambda: filled.delete_record("r04"),
        lambda: (filled.delete_record("r05"), filled.create_record("r05", data={"back": True})),
        lambda: None,
        filled.delete_records,
    ]
    for turn in turns:
        turn()
        changes = filled.get_changes(since=since)
        since = changes.timestamp
        mirror.update((each["id"], each) for each in changes.records)
        for each in changes.tombstones:
            mirror.pop(each["id"], None)
        assert mirror == {each["id"]: each for each in filled.get_records()}
    assert mirror == {}
    assert filled.get_changes(since=since) == ([], [], since)


@pytest.mark.unbatched
def test_a_mirror_misses_nothing_that_changes_while_it_reads(meddled, writer, filled):
    before = filled.get_records_timestamp()
    for each in ALL[:8]:
        filled.patch_record(each, data={"x": 1})
    events = [lambda n=n: writer.patch_record("r00", data={"turn": n}) for n in range(6)]
    client = meddled(*events, lambda: writer.delete_record("r01"))
    mirror = {each["id"]: each for each in filled.get_records()}
    since = before
    for _ in range(3):
        changes = client.get_changes(since=since)
        since = changes.timestamp
        mirror.update((each["id"], each) for each in changes.records)
        for each in changes.tombstones:
            mirror.pop(each["id"], None)
    assert mirror == {each["id"]: each for each in filled.get_records()}


# --- timestamps ---------------------------------------------------------------------------------------------------


def test_the_timestamp_is_that_of_the_newest_change(client):
    created = client.create_record("r")
    assert client.get_records_timestamp() == str(created["data"]["last_modified"])
    assert client.get_records().timestamp == client.get_records_timestamp()


@pytest.mark.unbatched
def test_the_timestamp_is_asked_for_once(client, relay, bucket):
    relayed = client.clone(server_url=relay.url)
    known = relayed.get_records_timestamp()
    assert relayed.get_records_timestamp() == known
    assert [each.method for each in relay.seen()] == ["HEAD"]
    path = f"/buckets/{bucket}/collections/tasks/records"
    assert relayed.client._records_timestamp == {path: known}


@pytest.mark.unbatched
def test_the_timestamp_is_known_from_a_listing(client, relay):
    relayed = client.clone(server_url=relay.url)
    records = relayed.get_records()
    assert relayed.get_records_timestamp() == records.timestamp
    list(relayed.records(_limit=1))
    assert [each.method for each in relay.seen()] == ["GET", "GET"]


WRITES = [
    lambda client: client.create_record("new"),
    lambda client: client.update_record("r", data={"n": 1}),
    lambda client: client.patch_record("r", data={"n": 1}),
    lambda client: client.delete_record("r"),
    lambda client: client.delete_records(),
]


@pytest.mark.parametrize("write", WRITES, ids=["create", "update", "patch", "delete", "delete all"])
def test_own_writes_make_the_timestamp_be_asked_for_again(client, write):
    """Defect 12: it was stale for ever."""
    client.create_record("r")
    before = client.get_records_timestamp()
    write(client)
    assert int(client.get_records_timestamp()) > int(before)


@pytest.mark.unbatched
def test_a_listing_that_ends_while_a_write_is_under_way_does_not_leave_a_stale_timestamp(client, relay, other):
    """Defect 12: what is remembered between sending a write and its answer is forgotten with the answer."""
    relayed = client.clone(server_url=relay.url)
    before = relayed.get_records().timestamp

    def meddle(request, forward):
        if request.method == "PUT":
            relayed.client._records_timestamp[request.path.removeprefix("/v1").rpartition("/")[0]] = before
        return forward()

    relay.meddle = meddle
    relayed.create_record("new")
    assert int(relayed.get_records_timestamp()) > int(before)


@pytest.mark.modes("batch")
def test_writes_of_a_batch_make_the_timestamp_be_asked_for_again(client):
    before = client.get_records_timestamp()
    with client.client.batch() as batch:
        batch.create_record("new")
        timestamp = batch.get_records_timestamp()
    assert int(timestamp.result()) > int(before)
    assert client.get_records_timestamp() == timestamp.result()


def test_a_next_page_without_an_end_is_noticed():
    def circle(request):
        link = f"http://{request.headers['Host']}{request.path}?_token=1"
        return Reply(content=json.dumps({"data": []}).encode(), headers={"Next-Page": link})

    with serve(circle) as server, Client(server_url=f"{server.url}/v1", auth=("a", "b"), collection="c") as client:
        for read in (client.get_records, lambda: list(client.records()), client.delete_records):
            with pytest.raises(KintoException, match="circle"):
                read()


def test_a_list_that_never_stands_still_comes_to_an_end():
    """Each answer bears another timestamp: what changed meanwhile is fetched some times, and not for ever."""

    def app(request):
        number = len(server.requests)
        headers = {"ETag": f'"{number}"'}
        if "_token" not in request.query:
            headers["Next-Page"] = f"{server.url}{request.path}?_token={number}"
        return Reply(json={"data": [{"id": f"r{number}"}]}, headers=headers)

    with serve(app) as server, Client(server_url=server.url, auth=("a", "b"), collection="c") as client:
        listed = list(client.records())
        assert 40 <= len(listed) == len(server.requests) <= 50


def test_a_page_without_a_timestamp_is_no_change():
    pages = [
        Reply(json={"data": [{"id": "a"}]}, headers={"ETag": '"1"', "Next-Page": "/buckets/default/x?_token=2"}),
        Reply(json={"data": [{"id": "b"}]}),
    ]
    with serve(pages) as server, Client(server_url=server.url, auth=("a", "b"), collection="c") as client:
        assert [record["id"] for record in client.records()] == ["a", "b"]
        assert len(server.requests) == 2
