"""Defects of the released package that concern more than one kind of operation; others are named where they belong."""

import datetime
import time
from email.utils import format_datetime

import pytest
import requests

from kinto_http import KintoException
from restwright.testing import Reply
from restwright.testing.faults import reset_before


def losing(count, method, *, done):
    """A network that loses the first answers to a method, after the work was done or before."""
    left = [None] * count

    def meddle(request, forward):
        if request.method == method and left:
            left.pop()
            if done:
                forward()
            return reset_before()
        return forward()

    return meddle


@pytest.fixture
def relayed(client, relay):
    return client.clone(server_url=relay.url)


@pytest.mark.unbatched
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_records", {}),
        ("get_record", {"id": "r"}),
        ("patch_record", {"id": "r", "data": {"n": 1}}),
        ("create_record", {"id": "r", "if_not_exists": True}),
        ("delete_record", {"id": "r"}),
        ("delete_records", {}),
        ("get_records_timestamp", {}),
        ("server_info", {}),
    ],
)
def test_each_request_is_tried_twice_and_no_more(client, relayed, relay, name, arguments):
    """Defects 2 and 3: nested operations made 4 tries, and a page in the depth 2 to the power of its depth."""
    client.create_record("r")
    relay.meddle = lambda request, forward: reset_before()
    with pytest.raises(KintoException) as raised:
        getattr(relayed, name)(**arguments)
    assert isinstance(raised.value, requests.ConnectionError)  # defect 18
    assert raised.value.attempts == 2
    assert len(relay.seen()) == 2


@pytest.mark.unbatched
def test_only_the_page_that_failed_is_asked_for_again(client, small_pages, paginated_relay):
    """Defect 2: earlier pages were fetched again."""
    for number in range(12):
        small_pages.create_record(f"r{number}")
    seen = []

    def meddle(request, forward):
        seen.append(request.target)
        return reset_before() if len(seen) in (2, 4) else forward()

    paginated_relay.meddle = meddle
    assert len(small_pages.clone(server_url=paginated_relay.url).get_records()) == 12
    assert len(seen) == 5
    assert len(set(seen)) == 3


@pytest.mark.unbatched
def test_a_lost_answer_creates_no_second_record(client, relayed, relay):
    """Defect 4: each try had an id of its own."""
    relay.meddle = losing(1, "PUT", done=True)
    created = relayed.create_record(data={"n": 1})
    assert [each["id"] for each in client.get_records()] == [created["data"]["id"]]
    assert created["data"]["n"] == 1
    assert len(relay.seen("PUT")) == 2


@pytest.mark.unbatched
@pytest.mark.parametrize("kind_of", ["bucket", "group", "collection", "record"])
def test_a_creation_whose_answer_was_lost_is_no_conflict_with_itself(relayed, relay, kind_of, new_id):
    """Defect 4: it was told as a 412."""
    relay.meddle = losing(1, "PUT", done=True)
    assert getattr(relayed, f"create_{kind_of}")(new_id, data={"n": 1})["data"]["n"] == 1


@pytest.mark.unbatched
def test_a_creation_in_the_place_of_anothers_stays_a_conflict(client, relayed, relay):
    """Defect 4: only what was sent itself is taken for a success."""
    client.create_record("r", data={"n": 2})
    relay.meddle = losing(1, "PUT", done=False)
    with pytest.raises(KintoException) as raised:
        relayed.create_record("r", data={"n": 1})
    assert raised.value.response.status_code == 412
    assert client.get_record("r")["data"]["n"] == 2


@pytest.mark.unbatched
def test_a_deletion_whose_answer_was_lost_is_done(client, relayed, relay):
    client.create_record("r")
    relay.meddle = losing(1, "DELETE", done=True)
    gone = relayed.delete_record("r")
    assert (gone["id"], gone["deleted"]) == ("r", True)
    assert client.get_records() == []


@pytest.mark.unbatched
def test_a_bulk_deletion_with_lost_answers_deletes_everything(client, small_pages, paginated_relay):
    """Tokens of deletions count once: the page whose answer was lost is gone, and is not asked for again."""
    for number in range(12):
        small_pages.create_record(f"r{number}")
    deletions = []

    def meddle(request, forward):
        if request.method == "DELETE":
            deletions.append(request.target)
            if len(deletions) == 2:
                forward()
                return reset_before()
        return forward()

    paginated_relay.meddle = meddle
    gone = small_pages.clone(server_url=paginated_relay.url).delete_records()
    assert small_pages.get_records() == []
    assert len({each["id"] for each in gone}) == 7  # of the lost answer nothing is known


def in_a_second():
    return "1", time.time() + 1


def at_a_date():
    """In two seconds or a little less: a date has whole ones."""
    date = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=2)
    return format_datetime(date, usegmt=True), date.timestamp()


@pytest.mark.unbatched
@pytest.mark.parametrize("pause", [in_a_second, at_a_date], ids=["seconds", "date"])
def test_a_pause_is_understood_in_both_forms(relayed, relay, pause):
    """Defect 5: a date counted as no pause at all."""
    times, ends = [], []

    def meddle(request, forward):
        times.append(time.time())
        if len(times) > 1:
            return forward()
        value, end = pause()
        ends.append(end)
        return Reply(503, json={}, headers={"Retry-After": value})

    relay.meddle = meddle
    relayed.clone(retry=1).get_records()
    assert ends[0] - 0.1 < times[1] < ends[0] + 15


@pytest.mark.unbatched
def test_a_page_elsewhere_gets_no_credentials(relayed, relay):
    """Defect 13."""
    with_other_origin = []

    def meddle(request, forward):
        answer = forward()
        if not with_other_origin:
            with_other_origin.append(request)
            elsewhere = f"http://localhost:{relay.url.rpartition(':')[2]}/buckets"
            answer.headers.append(("Next-Page", elsewhere))
        return answer

    relay.meddle = meddle
    with pytest.raises(KintoException):
        relayed.get_buckets()
    first, second = relay.seen()
    assert "Authorization" in first.headers
    assert "Authorization" not in second.headers


@pytest.mark.unbatched
def test_an_error_is_true_and_a_response_of_requests(client):
    """Defect 15: `if e.response and e.response.status_code == 404` was never so."""
    with pytest.raises(KintoException) as raised:
        client.get_record("missing")
    error = raised.value
    assert error.response
    assert error.response.status_code == 404
    assert isinstance(error.response, requests.Response)
    assert error.request.method == "GET"
    assert str(error).startswith(f"GET {error.request.path_url} - 404 ")


def test_a_deletion_has_no_body(client, relayed, relay):
    """Defect 19."""
    client.create_record("r")
    relayed.delete_record("r")
    assert all(each.body == b"" for each in relay.seen("DELETE"))


@pytest.mark.unbatched
@pytest.mark.parametrize("answer", [Reply(200, text="<html>"), Reply(200, content=b"")], ids=["html", "nothing"])
def test_an_answer_that_is_not_json_is_a_kinto_exception(relayed, relay, answer):
    """Defect 18."""
    relay.meddle = lambda request, forward: answer
    with pytest.raises(KintoException) as raised:
        relayed.get_record("r")
    assert isinstance(raised.value, requests.RequestException)
