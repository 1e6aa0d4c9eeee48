from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from restwright.testing import Reply
from sequoia.criteria import Criteria, Inclusion

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
C1 = "/metadata/data/contents/o:c1"
USER = {"user_id": " user123 ", "application_id": "app101"}


def ids(requests):
    return [request.headers.get("X-Correlation-ID") for request in requests]


@pytest.fixture(autouse=True)
def contents(sequoia):
    sequoia.add("contents", *({"name": f"c{number}"} for number in range(6)))
    sequoia.add("assets", *({"name": f"a{number}", "contentRef": "o:c1"} for number in range(5)))


def read(client):
    return client.metadata.contents.read("o", "o:c1")


def browse(client):
    criteria = Criteria().add(inclusion=Inclusion.resource("assets"))
    return client.metadata.contents.browse("o", criteria, query_string="perPage=2")


def test_each_request_has_an_id_of_its_own(sequoia, drive):
    sequoia.fail(C1, Reply(500))
    drive(read)
    found = ids(sequoia.seen("/metadata") + sequoia.seen("/services"))
    assert len(set(found)) == 3
    assert all(re.fullmatch(UUID, one) for one in found)
    assert ids(sequoia.seen("/identity")) == [None]


@pytest.mark.parametrize("more", [{}, USER])
def test_a_given_id_is_on_every_request_and_goes_before_others(sequoia, drive, more):
    drive(read, correlation_id=" mine ", **more)
    assert ids(sequoia.seen("/services") + sequoia.data) == ["mine", "mine"]


@pytest.mark.parametrize("one", ["user_id", "application_id"])
def test_one_of_two_ids_is_no_prefix(sequoia, drive, one):
    drive(read, **{one: "x"})
    assert re.fullmatch(UUID, ids(sequoia.data)[0])


def test_the_requests_of_an_operation_share_an_id(sequoia, collect):
    sequoia.fail("/metadata/data/contents", Reply(503))
    collect(lambda client: browse(client).linked("assets"), **USER)
    found = ids(sequoia.data)
    assert len(found) > 5
    assert len(set(found)) == 1
    assert re.fullmatch(f"user123/app101/{UUID}", found[0])
    assert ids(sequoia.seen("/services")) == [None]


def owners_by_id(sequoia):
    found = defaultdict(set)
    for request in sequoia.data:
        found[request.headers["X-Correlation-ID"]].add(request.query["owner"][0])
    return found


def test_operations_of_threads_do_not_mix_their_ids(sequoia):
    def work(owner):
        for page in client.metadata.contents.browse(owner, query_string="perPage=2"):
            assert page.resources

    with sequoia.client(**USER) as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(work, map(str, range(16))))
    found = owners_by_id(sequoia)
    assert len(found) == 16
    assert all(len(owners) == 1 for owners in found.values())


def test_operations_of_tasks_do_not_mix_their_ids(sequoia):
    async def work(client, owner):
        async for page in client.metadata.contents.browse(owner, query_string="perPage=2"):
            assert page.resources

    async def main():
        async with sequoia.async_client(**USER) as client:
            await asyncio.gather(*(work(client, str(owner)) for owner in range(16)))

    asyncio.run(main())
    found = owners_by_id(sequoia)
    assert len(found) == 16
    assert all(len(owners) == 1 for owners in found.values())


def test_loops_that_take_turns_do_not_mix_their_ids(sequoia):
    with sequoia.client(**USER) as client:
        first, second = (client.metadata.contents.browse(owner, query_string="perPage=2") for owner in "ab")
        for _ in zip(first, second, strict=True):
            pass
    assert sorted(map(len, owners_by_id(sequoia).values())) == [1, 1]


def test_an_error_tells_the_id(sequoia, drive):
    sequoia.fail(C1, *repeat(Reply(404), 1))
    with pytest.raises(Exception, match="id mine"):
        drive(read, correlation_id="mine")
