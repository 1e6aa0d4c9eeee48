"""What is sent again, how often, and after how long: the contract's 2.5."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
import requests
from tests.timing import PATIENCE

from kinto_http import KintoException, Session
from restwright.testing import Reply, faults, serve

RECORD = Reply(json={"data": {"id": "x"}, "permissions": {}})


def failing(*first):
    """Answers with these, then as it should."""
    left = list(first)
    return lambda request: left.pop(0) if left else RECORD


def timed(function):
    started = time.monotonic()
    function()
    return time.monotonic() - started


# --- the server failed ------------------------------------------------------------------------------------------------


@pytest.mark.unbatched
@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 409, 429])
@pytest.mark.parametrize("operation", ["get_record", "update_record", "delete_record"])
def test_retry_repeats_after_these_statuses(connect, status, operation):
    with serve(failing(Reply(status, json={}), Reply(status, json={}))) as server:
        getattr(connect(server.url, retry=2, retry_after=0), operation)("x")
        assert len(server.requests) == 3
        assert len({request.body for request in server.requests}) == 1


@pytest.mark.unbatched
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 412, 422])
def test_it_does_not_after_those(connect, status):
    with serve(failing(Reply(status, json={}))) as server:
        with pytest.raises(KintoException) as raised:
            connect(server.url, retry=2, retry_after=0).get_record("x")
        assert len(server.requests) == 1
    assert raised.value.response.status_code == status
    assert raised.value.attempts == 1


@pytest.mark.unbatched
def test_without_retry_nothing_is_repeated_after_a_status(connect):
    with serve(failing(Reply(503, json={}, headers={"Retry-After": "0"}))) as server:
        with pytest.raises(KintoException, match="503"):
            connect(server.url).get_record("x")
        assert len(server.requests) == 1


@pytest.mark.unbatched
def test_the_last_failure_is_told_with_its_attempts(connect):
    with serve(lambda request: Reply(503, json={"code": 503})) as server:
        with pytest.raises(KintoException) as raised:
            connect(server.url, retry=3, retry_after=0).get_record("x")
        assert len(server.requests) == 4
    assert raised.value.attempts == 4
    assert raised.value.response.status_code == 503


@pytest.mark.unbatched
@pytest.mark.parametrize("create", [{"if_not_exists": True}, {}])
def test_retries_do_not_multiply_in_nested_operations(connect, create):
    """Defect 3."""
    with serve(lambda request: Reply(503, json={})) as server:
        with pytest.raises(KintoException):
            connect(server.url, retry=2, retry_after=0).create_record("x", **create)
        assert len(server.requests) == 3


# --- how long ---------------------------------------------------------------------------------------------------------


@pytest.mark.unbatched
def test_retry_after_in_seconds(connect):
    with serve(failing(Reply(503, json={}, headers={"Retry-After": "1"}))) as server:
        caller = connect(server.url, retry=1)
        assert 1 <= timed(lambda: caller.get_record("x")) < 15


@pytest.mark.unbatched
def test_retry_after_as_a_date(connect):
    """Defect 5: it counted as 0."""
    dates, times = [], []

    def app(request):
        times.append(time.time())
        if dates:
            return RECORD
        dates.append(int(times[0]) + 2)
        return Reply(503, json={}, headers={"Retry-After": formatdate(dates[0], usegmt=True)})

    with serve(app) as server:
        connect(server.url, retry=1).get_record("x")
    assert dates[0] - 0.1 < times[1] < dates[0] + 15


@pytest.mark.unbatched
@pytest.mark.parametrize("value", ["soon", "-90", "", "90.5", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_retry_after_that_makes_no_sense_is_a_short_wait(connect, value):
    with serve(failing(Reply(503, json={}, headers={"Retry-After": value}))) as server:
        caller = connect(server.url, retry=1)
        assert timed(lambda: caller.get_record("x")) < 30
        assert len(server.requests) == 2


@pytest.mark.unbatched
@pytest.mark.parametrize("value", ["86400", "9" * 40, formatdate(4102444800, usegmt=True)])
def test_a_retry_after_of_a_day_is_not_waited_for(connect, value):
    """Defect 5: there was no cap."""
    with serve(failing(Reply(503, json={}, headers={"Retry-After": value}))) as server:
        caller = connect(server.url, retry=5)
        started = time.monotonic()
        with pytest.raises(KintoException) as raised:
            caller.get_record("x")
        assert time.monotonic() - started < 30
        assert len(server.requests) == 1
    assert raised.value.__notes__[0].startswith("gave up after 1 attempt: ")


@pytest.mark.unbatched
@pytest.mark.parametrize("seconds", [0, 0.3])
def test_retry_after_of_the_client_wins(connect, seconds):
    with serve(failing(Reply(503, json={}, headers={"Retry-After": "86400"}))) as server:
        caller = connect(server.url, retry=1, retry_after=seconds)
        assert seconds <= timed(lambda: caller.get_record("x")) < seconds + 15


@pytest.mark.unbatched
def test_the_total_time_is_never_overstepped(connect):
    with serve(lambda request: Reply(503, json={}, headers={"Retry-After": "60"})) as server:
        caller = connect(server.url, retry=10)
        caller.client.session.total_timeout = 40
        started = time.monotonic()
        with pytest.raises(KintoException, match="503"):
            caller.get_record("x")
        assert time.monotonic() - started < 20


# --- the network failed -----------------------------------------------------------------------------------------------

HANG = faults.hang_before()


@pytest.mark.unbatched
@pytest.mark.parametrize("fault", [faults.reset_before(), faults.half_body(), HANG], ids=["reset", "half", "hang"])
@pytest.mark.parametrize("operation", ["get_record", "update_record", "delete_record", "create_record", "patch_record"])
def test_a_request_that_was_not_answered_is_sent_twice(connect, fault, operation):
    """Defects 3 and 4: exactly twice, and with the same id."""
    arguments = {"data": {"a": 1}} if operation not in ("get_record", "delete_record") else {}
    ids = ["x"] if operation != "create_record" else []
    replies = iter([fault])

    def app(request):
        caller.client.session.timeout = PATIENCE  # for the next: it is the first that is to be given up soon
        return next(replies, RECORD)

    with serve(app) as server:
        caller = connect(server.url)
        if fault is HANG:
            caller.client.session.timeout = (PATIENCE, 0.3)
        getattr(caller, operation)(*ids, **arguments)
        assert len(server.requests) == 2
        assert len({(request.target, request.body) for request in server.requests}) == 1


@pytest.mark.unbatched
@pytest.mark.parametrize("settings", [{}, {"retry": 5, "retry_after": 0}])
def test_it_is_not_sent_a_third_time(connect, settings):
    with serve(lambda request: faults.reset_before()) as server:
        with pytest.raises(requests.ConnectionError) as raised:
            connect(server.url, **settings).get_record("x")
        assert len(server.requests) == 2
    assert isinstance(raised.value, KintoException)
    assert raised.value.attempts == 2


@pytest.mark.unbatched
def test_a_session_by_itself_sends_once(mode):
    with serve(lambda request: faults.reset_before()) as server, Session(server.url) as session:
        with pytest.raises(requests.ConnectionError):
            session.request("get", "/")
        assert len(server.requests) == 1


@pytest.mark.unbatched
def test_a_listing_repeats_only_the_page_that_failed(connect):
    """Defect 2: each level of the recursion repeated all that was below it."""
    failed = set()

    def app(request):
        number = int(request.query.get("page", ["0"])[0])
        if number not in failed:
            failed.add(number)
            return faults.reset_before()
        more = {"Next-Page": f"http://{request.headers['Host']}{request.path}?page={number + 1}"} if number < 3 else {}
        return Reply(json={"data": [{"id": str(number)}]}, headers=more)

    with serve(app) as server:
        assert [each["id"] for each in connect(server.url).get_records()] == ["0", "1", "2", "3"]
        assert len(server.requests) == 8


@pytest.mark.unbatched
def test_a_server_that_is_not_there(connect):
    with serve(lambda request: RECORD) as server:
        pass
    caller = connect(server.url)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError) as raised:
        caller.get_record("x")
    assert time.monotonic() - started < 15
    assert isinstance(raised.value, KintoException)
    assert raised.value.response is None
    assert raised.value.request.url.endswith("/records/x")
