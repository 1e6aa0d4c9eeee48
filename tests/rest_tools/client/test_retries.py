"""The contract's table of retries: the plan by hand with a clock that is not waited for, then over the wire."""

from __future__ import annotations

import email.utils
import inspect
import pickle
import time

import pytest
import requests

from rest_tools.client import MAX_RETRIES, CalcRetryFromBackoffMax, CalcRetryFromWaittimeMax, RestClient
from rest_tools.client.failures import RetriesExhausted
from rest_tools.client.retries import backoff, total_timeout_of
from restwright import Response
from restwright.errors import (
    ApiError,
    BrokenAnswer,
    ConnectTimeout,
    NotConnected,
    NotFound,
    ReadTimeout,
    TlsError,
    TransportError,
)
from restwright.plan import under
from restwright.testing import FakeClock, Reply, faults, play, serve

RETRIED = [408, 429, 500, 502, 503, 504]
REPEATABLE = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]
WRITES = ["POST", "PATCH"]


def by_hand(*answers, method="GET", headers=None, **settings):
    """What came of a call that gets these answers, how often it was sent, and the waits between."""
    client = RestClient("http://h/api", **settings)
    plan = client._call(method, "/x", None, headers, awaited=False)
    clock, asked = FakeClock(), []
    try:
        outcome = play(under(client._connected("/x").policy, plan), *answers, clock=clock, asked=asked)
    except requests.RequestException as error:
        outcome = error
    return outcome, len(asked), clock.slept


@pytest.mark.parametrize("status", RETRIED)
@pytest.mark.parametrize("method", REPEATABLE)
def test_what_is_repeated(status, method):
    outcome, count, _ = by_hand(Response(status), Response(200, json=1), method=method)
    assert (outcome, count) == (1, 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 418, 501, 505])
def test_what_is_not(status):
    outcome, count, _ = by_hand(Response(status))
    assert isinstance(outcome, requests.HTTPError)
    assert not isinstance(outcome, requests.exceptions.RetryError)
    assert outcome.response.status_code == status
    assert count == 1


def test_413_is_if_the_server_says_when():
    patience = Response(413, headers={"Retry-After": "3"})
    assert by_hand(patience, Response(200, json=1), method="POST") == (1, 2, [3.0])
    outcome, count, _ = by_hand(patience, patience, retries=1)
    assert isinstance(outcome, requests.HTTPError)
    assert count == 2


@pytest.mark.parametrize("error", [ReadTimeout, BrokenAnswer, ConnectTimeout, NotConnected, TlsError])
def test_failures_of_the_network_are_repeated(error):
    assert by_hand(error("x"), error("x"), Response(200, json=1)) == (1, 3, [0.0, 0.6])


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_that_may_have_been_carried_out_is_not_repeated(method, status):
    outcome, count, _ = by_hand(Response(status), method=method)
    assert isinstance(outcome, requests.exceptions.RetryError)
    assert (outcome.response.status_code, count) == (status, 1)


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("error", [ReadTimeout, BrokenAnswer, TlsError])
def test_nor_one_whose_answer_was_lost(method, error):
    outcome, count, _ = by_hand(error("x"), method=method)
    assert isinstance(outcome, requests.ConnectionError)
    assert count == 1


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "refusal",
    [
        Response(408),
        Response(429),
        Response(503, headers={"Retry-After": "0"}),
        Response(413, headers={"Retry-After": "0"}),
        NotConnected("x"),
        ConnectTimeout("x"),
    ],
)
def test_a_write_that_was_surely_not_carried_out_is_repeated(method, refusal):
    assert by_hand(refusal, Response(200, json=1), method=method)[:2] == (1, 2)


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("failure", [Response(500), Response(503), ReadTimeout("x"), BrokenAnswer("x")])
def test_all_writes_are_repeated_for_those_who_want_it(method, failure):
    assert by_hand(failure, Response(200, json=1), method=method, retry_unsafe=True)[:2] == (1, 2)


def test_and_those_with_an_idempotency_key():
    assert by_hand(Response(500), Response(200, json=1), method="POST", headers={"idempotency-key": "k"})[:2] == (1, 2)


@pytest.mark.parametrize("retries", [0, 1, 3, 10, MAX_RETRIES])
def test_there_are_so_many_retries_after_the_first_attempt(retries):
    outcome, count, _ = by_hand(*[Response(503)] * (retries + 1), retries=retries, total_timeout=None)
    assert isinstance(outcome, requests.exceptions.RetryError)
    assert count == retries + 1


def test_failures_of_all_kinds_share_one_total():
    answers = [Response(503), ReadTimeout("x"), Response(429), NotConnected("x")]
    outcome, count, _ = by_hand(*answers, retries=3)
    assert isinstance(outcome, NotConnected)
    assert (count, outcome.attempts) == (4, 4)


def test_the_schedule_of_waits():
    _, _, slept = by_hand(*[Response(503)] * 11, total_timeout=None)
    assert slept == pytest.approx([0, 0.6, 1.2, 2.4, 4.8, 9.6, 19.2, 38.4, 76.8, 120])
    _, _, slept = by_hand(*[ReadTimeout("x")] * 5, retries=4, backoff_factor=1)
    assert slept == [0, 2, 4, 8]
    _, _, slept = by_hand(*[Response(503)] * 4, retries=3, backoff_factor=0)
    assert slept == [0, 0, 0]


def test_the_server_says_how_long_to_wait():
    now = time.time()
    answers = [
        Response(503, headers={"Retry-After": "7"}),
        Response(500, headers={"Retry-After": email.utils.formatdate(now + 90, usegmt=True)}),
        Response(429, headers={"Retry-After": "soon"}),
        Response(200, json=1),
    ]
    outcome, _, slept = by_hand(*answers, total_timeout=None)
    assert outcome == 1
    assert slept == [7.0, pytest.approx(90, abs=3), pytest.approx(1.2)]


def test_a_wait_that_ends_after_the_total_time_is_not_begun():
    outcome, count, slept = by_hand(Response(503, headers={"Retry-After": "100000"}))
    assert isinstance(outcome, requests.exceptions.RetryError)
    assert (count, slept) == (1, [])
    assert "past the deadline" in outcome.__notes__[0]
    assert by_hand(Response(503, headers={"Retry-After": "100000"}), Response(200, json=1), total_timeout=None)[1] == 2


def test_the_total_time_leaves_room_for_all_attempts_and_waits():
    assert total_timeout_of(10, 60, 0.3) > 11 * 60 + 273
    assert total_timeout_of(0, 1, 0) == 600
    waits = sum(backoff(failures, 0.3) for failures in range(1, 31))
    assert total_timeout_of(30, 60, 0.3) >= 31 * 60 + waits


def test_a_server_that_is_down_takes_no_retries_from_later_calls():
    client = RestClient("http://h", retries=10)
    for _ in range(20):
        asked = []
        plan = under(client._connected("/x").policy, client._call("GET", "/x", None, None, awaited=False))
        with pytest.raises(requests.exceptions.RetryError):
            play(plan, *[Response(503)] * 11, asked=asked, clock=FakeClock())
        assert len(asked) == 11


# Over the wire, in all ways.


@pytest.mark.parametrize("status", RETRIED)
def test_the_same_list_holds_for_all_ways_of_calling(connect, call, status):
    with serve([Reply(status), Reply(json=[1])]) as server:
        call(connect(server.url), "GET", "/x")
        assert len(server.requests) == 2
    with serve([Reply(status, headers={"Retry-After": "0"}), Reply(json=[1])]) as server:
        call(connect(server.url, retry_unsafe=True), "PATCH", "/x")
        assert len(server.requests) == 2


@pytest.mark.parametrize("retries", [0, 2])
def test_an_exhausted_status_has_the_last_answer(connect, call, retries):
    with serve([Reply(503, json={"code": 503, "error": "server overloaded"})]) as server:
        with pytest.raises(requests.exceptions.RetryError) as raised:
            call(connect(server.url, retries=retries), "GET", "/x")
        assert len(server.requests) == retries + 1
    error = raised.value
    assert type(error) is RetriesExhausted
    assert not isinstance(error, requests.HTTPError)
    assert error.response.json()["error"] == "server overloaded"
    assert error.attempts == retries + 1
    assert f"GET {server.url}/x: 503 Service Unavailable: server overloaded" in str(error)


def test_no_connection_is_a_connection_error(connect, call):
    with serve([Reply()]) as server:
        pass
    with pytest.raises(requests.ConnectionError) as raised:
        call(connect(server.url, retries=2), "GET", "/x")
    assert raised.value.attempts == 3


def test_a_certificate_that_does_not_hold_is_asked_for_once(connect, call, certificates):
    with serve([Reply(json=[1])], tls=certificates.server_context()) as server:
        with pytest.raises(requests.exceptions.SSLError) as raised:
            call(connect(server.url, cacert=certificates.stranger_authority), "GET", "/x")
        assert raised.value.attempts == server.connections == 1
        call(connect(server.url, cacert=certificates.authority), "GET", "/x")
        assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [faults.hang_before(), faults.hang_within_headers(), faults.late(60)])
def test_a_late_answer_is_a_connection_error_and_no_read_timeout(connect, call, fault):
    with serve([fault]) as server:
        with pytest.raises(requests.ConnectionError) as raised:
            call(connect(server.url, timeout=0.2, retries=1), "GET", "/x")
        assert len(server.requests) == 2
    assert not isinstance(raised.value, requests.Timeout)
    assert isinstance(raised.value, TransportError)
    assert isinstance(raised.value.__cause__, ReadTimeout)
    assert raised.value.attempts == 2


@pytest.mark.parametrize("fault", [faults.reset_before(), faults.garbage(), faults.half_body()])
def test_a_broken_answer_is_repeated_and_then_a_connection_error(connect, ask, fault):
    with serve([fault]) as server:
        with pytest.raises(requests.ConnectionError):
            ask(connect(server.url, retries=1), "GET", "/x")
        assert len(server.requests) == 2


def test_other_error_statuses_are_http_errors_with_what_the_server_said(connect, call):
    with serve([Reply(404, json={"code": 404, "error": "no such fruit"})]) as server:
        with pytest.raises(requests.HTTPError) as raised:
            call(connect(server.url), "GET", "/fruits/apple")
        assert len(server.requests) == 1
    error = raised.value
    assert type(error) is NotFound
    assert isinstance(error, ApiError)
    assert (error.response.status_code, error.response.json()["code"]) == (404, 404)
    assert str(error) == f"GET {server.url}/fruits/apple: 404 Not Found: no such fruit"


def test_what_the_status_line_says_too_is_said_once(connect, call):
    line = b"HTTP/1.1 400 argument amount: invalid type\r\nContent-Length: 52\r\nContent-Type: application/json\r\n\r\n"

    body = b'{"code":400,"error":"argument amount: invalid type"}'
    with serve([faults.Fault(lambda connection: connection.send(line + body))]) as server:
        with pytest.raises(requests.HTTPError) as raised:
            call(connect(server.url), "GET", "/x")
        assert str(raised.value) == f"GET {server.url}/x: 400 argument amount: invalid type"


def test_a_real_wait_is_as_long_as_the_server_says(connect, call):
    with serve([Reply(429, headers={"Retry-After": "1"}), Reply(json=[1])]) as server:
        started = time.perf_counter()
        call(connect(server.url), "POST", "/x")
        assert 0.9 < time.perf_counter() - started < 20


@pytest.mark.parametrize("status", [404, 503])
def test_errors_can_be_pickled_and_have_no_token_then(connect, ask, status):
    with serve([Reply(status, json={"error": "why"})]) as server, pytest.raises(requests.RequestException) as raised:
        ask(connect(server.url, "t0ken-s3cr3t", retries=0), "GET", "/x")
    data = pickle.dumps(raised.value)
    assert b"s3cr3t" not in data
    again = pickle.loads(data)
    assert type(again) is type(raised.value)
    assert again.response.status_code == status
    assert str(again) == str(raised.value)


# The calculators.


@pytest.mark.parametrize(
    ("backoff_max", "factor", "retries"),
    [(10, 0.3, 6), (120, 0.3, 9), (1, 0.3, 2), (0.1, 0.3, 0), (0, 0.3, 0), (120, 120, 1), (8, 1, 4), (7.9, 1, 3)],
)
def test_retries_from_the_longest_backoff(backoff_max, factor, retries):
    assert CalcRetryFromBackoffMax(backoff_max).calculate_retries(factor) == retries


def test_what_has_no_such_number():
    with pytest.raises(ValueError, match="120"):
        CalcRetryFromBackoffMax(120.1)
    with pytest.raises(ValueError, match="backoff_max"):
        CalcRetryFromBackoffMax(-1)
    with pytest.raises(ZeroDivisionError):
        CalcRetryFromBackoffMax(10).calculate_retries(0)


@pytest.mark.parametrize(
    ("waittime_max", "retries"), [(60, 0), (120, 0), (120.5, 1), (121, 1), (180.6, 1), (181, 2), (600, 7), (1e6, 31)]
)
def test_retries_from_the_longest_time_in_all(waittime_max, retries):
    assert CalcRetryFromWaittimeMax(waittime_max).calculate_retries(60, 0.3) == retries


@pytest.mark.parametrize("timeout", [1, 60])
@pytest.mark.parametrize("factor", [0, 0.3, 5])
@pytest.mark.parametrize("waittime_max", [60, 90, 200, 1000, 5000])
def test_that_number_is_the_largest_that_fits(timeout, factor, waittime_max):
    """The contract's formula, spelled out."""

    def total(n):
        return timeout + 0 + sum(timeout + min(120, 2**k * factor) for k in range(1, n)) + timeout

    expected = max([n for n in range(32) if n and total(n) < waittime_max], default=0)
    assert CalcRetryFromWaittimeMax(waittime_max).calculate_retries(timeout, factor) == expected


def test_a_time_that_is_shorter_than_one_attempt_is_refused():
    with pytest.raises(ValueError, match="waittime_max must be at least the timeout of 60"):
        CalcRetryFromWaittimeMax(59).calculate_retries(60, 0.3)


def test_a_client_takes_the_calculators():
    assert RestClient("http://h", retries=CalcRetryFromBackoffMax(10)).retries == 6
    assert RestClient("http://h", retries=CalcRetryFromWaittimeMax(600)).retries == 7
    assert RestClient("http://h", retries=30).retries == MAX_RETRIES == 30
    with pytest.raises(ValueError, match="30 or less, got 31"):
        RestClient("http://h", retries=CalcRetryFromWaittimeMax(1e9))


def test_calculators_are_equal_by_value_and_tell_it():
    assert CalcRetryFromBackoffMax(1) == CalcRetryFromBackoffMax(backoff_max=1)
    assert repr(CalcRetryFromWaittimeMax(7)) == "CalcRetryFromWaittimeMax(waittime_max=7)"
    assert list(inspect.signature(CalcRetryFromWaittimeMax).parameters) == ["waittime_max"]
