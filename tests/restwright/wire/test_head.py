"""A request as the server sees it, by either engine, and beside what `requests` sends; and the head of its answer."""

from __future__ import annotations

import asyncio

import pytest
import requests

from restwright import AsyncClient, Operations, Request, SyncClient, operation
from restwright.plan import exchange
from restwright.testing import Reply, faults, serve
from restwright.testing.connection import Fault


class Asking(Operations):
    @operation
    def ask(self, request):
        return (yield request)


class Blocking(SyncClient, Asking):
    pass


class Awaited(AsyncClient, Asking):
    pass


@pytest.fixture
def ask(mode):
    """Asks one thing after the other, by one client; what is raised is among the answers."""

    async def awaited(url, asked, settings):
        async with Awaited(url, Asking(), **settings) as client:
            return [(await asyncio.gather(client.ask(request), return_exceptions=True))[0] for request in asked]

    def blocking(url, asked, settings):
        answers = []
        with Blocking(url, Asking(), **settings) as client:
            for request in asked:
                try:
                    answers.append(client.ask(request))
                except requests.RequestException as error:
                    answers.append(error)
        return answers

    def ask(url, *asked, **settings):
        settings = {"policy": exchange, "timeout": 30, **settings}
        return blocking(url, asked, settings) if mode == "sync" else asyncio.run(awaited(url, asked, settings))

    return ask


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "M-SEARCH"])
@pytest.mark.parametrize("content", [None, b"", b"x" * 1000])
def test_the_server_sees_what_it_sees_of_requests(ask, method, content):
    with serve([Reply(json={})]) as server, requests.Session() as session:
        ask(server.url, Request(method, "/a/b?c=d", content=content, headers={"X-One": "1"}), session=session)
        session.request(method, f"{server.url}/a/b?c=d", data=content, headers={"X-One": "1"}, timeout=30)
        ours, theirs = server.requests
    assert (ours.method, ours.target, ours.body) == (theirs.method, theirs.target, theirs.body)
    expected = {**theirs.headers, "Accept-Encoding": "gzip, deflate"}
    if content == b"":
        expected["Content-Length"] = "0"  # `requests` takes it for none
    assert {name.title(): value for name, value in ours.headers.items()} == {
        name.title(): value for name, value in expected.items()
    }


def test_a_host_of_the_callers_own_is_sent_once(ask):
    with serve([Reply()]) as server:
        ask(server.url, Request("GET", "/", headers={"hOsT": "example.org"}))
        lines = [(name.lower(), value) for name, value in server.requests[0].header_lines]
    assert [value for name, value in lines if name == "host"] == ["example.org"]


def test_the_fragment_stays_here(ask):
    with serve([Reply()]) as server:
        ask(server.url, Request("GET", "/a#b"), Request("GET", f"{server.url}#b"))
        assert [request.target for request in server.requests] == ["/a", "/"]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
def test_a_header_field_cannot_bring_others_with_it(ask, value):
    with serve([Reply()]) as server:
        (refused,) = ask(server.url, Request("GET", "/", headers={"X-One": value}))
        assert isinstance(refused, requests.exceptions.InvalidHeader)
        assert "X-One" in str(refused)
        assert server.requests == []


@pytest.mark.parametrize("method", ["GET /evil HTTP/1.1\r\nX:", "GET /", "", "G\0"])
def test_a_method_is_a_token(ask, method):
    with serve([Reply()]) as server:
        (refused,) = ask(server.url, Request(method, "/"))
        assert isinstance(refused, requests.RequestException)
        assert server.requests == []


def test_header_fields_of_the_answer_are_all_there(ask):
    reply = Reply(content=b"x", headers={"X-Two": ["1", "2"], "X-Latin": "caf\xe9", "Set-Cookie": ["a=1", "b=2"]})
    with serve([reply]) as server, requests.Session() as session:
        (answer,) = ask(server.url, Request("GET", "/"), session=session)
        assert answer.headers["x-two"] == "1, 2"
        assert answer.headers["X-Latin"] == "caf\xe9"
        assert dict(session.cookies) == dict(answer.cookies) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_interim_answers_are_passed_over(ask, status):
    def play(connection):
        connection.send(b"HTTP/1.1 %d Wait\r\nX: 1\r\n\r\n" % status * 3)
        return Reply(text="done")

    with serve([Fault(play)]) as server:
        first, second = ask(server.url, Request("GET", "/"), Request("GET", "/"))
        assert first.text == second.text == "done"
        assert server.connections == 1


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize(
    "field", ["Content-Length: 9", "Transfer-Encoding: chunked", "Content-Encoding: gzip", "Content-Encoding: br"]
)
def test_what_an_answer_without_content_says_of_it_is_not_waited_for(ask, method, status, field):
    with serve(
        [Fault(lambda connection: connection.send(f"HTTP/1.1 {status} x\r\n{field}\r\n\r\n".encode()))]
    ) as server:
        (answer,) = ask(server.url, Request(method, "/"))
        assert (answer.status_code, answer.content) == (status, b"")


def test_a_connection_that_the_server_wants_closed_is_not_used_again(ask):
    with serve([Reply(text="x", headers={"Connection": "close"}), Reply(text="y")]) as server:
        assert [answer.text for answer in ask(server.url, *[Request("GET", "/")] * 2)] == ["x", "y"]
        assert server.connections == 2


def test_nor_is_one_whose_answer_was_refused(ask):
    with serve([faults.garbage(), Reply(text="y")]) as server:
        refused, answer = ask(server.url, *[Request("GET", "/")] * 2)
        assert isinstance(refused, requests.ConnectionError)
        assert answer.text == "y"
        assert server.connections == 2


def test_hosts_each_have_connections_of_their_own(ask):
    with serve([Reply(text="one")]) as one, serve([Reply(text="two")]) as two:
        asked = [Request("GET", f"{server.url}/") for server in (one, two, one, two)]
        assert [answer.text for answer in ask(one.url, *asked)] == ["one", "two", "one", "two"]
        assert (one.connections, two.connections) == (1, 1)
