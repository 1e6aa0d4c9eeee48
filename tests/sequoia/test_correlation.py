from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.sequoia.asking import CONTENTS, TOKEN, add, asked, new_async_client, new_client, query

from sequoia.criteria import Criteria, Inclusion

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
USER = {"user_id": " user123 ", "application_id": "app101"}


def ids(requests):
    return [request.headers.get("x-correlation-id") for request in requests]


@pytest.fixture(autouse=True)
def contents(sequoia):
    add(sequoia, "contents", *({"name": f"c{number}"} for number in range(6)))
    add(sequoia, "assets", *({"name": f"a{number}", "contentRef": "o:c1"} for number in range(5)))


def read(client):
    return client.metadata.contents.read("o", "o:c1")


def browse(client):
    criteria = Criteria().add(inclusion=Inclusion.resource("assets"))
    return client.metadata.contents.browse("o", criteria, query_string="perPage=2")


def test_each_request_has_an_id_of_its_own(sequoia, drive):
    sequoia.behave(CONTENTS, status=500, times=1)
    drive(read)
    found = ids(asked(sequoia) + asked(sequoia, "registry"))
    assert len(set(found)) == 3
    assert all(re.fullmatch(UUID, one) for one in found)
    assert ids(asked(sequoia, TOKEN)) == [None]


@pytest.mark.parametrize("more", [{}, USER])
def test_a_given_id_is_on_every_request_and_goes_before_others(sequoia, drive, more):
    drive(read, correlation_id=" mine ", **more)
    assert ids(asked(sequoia, "registry") + asked(sequoia)) == ["mine", "mine"]


@pytest.mark.parametrize("one", ["user_id", "application_id"])
def test_one_of_two_ids_is_no_prefix(sequoia, drive, one):
    drive(read, **{one: "x"})
    assert re.fullmatch(UUID, ids(asked(sequoia))[0])


def test_the_requests_of_an_operation_share_an_id(sequoia, collect):
    sequoia.behave(CONTENTS, status=503, times=1)
    collect(lambda client: browse(client).linked("assets"), **USER)
    found = ids(asked(sequoia))
    assert len(found) > 5
    assert len(set(found)) == 1
    assert re.fullmatch(f"user123/app101/{UUID}", found[0])
    assert ids(asked(sequoia, "registry")) == [None]


@pytest.fixture
def many(sequoia):
    """Four contents of each of 16 owners."""
    for owner in range(16):
        documents = [{"name": f"c{number}"} for number in range(4)]
        sequoia.load("metadata", "contents", documents, owner=str(owner))
    return sequoia


def owners_by_id(sequoia):
    found = defaultdict(set)
    for request in asked(sequoia):
        found[request.headers["x-correlation-id"]].add(query(request)["owner"][0])
    return found


def test_operations_of_threads_do_not_mix_their_ids(many):
    def work(owner):
        for page in client.metadata.contents.browse(owner, query_string="perPage=2"):
            assert len(page.resources) == 2

    with new_client(many, **USER) as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(work, map(str, range(16))))
    found = owners_by_id(many)
    assert len(found) == 16
    assert len(asked(many)) == 32
    assert all(len(owners) == 1 for owners in found.values())


def test_operations_of_tasks_do_not_mix_their_ids(many):
    async def work(client, owner):
        async for page in client.metadata.contents.browse(owner, query_string="perPage=2"):
            assert len(page.resources) == 2

    async def main():
        async with new_async_client(many, **USER) as client:
            await asyncio.gather(*(work(client, str(owner)) for owner in range(16)))

    asyncio.run(main())
    found = owners_by_id(many)
    assert len(found) == 16
    assert len(asked(many)) == 32
    assert all(len(owners) == 1 for owners in found.values())


def test_loops_that_take_turns_do_not_mix_their_ids(many):
    with new_client(many, **USER) as client:
        first, second = (client.metadata.contents.browse(owner, query_string="perPage=2") for owner in "12")
        for _ in zip(first, second, strict=True):
            pass
    assert sorted(map(len, owners_by_id(many).values())) == [1, 1]


def test_an_error_tells_the_id(sequoia, drive):
    sequoia.behave(CONTENTS, status=404)
    with pytest.raises(Exception, match="id mine"):
        drive(read, correlation_id="mine")
