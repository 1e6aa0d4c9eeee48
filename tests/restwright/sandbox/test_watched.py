"""The least service on the frame, over TLS too: it misbehaves as it is told, and notes what it was asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

import pytest
import requests

from rest_tools.server import RestServer
from restwright.sandbox.faults import Faults
from restwright.sandbox.journal import BODY_KEPT, Journal
from restwright.sandbox.listener import Listener
from restwright.sandbox.running import Running
from restwright.sandbox.tls import Tls
from restwright.sandbox.watched import WatchedHandler


class Thing(WatchedHandler):
    endpoint_name = "thing"

    def check_xsrf_cookie(self):
        pass

    def get(self):
        self.write({"things": [1]})

    post = put = get


class Other(Thing):
    endpoint_name = "other"


class Service:
    control_url = None

    def __init__(self, tls="off"):
        self.journal = Journal()
        self.faults = Faults(("thing", "other"), {})
        server = RestServer(log_function=lambda handler: None)
        server.add_route("/thing", Thing, {"watcher": self})
        server.add_route("/other", Other, {"watcher": self})
        self.tls = Tls(tls, "127.0.0.1", ())
        self.listener = Listener(server, "127.0.0.1", 0, tls=self.tls.context())

    @property
    def url(self):
        return self.listener.url

    def fault_for(self, endpoint):
        return self.faults.fault_for(endpoint)

    async def start(self):
        self.listener.start()

    async def stop(self):
        await self.listener.stop()

    async def behave_well(self):
        self.faults = Faults(("thing", "other"), {})

    async def reset(self):
        await self.behave_well()
        self.journal = Journal()


class Sandbox(Running[Service]):
    def behave(self, endpoint=None, *, times=None, **how):
        self._loop.call(self._service.faults.demand, endpoint, times, how)

    def play_dead(self, is_dead):
        self._loop.run(self._service.listener.play_dead(is_dead=is_dead))


@pytest.fixture(scope="module")
def plain():
    with Sandbox(Service()) as running:
        yield running


@pytest.fixture(scope="module")
def with_tls():
    with Sandbox(Service("on")) as running:
        yield running


@pytest.fixture
def sandbox(plain):
    plain.reset()
    return plain


@pytest.fixture(params=["http", "https"])
def either(request, plain, with_tls):
    running = plain if request.param == "http" else with_tls
    running.reset()
    return running


@pytest.fixture
def ask():
    def send(sandbox, path="/thing", method="GET", **options):
        made = sandbox.certificates
        options = {"timeout": 30, "allow_redirects": False, "verify": made and made.authority, **options}
        return requests.request(method, sandbox.url + path, **options)

    return send


def test_its_url_says_what_it_speaks(plain, with_tls, ask):
    assert plain.url.startswith("http://127.0.0.1:")
    assert with_tls.url.startswith("https://127.0.0.1:")
    assert ask(with_tls).json() == {"things": [1]}


def test_it_plays_dead_with_tls_and_lives_again_where_it_was(with_tls, ask):
    with_tls.play_dead(is_dead=True)
    with pytest.raises(requests.ConnectionError, match="refused"):
        ask(with_tls)
    with_tls.play_dead(is_dead=False)
    assert ask(with_tls).ok


# ------------------------------------------------------------------------------------------------ sequences


def test_faults_queue_until_all_is_well(sandbox, ask):
    sandbox.behave("thing", status=503, times=2)
    sandbox.behave("thing", status=429, retry_after=1, times=1)
    assert [ask(sandbox).status_code for _ in range(5)] == [503, 503, 429, 200, 200]
    assert [one.status for one in sandbox.requests] == [503, 503, 429, 200, 200]


def test_each_endpoint_has_its_own_queue_and_may_stay_broken(sandbox, ask):
    sandbox.behave("thing", status=404, times=1)
    sandbox.behave("other", status=401)
    answers = [ask(sandbox, path).status_code for path in ("/thing", "/other", "/other", "/thing", "/other")]
    assert answers == [404, 401, 401, 200, 401]


def test_a_sequence_may_be_of_all_kinds(either, ask):
    either.behave("thing", body={"things": []}, times=2)
    either.behave("thing", redirect_to="/other", times=1)
    either.behave("thing", drop=True, times=1)
    either.behave("thing", html=True, status=500, times=1)
    either.behave("thing", delay=0.05, times=1)
    seen = []
    for _ in range(7):
        try:
            answer = ask(either)
        except requests.ConnectionError:
            seen.append("gone")
        else:
            seen.append(answer.headers.get("Location") or answer.text[:14])
    assert seen == [
        '{"things": []}',
        '{"things": []}',
        "/other",
        "gone",
        "<!doctype html",
        '{"things": [1]',
        '{"things": [1]',
    ]


# ------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("how", "status", "content", "media_type"),
    [
        ({"body": {"a": [1]}}, 200, b'{"a": [1]}', "application/json"),
        ({"body": []}, 200, b"[]", "application/json"),
        ({"body": {"error": "no"}, "status": 409}, 409, b'{"error": "no"}', "application/json"),
        ({"body": "{broken", "status": 201}, 201, b"{broken", "text/plain; charset=utf-8"),
        ({"body": b"\xff\xfe"}, 200, b"\xff\xfe", "application/octet-stream"),
        ({"body": "", "status": 503}, 503, b"", "text/plain; charset=utf-8"),
        ({"status": 204}, 204, b"", None),
        ({"status": 304}, 304, b"", None),
        ({"status": 202}, 202, b"", None),
        ({"oversized": 20, "status": 500}, 500, b'{"filler": "      "}', "application/json"),
    ],
)
def test_an_answer_may_be_any(sandbox, ask, how, status, content, media_type):
    sandbox.behave("thing", **how)
    answer = ask(sandbox)
    assert (answer.status_code, answer.content) == (status, content)
    assert media_type is None or answer.headers["Content-Type"] == media_type


def test_an_answer_has_the_header_fields_that_were_told(sandbox, ask):
    headers = {"Content-Type": "application/vnd.piksel+json", "X-Tag": "7"}
    sandbox.behave("thing", body={"a": 1}, headers=headers, times=1)
    sandbox.behave("thing", status=503, headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, times=1)
    good, bad = ask(sandbox), ask(sandbox)
    assert headers.items() <= good.headers.items()
    assert bad.headers["Retry-After"].endswith("2100 00:00:00 GMT")
    assert bad.json() == {"code": 503, "error": "this was demanded"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_has_a_status_of_choice_and_may_be_relative(sandbox, ask, status):
    sandbox.behave("thing", redirect_to="other?a=1", status=status)
    answer = ask(sandbox)
    assert (answer.status_code, answer.headers["Location"]) == (status, "other?a=1")
    assert ask(sandbox, allow_redirects=True).url == f"{sandbox.url}/other?a=1"


def test_redirects_may_be_a_loop(sandbox, ask):
    sandbox.behave("thing", redirect_to="/other")
    sandbox.behave("other", redirect_to="/thing", status=302)
    with pytest.raises(requests.TooManyRedirects):
        ask(sandbox, allow_redirects=True)
    assert len(sandbox.requests) == 31


@pytest.mark.parametrize("status", [{}, {"status": 301}])
def test_a_redirect_may_come_late(sandbox, ask, status):
    sandbox.behave("thing", redirect_to="/other", delay=0.1, **status)
    begin = time.monotonic()
    assert ask(sandbox).status_code == status.get("status", 307)
    assert time.monotonic() - begin >= 0.1


# ------------------------------------------------------------------------------------------------ none


@pytest.mark.parametrize(("fault", "error"), [("drop", None), ("reset", ConnectionResetError)])
def test_a_connection_is_closed_or_reset(sandbox, fault, error):
    sandbox.behave("thing", **{fault: True})
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as client:
        client.sendall(b"GET /thing HTTP/1.1\r\nHost: x\r\n\r\n")
        if error is None:
            assert client.recv(10) == b""
        else:
            with pytest.raises(error):
                client.recv(10)


def test_a_connection_with_tls_is_reset(with_tls):
    with_tls.reset()
    with_tls.behave("thing", reset=True, times=1)
    port = int(with_tls.url.rpartition(":")[2])
    trust = ssl.create_default_context(cafile=with_tls.certificates.authority)
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as client,
    ):
        client.sendall(b"GET /thing HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):  # below TLS, which calls it an end
            list(iter(lambda: socket.socket.recv(client, 1000), b""))


# ------------------------------------------------------------------------------------------------ what it was asked


def test_it_notes_bodies_and_shows_no_secrets(sandbox, ask):
    ask(sandbox, "/thing?key=s3cr3t", "POST", json={"password": "s3cr3t"}, headers={"Authorization": "Bearer s3cr3t"})
    ask(sandbox, method="PUT", data=b"\xffs3cr3t")
    ask(sandbox)
    first, second, third = sandbox.requests
    assert first.json() == {"password": "s3cr3t"}
    assert (second.body, third.body, third.json()) == (b"\xffs3cr3t", b"", None)
    assert first.headers["authorization"] == "Bearer s3cr3t"
    assert "s3cr3t" not in repr(sandbox.requests)
    with pytest.raises(ValueError, match="utf-8"):
        second.json()


def test_of_a_long_body_the_beginning_is_noted(sandbox, ask):
    assert ask(sandbox, method="POST", data=b'"' + b"x" * 2 * BODY_KEPT + b'"').ok
    assert sandbox.requests[0].body == b'"' + b"x" * (BODY_KEPT - 1)
    with pytest.raises(ValueError, match="Unterminated"):
        sandbox.requests[0].json()


# ------------------------------------------------------------------------------------------------ misuse


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ({"body": 1}, TypeError, "body must be of type dict or list or str or bytes, got 1"),
        ({"headers": ["a"]}, TypeError, "headers must be of type dict"),
        ({"status": 600}, ValueError, "status must be 200 to 599, got 600"),
        ({"status": 100}, ValueError, "status must be 200 to 599, got 100"),
        ({"status": 500, "headers": {"X-A": 1}}, ValueError, "got X-A: 1"),
        ({"status": 500, "headers": {"X-A": "1\r\nX-B: 2"}}, ValueError, "headers must be header fields"),
        ({"status": 500, "headers": {"X A": "1"}}, ValueError, "headers must be header fields"),
        ({"status": 500, "headers": {"Content-Length": "1"}}, ValueError, "none that frame the answer"),
        ({"redirect_to": "/a\r\nX-B: 2"}, ValueError, "got Location: "),
        ({"headers": {"X-A": "1"}}, ValueError, "headers are for an answer with one of status, body, html"),
        ({"headers": {"X-A": "1"}, "delay": 1}, ValueError, "headers are for an answer"),
        ({"headers": {"X-A": "1"}, "drop": True}, ValueError, "status and headers are for an answer, got drop"),
        ({"status": 500, "reset": True}, ValueError, "status and headers are for an answer, got reset"),
        ({"body": {}, "html": True}, ValueError, "there is one answer at most, got body, html"),
        ({"body": "", "block": True}, ValueError, "there is one answer at most, got body, block"),
        ({"drop": True, "reset": True}, ValueError, "there is one answer at most, got drop, reset"),
        ({"redirect_to": "/", "status": 300}, ValueError, "status of a redirect must be one of .*, got 300"),
        ({"redirect_to": "/", "status": 500}, ValueError, "status of a redirect must be one of .*, got 500"),
        ({"body": {}, "status": 204}, ValueError, "an answer of status 204 has no content, got body"),
        ({"html": True, "status": 304}, ValueError, "an answer of status 304 has no content, got html"),
    ],
)
def test_what_cannot_be_demanded_is_told_and_changes_nothing(sandbox, ask, how, kind, words):
    with pytest.raises(kind, match=words):
        sandbox.behave("thing", **how)
    assert ask(sandbox).ok


def test_what_is_false_is_not_demanded(sandbox, ask):
    sandbox.behave("thing", html=False, drop=False, reset=False, block=False, body={"a": 1})
    assert ask(sandbox).json() == {"a": 1}


def test_who_leaves_before_a_late_reset_is_no_error(sandbox, ask, caplog):
    sandbox.behave("thing", reset=True, delay=0.2, times=1)
    with contextlib.suppress(requests.RequestException):
        ask(sandbox, timeout=0.05)
    time.sleep(0.3)
    assert ask(sandbox).ok
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
