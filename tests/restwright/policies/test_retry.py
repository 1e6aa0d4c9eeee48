from __future__ import annotations

import contextlib
import email.utils
import time

import pytest
import requests

from restwright import Request, Response, stack
from restwright.errors import (
    BrokenAnswer,
    CertificateError,
    ConnectTimeout,
    DeadlineExceeded,
    NotConnected,
    ProxyError,
    ReadTimeout,
    RestwrightError,
    ServerError,
    TlsError,
    TooLarge,
    TransportError,
)
from restwright.plan import fetch, under
from restwright.policies import RetryBudget, deadline, retry, throttle
from restwright.policies.retry import backoff
from restwright.testing import FakeClock, play

GET = Request("GET", "/")
POST = Request("POST", "/")


def steady(**settings):
    """Without chance: each wait is the longest there is."""
    return retry(**{"chance": lambda: 1.0, "clock": FakeClock(), **settings})


def attempts(policy, request, *answers) -> int:
    """How often `request` is sent when these are the answers."""
    asked: list[Request] = []
    with contextlib.suppress(requests.RequestException, AssertionError):
        play(policy(request), *answers, asked=asked)
    return len(asked)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_transient_status_is_tried_again(status):
    response = play(steady()(GET), Response(status), Response(200))
    assert response.status_code == 200
    assert response.attempts == 2


@pytest.mark.parametrize("status", [200, 304, 400, 401, 404, 409, 412, 500, 501])
def test_other_statuses_are_not(status):
    response = play(steady()(GET), Response(status))
    assert response.status_code == status
    assert response.attempts == 1


def test_which_statuses_can_be_chosen():
    assert play(steady(statuses={409})(GET), Response(409), Response(200)).status_code == 200
    assert play(steady(statuses={409})(GET), Response(503)).status_code == 503


def test_the_last_answer_is_handed_on_with_its_attempts():
    response = play(steady(attempts=3)(GET), Response(503), Response(503), Response(503))
    assert (response.status_code, response.attempts) == (503, 3)


@pytest.mark.parametrize("error", [ReadTimeout("x"), BrokenAnswer("x"), TransportError("x"), requests.Timeout("x")])
def test_a_network_error_is_tried_again_for_an_idempotent_method(error):
    assert play(steady()(GET), error, Response(200)).attempts == 2
    assert play(steady()(Request("DELETE", "/")), error, Response(200)).attempts == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_certificate_that_does_not_hold_is_not_tried_again(method):
    assert attempts(steady(), Request(method, "/"), CertificateError("expired"), Response(200)) == 1
    assert attempts(steady(), GET, TlsError("broke off"), Response(200)) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("failure", [ReadTimeout("x"), BrokenAnswer("x"), TransportError("x"), TlsError("x"), 503, 429])
def test_a_write_is_not_repeated(method, failure):
    answer = Response(failure) if isinstance(failure, int) else failure
    assert attempts(steady(), Request(method, "/"), answer, Response(200)) == 1


@pytest.mark.parametrize("error", [NotConnected("x"), ConnectTimeout("x"), ProxyError("x")])
def test_a_write_whose_connection_never_opened_is_repeated(error):
    assert play(steady()(POST), error, Response(201)).attempts == 2


@pytest.mark.parametrize("failure", [ReadTimeout("x"), Response(503)])
@pytest.mark.parametrize("request_", [POST.with_header("idempotency-key", "k1"), POST.but(repeatable=True)])
def test_a_write_that_may_be_repeated_is(request_, failure):
    asked: list[Request] = []
    assert play(steady()(request_), failure, Response(201), asked=asked).status_code == 201
    assert asked == [request_, request_]


def test_a_read_that_may_not_be_repeated_is_not():
    assert attempts(steady(), GET.but(repeatable=False), Response(503), Response(200)) == 1


def test_any_method_is_about_statuses_only():
    """The service promises that an answer of these means that nothing was done; it cannot for no answer."""
    assert attempts(steady(any_method=True), POST, Response(503), Response(200)) == 2
    assert attempts(steady(any_method=True), POST, ReadTimeout("x"), Response(200)) == 1


def test_attempts_are_counted_apart_for_answers_and_the_network():
    policy = steady(attempts=1, network_attempts=2)
    assert attempts(policy, GET, Response(503), Response(200)) == 1
    assert attempts(policy, GET, ReadTimeout("x"), Response(200)) == 2
    assert attempts(policy, GET, ReadTimeout("x"), ReadTimeout("x"), Response(200)) == 2
    policy = steady(attempts=3, network_attempts=1)
    assert attempts(policy, GET, Response(503), ReadTimeout("x"), Response(200)) == 2
    policy = steady(attempts=2, network_attempts=2)
    assert attempts(policy, GET, Response(503), ReadTimeout("x"), Response(200)) == 3


def test_attempts_are_counted_together_otherwise():
    assert attempts(steady(attempts=2), GET, Response(503), ReadTimeout("x"), Response(200)) == 2
    assert attempts(steady(attempts=2), GET, ReadTimeout("x"), Response(503), Response(200)) == 2


@pytest.mark.parametrize("error", [ReadTimeout("x"), TooLarge("x"), NotConnected("x")])
def test_an_error_knows_the_attempts(error):
    with pytest.raises(RestwrightError) as raised:
        play(steady(attempts=2)(GET), Response(503), error)
    assert raised.value is error
    assert error.attempts == 2
    assert str(error) == "x (2 attempts)"


def test_an_error_of_another_adapter_tells_them_in_a_note():
    with pytest.raises(requests.ConnectionError) as raised:
        play(steady(attempts=2)(GET), requests.ConnectionError("x"), requests.ConnectionError("y"))
    assert str(raised.value) == "y"
    assert raised.value.__notes__ == ["2 attempts"]


@pytest.mark.parametrize("error", [TooLarge("x"), requests.exceptions.InvalidURL("x"), ValueError("x")])
def test_other_errors_are_not_tried_again(error):
    with pytest.raises(type(error)):
        play(steady()(GET), error)


def test_a_passed_deadline_is_not_tried_again():
    with pytest.raises(DeadlineExceeded):
        play(steady()(GET), DeadlineExceeded("x"))


# Waits


@pytest.mark.parametrize(
    ("form", "seconds"),
    [
        (lambda now: "7", 7.0),
        (lambda now: "0", 0.0),
        (lambda now: email.utils.formatdate(now + 60, usegmt=True), 60.0),
        (lambda now: email.utils.formatdate(now - 60, usegmt=True), 0.0),
        (lambda now: "soon", 0.1),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_server_says_how_long_to_wait(form, seconds, status):
    clock = FakeClock()
    answer = Response(status, headers={"Retry-After": form(time.time())})
    play(steady()(GET), answer, Response(200), clock=clock)
    assert clock.slept == [pytest.approx(seconds, abs=2.0)]
    assert (clock.slept[0] == 0.0) == (seconds == 0.0)


def test_a_wait_of_ones_own_goes_before_the_servers():
    clock = FakeClock()
    play(steady(wait=0.0)(GET), Response(503, headers={"Retry-After": "86400"}), Response(200), clock=clock)
    play(steady(wait=2.0)(GET), Response(503), Response(200), clock=clock)
    play(steady(wait=1000.0)(GET), Response(503), Response(200), clock=clock)
    assert clock.slept == [0.0, 2.0, 1000.0]


def test_delays_double_up_to_a_bound():
    clock = FakeClock()
    play(steady(attempts=7, delay_first=1.0, delay_max=10.0)(GET), *[Response(503)] * 6, Response(200), clock=clock)
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_full_jitter(chance):
    """Each wait is anything from nothing to the whole delay, so that clients do not come back together."""
    clock = FakeClock()
    policy = steady(attempts=4, delay_first=1.0, chance=lambda: chance)
    play(policy(GET), Response(503), ReadTimeout("x"), Response(503), Response(200), clock=clock)
    assert clock.slept == [1.0 * chance, 2.0 * chance, 4.0 * chance]


def test_chance_is_real_unless_it_is_given():
    delays = {backoff(1, first=1.0) for _ in range(100)}
    assert len(delays) > 90
    assert 0.0 <= min(delays) < 0.2
    assert 0.8 < max(delays) <= 1.0


def test_a_long_series_of_failures_overflows_nothing():
    assert backoff(10**6, first=1.0, most=20.0, chance=lambda: 1.0) == 20.0


# Giving up


def test_the_deadline_is_not_overstepped():
    clock = FakeClock(100.0)
    policy = steady(attempts=9, delay_first=4.0, clock=clock)
    response = play(policy(GET.but(deadline=110.0)), Response(503), Response(503), clock=clock)
    assert clock.slept == [4.0]
    assert clock() < 110.0
    assert response.attempts == 2
    error = raised_by(response)
    assert error.__notes__ == ["gave up after 2 attempts: the next, in 8.0 s, is past the deadline"]


def raised_by(*answers) -> ServerError:
    with pytest.raises(ServerError) as raised:
        play(fetch(GET), *answers)
    return raised.value


def test_a_retry_after_of_a_day_gives_up_at_once_with_a_note():
    clock = FakeClock()
    policy = stack(deadline(60.0, clock=clock), steady(clock=clock))
    with pytest.raises(ServerError) as raised:
        play(under(policy, fetch(GET)), Response(503, headers={"Retry-After": "86400"}), clock=clock)
    assert clock.slept == []
    assert raised.value.attempts == 1
    assert raised.value.__notes__ == ["gave up after 1 attempt: the next, in 86400.0 s, is past the deadline"]


def test_a_retry_after_of_a_day_gives_up_at_once_without_a_deadline_too():
    clock = FakeClock()
    answer = Response(503, headers={"Retry-After": "86400"})
    response = play(steady(clock=clock)(GET), answer, clock=clock)
    assert clock.slept == []
    assert raised_by(response).__notes__ == ["gave up after 1 attempt: the server asks to wait 86400 s"]


def test_how_long_a_retry_after_is_granted_can_be_chosen():
    answer = Response(503, headers={"Retry-After": "60"})
    assert attempts(steady(), GET, answer, Response(200)) == 2
    assert attempts(steady(retry_after_max=59.0), GET, answer, Response(200)) == 1


def test_a_network_error_that_is_given_up_on_has_the_note():
    with pytest.raises(ReadTimeout) as raised:
        play(steady(delay_first=5.0)(GET.but(deadline=1.0)), ReadTimeout("x"))
    assert raised.value.__notes__ == ["gave up after 1 attempt: the next, in 5.0 s, is past the deadline"]


def test_a_budget_that_calls_share_bounds_their_retries():
    budget = RetryBudget(capacity=2.0, earned_per_call=0.0)
    policy = steady(attempts=3, budget=budget)
    response = play(policy(GET), Response(503), Response(503), Response(503))
    assert response.attempts == 3
    response = play(policy(GET), Response(503))
    assert response.attempts == 1
    assert raised_by(response).__notes__ == ["gave up after 1 attempt: the retry budget is spent"]
    assert attempts(steady(budget=budget), GET, ReadTimeout("x"), Response(200)) == 1


def test_each_call_earns_a_part_of_a_retry():
    budget = RetryBudget(capacity=1.0, earned_per_call=0.5)
    policy = steady(attempts=2, budget=budget)
    assert budget.spend()
    assert [attempts(policy, GET, Response(503), Response(503)) for _ in range(4)] == [1, 2, 1, 2]


def test_a_budget_belongs_to_the_policy_unless_it_is_given():
    policy = steady(attempts=2)
    sent = [attempts(policy, GET, Response(503), Response(503)) for _ in range(150)]
    assert sent[:100] == [2] * 100
    assert 1 in sent
    assert attempts(steady(attempts=2), GET, Response(503), Response(503)) == 2


def test_a_budget_is_earned_by_calls_and_bounded():
    budget = RetryBudget(capacity=2.0, earned_per_call=0.5)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
    for _ in range(100):
        budget.earn()
    assert budget.left == 2.0


def test_waits_of_retry_and_throttle_do_not_add_up():
    clock = FakeClock()
    policy = stack(steady(clock=clock), throttle(clock=clock))
    play(policy(GET), Response(503, headers={"Retry-After": "5"}), Response(200), clock=clock)
    assert sum(clock.slept) == 5.0


@pytest.mark.parametrize("settings", [{"attempts": 0}, {"network_attempts": 0}])
def test_misuse(settings):
    with pytest.raises(ValueError, match="attempts must be 1 or more"):
        retry(**settings)


def test_what_is_worth_repeating_can_be_said_otherwise():
    policy = steady(worth_repeating=lambda request, response: response.status_code == 404 and request.method == "POST")
    assert attempts(policy, POST, Response(404), Response(200)) == 2
    assert attempts(policy, GET, Response(404)) == 1
    assert attempts(policy, GET, Response(503)) == 1


def test_delays_can_be_said_otherwise():
    clock = FakeClock()
    answers = [Response(503), ReadTimeout("late"), Response(503, headers={"Retry-After": "7"}), Response(200)]
    play(retry(4, delay=lambda failures: failures * 10.0)(GET), *answers, clock=clock)
    assert clock.slept == [10.0, 20.0, 7.0]
