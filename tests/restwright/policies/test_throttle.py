from __future__ import annotations

import email.utils
import threading
import time

import pytest

from restwright import Request, Response, throttle
from restwright.errors import DeadlineExceeded
from restwright.testing import FakeClock, play

GET = Request("GET", "http://h/x")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


def test_nothing_is_delayed_unless_the_server_asks(clock):
    policy = throttle(clock=clock)
    for _ in range(3):
        play(policy(GET), Response(200), clock=clock)
    assert clock.slept == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", [lambda: "30", lambda: email.utils.formatdate(time.time() + 30, usegmt=True)])
def test_retry_after_holds_for_all_later_calls(clock, status, form):
    policy = throttle(clock=clock)
    response = play(policy(GET), Response(status, headers={"Retry-After": form()}), clock=clock)
    assert response.status_code == status
    assert clock.slept == []
    play(policy(Request("GET", "http://h/other")), Response(200), clock=clock)
    assert clock.slept == [pytest.approx(30.0, abs=2.0)]
    play(policy(GET), Response(200), clock=clock)
    assert len(clock.slept) == 1


@pytest.mark.parametrize("status", [200, 304, 503])
def test_backoff_holds_with_any_status(clock, status):
    policy = throttle(clock=clock)
    play(policy(GET), Response(status, headers={"Backoff": "10"}), clock=clock)
    play(policy(GET), Response(200), clock=clock)
    assert clock.slept == [10.0]


def test_retry_after_counts_with_its_statuses_only(clock):
    """RFC 9110, 10.2.3: with a 301 it is about the redirect."""
    policy = throttle(clock=clock)
    play(policy(GET), Response(200, headers={"Retry-After": "30"}), clock=clock)
    play(policy(GET), Response(200), clock=clock)
    assert clock.slept == []


def test_the_later_of_two_times_counts(clock):
    policy = throttle(clock=clock)
    play(policy(GET), Response(503, headers={"Retry-After": "30", "Backoff": "10"}), clock=clock)
    policy.learn(Response(200, headers={"Backoff": "5"}))
    policy.learn(Response(200))
    play(policy(GET), Response(200), clock=clock)
    assert clock.slept == [30.0]


def test_a_deadline_that_comes_first_is_refused_at_once(clock):
    policy = throttle(clock=clock)
    policy.learn(Response(503, headers={"Retry-After": "86400"}))
    with pytest.raises(DeadlineExceeded) as raised:
        play(policy(Request("GET", "http://user:pa55@h/x", deadline=1060.0)), clock=clock)
    assert str(raised.value) == "GET http://h/x: not sent, for it is held back for 86400.0 s"
    assert clock.slept == []
    play(policy(GET.but(deadline=90_000.0)), Response(200), clock=clock)
    assert clock.slept == [86400.0]


def test_a_rate_of_ones_own(clock):
    policy = throttle(per_second=4.0, clock=clock)
    for _ in range(3):
        play(policy(GET), Response(200), clock=clock)
    assert clock.slept == [0.25, 0.25]
    clock.now += 100.0
    play(policy(GET), Response(200), clock=clock)
    assert len(clock.slept) == 2


def test_calls_that_come_together_take_turns(clock):
    policy = throttle(per_second=4.0, clock=clock)
    plans = [policy(GET) for _ in range(4)]
    steps = [next(plan) for plan in plans]
    assert [getattr(step, "seconds", 0.0) for step in steps] == [0.0, 0.25, 0.5, 0.75]


def test_threads_take_turns(clock):
    policy = throttle(per_second=1.0, clock=clock)
    delays = []

    def call() -> None:
        delays.extend(getattr(next(policy(GET)), "seconds", 0.0) for _ in range(100))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(delays) == [float(turn) for turn in range(400)]


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_misuse(rate):
    with pytest.raises(ValueError, match="per_second must be more than 0"):
        throttle(per_second=rate)
