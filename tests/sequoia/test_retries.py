from __future__ import annotations

import logging
from itertools import repeat

import backoff
import pytest
from tests.sequoia.asking import CONTENTS, add, asked, new_client

from restwright import where
from restwright.message import Request, Response
from sequoia.criteria import Criteria, Inclusion
from sequoia.error import ConnectionError, HttpError, Timeout, http_error  # noqa: A004
from sequoia.expectation import Expectation
from sequoia.http import HttpResponse
from sequoia.retrying import Repeat
from sequoia.strategy import Strategy

EMPTY = {"meta": {}, "contents": []}
BOTH = Criteria().add_inclusion(Inclusion.resource("assets")).add_inclusion(Inclusion.resource("categories"))


def read(client, **settings):
    return client.metadata.contents.read("o", "o:c1", **settings)


@pytest.fixture(autouse=True)
def one_content(sequoia):
    add(sequoia, "contents", {"name": "c1"})


@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 503}, {"status": 429}, {"reset": True}, {"drop": True}])
def test_what_is_transient_is_repeated(sequoia, drive, answer):
    sequoia.behave(CONTENTS, times=9, **answer)
    assert drive(read).resources
    assert len(asked(sequoia)) == 10


def test_after_ten_tries_the_last_failure_is_raised(sequoia, drive):
    sequoia.behave(CONTENTS, status=500, body={"message": "no"}, times=10)
    with pytest.raises(HttpError, match="500") as caught:
        drive(read)
    assert len(asked(sequoia)) == 10
    assert caught.value.cause.attempts == 10
    assert caught.value.message == {"message": "no"}


def test_other_statuses_only_if_they_are_listed(sequoia, drive):
    sequoia.behave(CONTENTS, status=404, times=2)
    sequoia.behave(CONTENTS, status=409, times=1)
    with pytest.raises(HttpError):
        drive(read)
    assert len(asked(sequoia)) == 1
    listed = {"max_tries": 5, "interval": 0, "retry_http_status_codes": [404, "409"]}
    assert drive(read, backoff_strategy=listed).resources


def test_a_call_has_a_strategy_of_its_own_and_leaves_it_as_it_is(sequoia, drive):
    mine = {"wait_gen": backoff.constant, "interval": 0, "max_tries": 2, "max_time": None, "jitter": None}
    before = dict(mine)
    sequoia.behave(CONTENTS, status=500, times=2)
    with pytest.raises(HttpError):
        drive(lambda client: read(client, backoff_strategy=mine))
    assert len(asked(sequoia)) == 2
    assert mine == before


def test_an_answer_that_does_not_come_is_a_timeout(sequoia, drive, no_delay):
    sequoia.behave(CONTENTS, block=True)
    with pytest.raises(Timeout) as caught:
        drive(read, request_timeout=0.5, backoff_strategy=no_delay)
    assert isinstance(caught.value.cause, TimeoutError | OSError)
    assert len(asked(sequoia)) == 3


def test_an_answer_that_comes_late_is_waited_for(sequoia, drive):
    sequoia.behave(CONTENTS, delay=0.3)
    assert drive(read, request_timeout=5).resources
    assert len(asked(sequoia)) == 1


def test_no_connection_is_a_connection_error(sequoia, drive, no_delay):
    sequoia.behave("metadata", dead=True)
    with pytest.raises(ConnectionError):
        drive(read, backoff_strategy=no_delay)


@pytest.mark.parametrize("where", ["registry", "identity/oauth/token"])
def test_a_registry_or_provider_that_does_not_answer_is_a_timeout(sequoia, drive, no_delay, where):
    sequoia.behave(where, block=True)
    with pytest.raises(Timeout):
        drive(read, request_timeout=0.5, backoff_strategy={**no_delay, "max_tries": 1})
    assert asked(sequoia) == []


@pytest.mark.parametrize(("writes", "sent"), [(True, 3), (False, 1)])
def test_writes_are_repeated_unless_one_says_no(sequoia, drive, no_delay, writes, sent):
    sequoia.behave(CONTENTS, status=503, times=3)
    with pytest.raises(HttpError):
        drive(lambda c: c.metadata.contents.store("o", {}), retry_writes=writes, backoff_strategy=no_delay)
    assert len(asked(sequoia)) == sent


def test_an_empty_result_is_asked_for_again(sequoia, drive, no_delay):
    sequoia.behave(CONTENTS, body=EMPTY, times=1)
    sequoia.behave(CONTENTS, status=204, times=1)
    sequoia.behave(CONTENTS, body={"meta": {}}, times=1)
    strategy = {**no_delay, "max_tries": 4, "retry_when_empty_result": True}
    assert drive(read, backoff_strategy=strategy).resources
    assert len(asked(sequoia)) == 4


def test_failures_and_empty_results_share_one_budget(sequoia, drive, no_delay):
    sequoia.behave(CONTENTS, status=500, times=1)
    sequoia.behave(CONTENTS, body=EMPTY, times=2)
    sequoia.behave(CONTENTS, status=500, times=1)
    response = drive(lambda client: read(client, retry_when_empty_result=True), backoff_strategy=no_delay)
    assert response.resources == []
    assert len(asked(sequoia)) == 3


def test_the_key_wins_over_the_argument(sequoia, drive, no_delay):
    sequoia.behave(CONTENTS, body=EMPTY, times=1)
    strategy = {**no_delay, "retry_when_empty_result": False}
    response = drive(lambda client: read(client, retry_when_empty_result=True, backoff_strategy=strategy))
    assert response.resources == []


def test_what_is_stored_but_not_seen_yet_is_waited_for(sequoia, collect):
    """The resource appears after two reads; what belongs to it was there before."""
    add(sequoia, "categories", {"name": "k"})
    add(sequoia, "assets", {"name": "a", "contentRef": "o:late"})
    sequoia.behave(visible_after=2)
    add(sequoia, "contents", {"name": "late", "categoryRefs": ["o:k"]})
    criteria = Criteria().add_criterion(where("name") == "late")
    (page,) = collect(
        lambda client: client.metadata.contents.browse("o", criteria, retry_when_empty_result=True),
        backoff_strategy={"interval": 0, "max_tries": 5},
    )
    assert [one["name"] for one in page.resources] == ["late"]
    assert len(asked(sequoia)) == 3


def test_linked_resources_that_are_not_seen_yet_are_waited_for(sequoia, collect):
    """Main and linked ones are late by themselves: assets by two reads of the content, a category by four."""
    add(sequoia, "contents", {"name": "c2", "categoryRefs": ["o:k"]})
    sequoia.behave(visible_after=2)
    add(sequoia, "assets", {"name": "a", "contentRef": "o:c2"})
    sequoia.behave(visible_after=4)
    add(sequoia, "categories", {"name": "k"})
    criteria = Criteria().add_criterion(where("name") == "c2")
    criteria.add_inclusion(Inclusion.resource("assets")).add_inclusion(Inclusion.resource("categories"))
    seen = {}
    for wanted in ({"contents": True}, {"assets": True}, True):
        (page,) = collect(
            lambda client, wanted=wanted: client.metadata.contents.browse(
                "o", criteria, retry_when_empty_result=wanted
            ),
            backoff_strategy={"interval": 0, "max_tries": 9},
        )
        seen[str(wanted)] = (len(asked(sequoia)), {name: len(found) for name, found in page.data["linked"].items()})
    assert seen == {
        "{'contents': True}": (1, {"assets": 0, "categories": 0}),
        "{'assets': True}": (3, {"assets": 1, "categories": 0}),
        "True": (5, {"assets": 1, "categories": 1}),
    }


def test_what_never_appears_is_waited_for_as_long_as_the_strategy_says(sequoia, collect, no_delay):
    criteria = Criteria().add_criterion(where("name") == "nothing")
    (page,) = collect(
        lambda client: client.metadata.contents.browse("o", criteria, retry_when_empty_result=True),
        backoff_strategy=no_delay,
    )
    assert (page.resources, len(asked(sequoia))) == ([], 3)


@pytest.mark.parametrize(
    ("wanted", "document", "is_met"),
    [
        (True, None, False),
        (True, {"contentSegments": [1], "linked": {"assets": [1]}}, True),
        (True, {"contentSegments": [1], "linked": {"assets": []}}, False),
        (True, {"contentSegments": [1]}, False),
        (True, {"contentSegments": [1], "linked": {"assets": [1], "others": []}}, False),
        ({"content-segments": True, "assets": False}, {"contentSegments": [1]}, True),
        ({"contentSegments": False, "assets": True}, {"linked": {"assets": [1]}}, True),
        ({"contentSegments": True, "categories": True}, {"contentSegments": [1], "linked": {}}, False),
        ({}, {}, None),
        (False, {}, None),
    ],
)
def test_what_is_expected(wanted, document, is_met):
    expectation = Expectation.of(wanted, "content-segments", ("assets",))
    assert (None if expectation is None else expectation.is_met_by(document)) is is_met


@pytest.mark.parametrize(
    ("wanted", "attempts"),
    [
        (True, 4),
        ({"contents": True}, 2),
        ({"contents": False}, 1),
        ({"contents": True, "assets": True}, 4),
        ({"contents": False, "assets": True}, 4),
        ({"contents": True, "assets": False}, 2),
        ({"contents": True, "categories": True}, 3),
    ],
)
@pytest.mark.parametrize("place", ["client", "call", "argument"])
def test_names_say_which_resources_are_waited_for(sequoia, collect, place, wanted, attempts):
    sequoia.behave(CONTENTS, body=EMPTY, times=1)
    for linked in ({}, {"categories": [{}]}, {"assets": [{}], "categories": [{}]}):
        sequoia.behave(CONTENTS, body={"meta": {}, "contents": [{}], "linked": linked}, times=1)
    strategy = {"interval": 0, "max_tries": 4}
    with_key = {**strategy, "retry_when_empty_result": wanted}
    on_call = {"call": {"backoff_strategy": with_key}, "argument": {"retry_when_empty_result": wanted}}.get(place, {})
    collect(
        lambda client: client.metadata.contents.browse("o", BOTH, **on_call),
        backoff_strategy=with_key if place == "client" else strategy,
    )
    assert len(asked(sequoia)) == attempts


def of_backoff_1():
    yield from repeat(0.01)


@pytest.mark.parametrize(
    "strategy",
    [
        {"wait_gen": of_backoff_1},
        {"wait_gen": backoff.expo, "factor": 0.01, "base": 2, "max_value": 0.05},
        {"wait_gen": backoff.fibo, "jitter": lambda delay: delay / 100},
        {"wait_gen": backoff.constant, "interval": [0.01, 0.02]},
        {"wait_gen": backoff.runtime, "value": lambda outcome: 0.01},
        {"interval": 0.01},
    ],
)
def test_one_generator_serves_failures_and_empty_results(sequoia, drive, strategy):
    sequoia.behave(CONTENTS, status=503, times=1)
    sequoia.behave(CONTENTS, body={"contents": []}, times=1)
    strategy = {**strategy, "max_tries": 3, "retry_when_empty_result": True}
    assert drive(lambda client: read(client, backoff_strategy=strategy)).resources
    assert len(asked(sequoia)) == 3
    assert strategy["retry_when_empty_result"]


# --- the loop by itself, in no time ---


def waits(took=0.0, retry_after=None, **strategy):
    """What the loop waits for when every attempt fails, after so many seconds."""
    now = [0.0]
    slept = []

    def attempt(request):
        now[0] += took
        raise http_error(Response(503, headers={"Retry-After": retry_after} if retry_after else {}), None)
        yield

    loop = Repeat(Strategy.of({"jitter": None, **strategy}), clock=lambda: now[0])
    with pytest.raises(HttpError):  # noqa: PT012  # a loop by hand
        for step in loop(Request("GET", "https://h/x"), attempt):
            now[0] += step.seconds
            slept.append(step.seconds)
    return slept


def test_delays_are_those_of_the_generator():
    assert waits(wait_gen=backoff.expo, max_tries=5) == [1, 2, 4, 8]
    assert waits(wait_gen=backoff.expo, base=3, factor=2, max_value=10, max_tries=5) == [2, 6, 10, 10]
    assert waits(wait_gen=backoff.fibo, max_tries=5) == [1, 1, 2, 3]
    assert waits(max_tries=3) == [1, 1]
    assert waits(wait_gen=lambda: iter([5, 6]), max_time=50) == [5, 6]  # as those of backoff 1, and it ends
    assert waits(wait_gen=backoff.runtime, value=lambda error: error.status_code / 503, max_tries=2) == [1]


@pytest.mark.parametrize("max_time", [{}, {"max_time": None}])
def test_without_a_limit_it_ends_after_two_minutes(max_time):
    assert sum(waits(interval=7, **max_time)) == 120


def test_an_attempt_that_began_in_time_is_made_and_no_other():
    assert waits(took=50, interval=0, max_time=100) == [0, 0]


def test_the_server_may_ask_for_a_longer_wait():
    assert waits(retry_after="3", interval=0, max_tries=3) == [3, 3]
    assert waits(retry_after="300", interval=0, max_tries=3) == []


def test_with_jitter_a_delay_is_random_up_to_its_value():
    delays = [delay for _ in range(20) for delay in waits(jitter=Strategy().jitter, interval=2, max_tries=3)]
    assert len(set(delays)) > 30
    assert all(0 <= delay <= 2 for delay in delays)


def test_limits_may_be_functions_and_success_is_told(sequoia, drive):
    told = []
    strategy = {"max_tries": lambda: 2, "interval": 0, "on_success": [told.append]}
    sequoia.behave(CONTENTS, status=500, times=1)
    assert isinstance(drive(lambda client: read(client, backoff_strategy=strategy)), HttpResponse)
    assert told[0]["tries"] == 2


@pytest.mark.parametrize("key", ["giveup", "on_backoff", "on_giveup", "intervall"])
def test_a_key_that_is_none_is_a_type_error(sequoia, key):
    with pytest.raises(TypeError, match=key):
        new_client(sequoia, backoff_strategy={key: 1})
    assert sequoia.requests == []


def test_repetitions_are_logged_without_what_was_sent(sequoia, drive, no_delay, caplog):
    caplog.set_level(logging.INFO, "sequoia")
    sequoia.behave(CONTENTS, status=500, body="in the answer")
    with pytest.raises(HttpError):
        drive(lambda c: c.metadata.contents.store("o", {"name": "in the body"}), backoff_strategy=no_delay)
    levels = [record.levelname for record in caplog.records if record.name == "sequoia.http"]
    assert levels == ["WARNING", "WARNING", "ERROR"]
    token = asked(sequoia)[0].headers["authorization"].removeprefix("Bearer ")
    records = "".join(record.getMessage() for record in caplog.records if record.name.startswith("sequoia"))
    assert all(secret not in records for secret in ("in the", token, "owner=o"))
    assert "POST" in records
