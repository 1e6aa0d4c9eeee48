from __future__ import annotations

import datetime
import http.client

import pytest
import requests

from rest_tools.server import RestHandler, RestServer
from rest_tools.server.conditional import ETag, check_preconditions, content_etag, set_validators

MODIFIED = 784111777.9  # Sun, 06 Nov 1994 08:49:37 GMT
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"


def server_of(**present):
    """With one resource, whose methods check the preconditions by these facts."""

    class Fruit(RestHandler):
        worked = 0

        def get(self):
            check_preconditions(self, **present)
            type(self).worked += 1
            self.write({"name": "apple"})

        head = get

        def put(self):
            check_preconditions(self, **present)
            type(self).worked += 1
            set_validators(self, etag="new", last_modified=MODIFIED + 60)
            self.write({"name": "pear"})

        options = patch = delete = put

    server = RestServer()
    server.add_route("/fruit", Fruit)
    return server, Fruit


def ask(serving, method, headers, **present):
    server, handler = server_of(**present)
    with serving(server) as url:
        answer = requests.request(method, f"{url}/fruit", headers=headers, timeout=10)
    assert handler.worked == (answer.status_code == 200)
    return answer


# ------------------------------------------------------------------------------------------------ validators


@pytest.mark.parametrize(
    ("etag", "header"),
    [
        (7, '"7"'),
        ("v7", '"v7"'),
        ('"v7"', '"v7"'),
        ('W/"v7"', 'W/"v7"'),
        (ETag("v7", weak=True), 'W/"v7"'),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_to_a_read_has_the_validators(serving, method, etag, header):
    answer = ask(serving, method, {}, etag=etag, last_modified=MODIFIED)
    assert (answer.status_code, answer.headers["ETag"], answer.headers["Last-Modified"]) == (200, header, DATE)


def test_an_answer_to_a_write_has_those_that_it_made(serving):
    answer = ask(serving, "PUT", {}, etag=7)
    assert answer.headers["ETag"] == '"new"'
    assert answer.headers["Last-Modified"] == "Sun, 06 Nov 1994 08:50:37 GMT"


@pytest.mark.parametrize(
    "moment",
    [
        MODIFIED,
        datetime.datetime(1994, 11, 6, 8, 49, 37, 900_000, tzinfo=datetime.UTC),
        datetime.datetime(1994, 11, 6, 8, 49, 37),  # noqa: DTZ001
        datetime.datetime(1994, 11, 6, 9, 49, 37, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
    ],
)
def test_a_moment_in_any_form(serving, moment):
    answer = ask(serving, "GET", {"If-Modified-Since": DATE}, last_modified=moment)
    assert (answer.status_code, answer.headers["Last-Modified"]) == (304, DATE)


def test_a_version_that_no_tag_can_hold_is_a_mistake(serving, caplog):
    assert ask(serving, "GET", {}, etag="a b").status_code == 500
    assert "an entity tag holds visible characters" in caplog.text


def test_content_makes_a_tag():
    tag = content_etag({"name": "äpple"})
    assert tag == content_etag('{"name": "\\u00e4pple"}') == content_etag(b'{"name": "\\u00e4pple"}')
    assert tag != content_etag({"name": "pear"})
    assert str(content_etag("", weak=True)).startswith('W/"e3b0c442')


# ------------------------------------------------------------------------------------------------ preconditions

READ, WRITE = "GET", "PUT"
TAG = ETag("7")
WEAK = ETag("7", weak=True)


@pytest.mark.parametrize(
    ("method", "headers", "present", "status"),
    [
        # If-Match: strong comparison.
        (WRITE, {"If-Match": '"7"'}, {"etag": TAG}, 200),
        (WRITE, {"If-Match": '"6", "7"'}, {"etag": TAG}, 200),
        (WRITE, {"If-Match": '"6"'}, {"etag": TAG}, 412),
        (WRITE, {"If-Match": 'W/"7"'}, {"etag": TAG}, 412),
        (WRITE, {"If-Match": '"7"'}, {"etag": WEAK}, 412),
        (WRITE, {"If-Match": 'W/"7"'}, {"etag": WEAK}, 412),
        (WRITE, {"If-Match": "*"}, {"etag": TAG}, 200),
        (WRITE, {"If-Match": "*"}, {}, 200),
        (WRITE, {"If-Match": "*"}, {"exists": False}, 412),
        (WRITE, {"If-Match": '"7"'}, {"exists": False}, 412),
        (READ, {"If-Match": '"6"'}, {"etag": TAG}, 412),
        (READ, {"If-Match": '"7"'}, {"etag": TAG}, 200),
        # If-Unmodified-Since, where there is no If-Match.
        (WRITE, {"If-Unmodified-Since": DATE}, {"last_modified": MODIFIED}, 200),
        (WRITE, {"If-Unmodified-Since": EARLIER}, {"last_modified": MODIFIED}, 412),
        (READ, {"If-Unmodified-Since": EARLIER}, {"last_modified": MODIFIED}, 412),
        (WRITE, {"If-Unmodified-Since": "yesterday"}, {"last_modified": MODIFIED}, 200),
        (WRITE, {"If-Unmodified-Since": EARLIER}, {"etag": TAG}, 200),
        (WRITE, {"If-Unmodified-Since": EARLIER, "If-Match": '"7"'}, {"etag": TAG, "last_modified": MODIFIED}, 200),
        (WRITE, {"If-Unmodified-Since": LATER, "If-Match": '"6"'}, {"etag": TAG, "last_modified": MODIFIED}, 412),
        # If-None-Match: weak comparison.
        (READ, {"If-None-Match": '"7"'}, {"etag": TAG}, 304),
        (READ, {"If-None-Match": 'W/"7"'}, {"etag": TAG}, 304),
        (READ, {"If-None-Match": '"7"'}, {"etag": WEAK}, 304),
        (READ, {"If-None-Match": '"6", W/"7"'}, {"etag": WEAK}, 304),
        (READ, {"If-None-Match": '"6"'}, {"etag": TAG}, 200),
        (READ, {"If-None-Match": "*"}, {}, 304),
        ("HEAD", {"If-None-Match": '"7"'}, {"etag": TAG}, 304),
        (WRITE, {"If-None-Match": '"7"'}, {"etag": TAG}, 412),
        (WRITE, {"If-None-Match": '"6"'}, {"etag": TAG}, 200),
        (WRITE, {"If-None-Match": "*"}, {"etag": TAG}, 412),
        (WRITE, {"If-None-Match": "*"}, {"exists": False}, 200),
        (WRITE, {"If-Match": '"7"', "If-None-Match": '"7"'}, {"etag": TAG}, 412),
        # If-Modified-Since, for reads where there is no If-None-Match.
        (READ, {"If-Modified-Since": DATE}, {"last_modified": MODIFIED}, 304),
        (READ, {"If-Modified-Since": LATER}, {"last_modified": MODIFIED}, 304),
        (READ, {"If-Modified-Since": EARLIER}, {"last_modified": MODIFIED}, 200),
        (READ, {"If-Modified-Since": "Sunday, 06-Nov-94 08:49:37 GMT"}, {"last_modified": MODIFIED}, 304),
        (READ, {"If-Modified-Since": "784111777"}, {"last_modified": MODIFIED}, 200),
        (READ, {"If-Modified-Since": DATE}, {"etag": TAG}, 200),
        (READ, {"If-Modified-Since": LATER, "If-None-Match": '"6"'}, {"etag": TAG, "last_modified": MODIFIED}, 200),
        (WRITE, {"If-Modified-Since": LATER}, {"last_modified": MODIFIED}, 200),
        # Required, for writes.
        (WRITE, {}, {"etag": TAG, "required": True}, 428),
        ("PATCH", {}, {"etag": TAG, "required": True}, 428),
        ("DELETE", {}, {"etag": TAG, "required": True}, 428),
        (WRITE, {"If-Match": '"7"'}, {"etag": TAG, "required": True}, 200),
        (WRITE, {"If-None-Match": "*"}, {"exists": False, "required": True}, 200),
        (WRITE, {"If-None-Match": '"6"'}, {"etag": TAG, "required": True}, 428),
        (WRITE, {"If-Unmodified-Since": DATE}, {"last_modified": MODIFIED, "required": True}, 200),
        (WRITE, {"If-Unmodified-Since": DATE}, {"etag": TAG, "required": True}, 428),
        (WRITE, {"If-Unmodified-Since": "soon"}, {"last_modified": MODIFIED, "required": True}, 428),
        (READ, {}, {"etag": TAG, "required": True}, 200),
        # None at all, and what cannot be read.
        (READ, {}, {"etag": TAG, "last_modified": MODIFIED}, 200),
        (WRITE, {}, {}, 200),
        (WRITE, {"If-Match": "7"}, {"etag": TAG}, 400),
        (WRITE, {"If-None-Match": '"7'}, {"etag": TAG}, 400),
        (READ, {"If-None-Match": "7, 8"}, {"etag": TAG}, 400),
        (WRITE, {"If-Match": ""}, {"etag": TAG}, 400),
    ],
)
def test_preconditions(serving, method, headers, present, status):
    answer = ask(serving, method, headers, **present)
    assert answer.status_code == status
    if status == 304:
        assert answer.content == b""
        assert "Content-Type" not in answer.headers
        assert ("ETag" in answer.headers) == ("etag" in present)
    elif status >= 400:
        told = {412: "precondition failed: If-", 428: "this request has to be conditional", 400: "If-"}
        assert answer.json()["code"] == status
        assert answer.json()["error"].startswith(told[status])


def test_several_lines_are_one_list(serving):
    server, _ = server_of(etag=7)
    with serving(server) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        connection.putrequest("GET", "/fruit")
        connection.putheader("If-None-Match", '"6"')
        connection.putheader("If-None-Match", '"7"')
        connection.endheaders()
        assert connection.getresponse().status == 304
        connection.close()


# ------------------------------------------------------------------------------------------------ Tornado's own


def test_a_304_keeps_the_header_fields_that_were_set(serving):
    """RFC 9110, 15.4.5."""

    class Fruit(RestHandler):
        def get(self):
            self.set_header("Cache-Control", "max-age=60")
            check_preconditions(self, etag=7)

    server = RestServer()
    server.add_route("/fruit", Fruit)
    with serving(server) as url:
        answer = requests.get(f"{url}/fruit", headers={"If-None-Match": '"7"'}, timeout=10)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (304, "max-age=60")


def test_tornados_own_tag_is_left_out_where_there_is_one(serving):
    """It would match the content, and answer 304 to a client that asks for another version."""
    server, _ = server_of(etag=7)
    plain, _ = server_of()
    with serving(plain) as url:
        own = requests.get(f"{url}/fruit", timeout=10).headers["ETag"]
        assert requests.get(f"{url}/fruit", headers={"If-None-Match": own}, timeout=10).status_code == 304
    with serving(server) as url:
        answer = requests.get(f"{url}/fruit", headers={"If-None-Match": own}, timeout=10)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"7"')


def test_tornados_own_tag_stays_beside_a_date(serving):
    server, _ = server_of(last_modified=MODIFIED)
    with serving(server) as url:
        first = requests.get(f"{url}/fruit", timeout=10)
        headers = {"If-None-Match": first.headers["ETag"], "If-Modified-Since": EARLIER}
        assert requests.get(f"{url}/fruit", headers=headers, timeout=10).status_code == 304
