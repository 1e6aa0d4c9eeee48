from __future__ import annotations

import time

import pytest

from restwright import Request, Response, deadline, redirect, retry, stack
from restwright.testing import FakeClock, play

GET = Request("GET", "http://h/x")


def asked(policy, request: Request, *answers, clock: FakeClock) -> list[Request]:
    sent: list[Request] = []
    play(policy(request), *answers, asked=sent, clock=clock)
    return sent


def test_an_exchange_must_be_over_in_time():
    clock = FakeClock(100.0)
    assert asked(deadline(30.0, clock=clock), GET, Response(), clock=clock)[0].deadline == 130.0


@pytest.mark.parametrize(("own", "kept"), [(110.0, 110.0), (200.0, 130.0)])
def test_the_earlier_deadline_counts(own, kept):
    clock = FakeClock(100.0)
    sent = asked(deadline(30.0, clock=clock), GET.but(deadline=own), Response(), clock=clock)
    assert sent[0].deadline == kept


def test_one_deadline_for_attempts_and_redirects_together():
    clock = FakeClock()
    policy = stack(deadline(30.0, clock=clock), retry(3, clock=clock, chance=lambda: 1.0), redirect())
    moved = Response(302, headers={"Location": "/y"}, url="http://h/x")
    sent = asked(policy, GET, Response(503), moved, Response(200), clock=clock)
    assert [request.deadline for request in sent] == [30.0, 30.0, 30.0]


def test_it_begins_with_each_exchange():
    clock = FakeClock()
    policy = deadline(30.0, clock=clock)
    asked(policy, GET, Response(), clock=clock)
    clock.now = 50.0
    assert asked(policy, GET, Response(), clock=clock)[0].deadline == 80.0


def test_it_is_on_the_monotonic_clock():
    before = time.monotonic()
    until = asked(deadline(30.0), GET, Response(), clock=FakeClock())[0].deadline
    assert until is not None
    assert before + 30.0 <= until <= time.monotonic() + 30.0


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_misuse(seconds):
    with pytest.raises(ValueError, match="deadline must be more than 0 seconds"):
        deadline(seconds)


class File:
    """Content that is streamed, and takes what is streamed."""

    length = None

    def chunks(self):
        return iter(())

    def start(self):
        """Begin anew."""

    def write(self, chunk):
        """Take it."""


@pytest.mark.parametrize("transfer", [{"sink": File()}, {"content": File()}])
def test_the_transfer_of_a_file_may_take_longer(transfer):
    clock = FakeClock(100.0)
    assert asked(deadline(30.0, clock=clock), GET.but(**transfer), Response(), clock=clock)[0].deadline is None
