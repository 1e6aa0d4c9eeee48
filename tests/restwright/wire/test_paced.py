"""An answer as it comes over a socket: its status line, its header section, and where its content ends."""

from __future__ import annotations

import http.client
import socket

import pytest

from restwright.wire.paced import PacedAnswer


def answer_to(data, method="GET"):
    """What is read of an answer, up to its content; the server has closed the connection then."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(data)
        there.close()
        answer = PacedAnswer(here, method=method)
        try:
            answer.start()
        except http.client.HTTPException:
            answer.close()
            raise
    return answer


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"HTTP/1.1 200 OK", (200, "OK")),
        (b"HTTP/1.1 404 Not Found ", (404, "Not Found")),
        (b"HTTP/1.1 299 ", (299, "")),
        (b"HTTP/1.1 299", (299, "")),
        (b"HTTP/1.0  200  caf\xe9", (200, "caf\xe9")),
    ],
)
def test_a_status_line(line, expected):
    with answer_to(line + b"\r\nContent-Length: 0\r\n\r\n") as answer:
        assert (answer.status, answer.reason) == expected


@pytest.mark.parametrize(
    "line", [b"HTTP/2 200 OK", b"ICY 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 +20 OK", b"", b"200"]
)
def test_what_is_no_status_line_is_no_answer(line):
    with pytest.raises(http.client.BadStatusLine):
        answer_to(line + b"\r\n\r\n")


def test_a_connection_that_is_closed_without_a_word():
    with pytest.raises(http.client.RemoteDisconnected):
        answer_to(b"")


def test_header_fields():
    head = b"HTTP/1.1 200 OK\r\nX-One : 1\nX-One:2 \r\nX-Fold: a\r\n\tb: c\r\nX-Empty:\r\nX-Latin: caf\xe9\r\n\r\n"
    with answer_to(head) as answer:
        assert dict(answer.fields) == {"X-One": "1, 2", "X-Fold": "a b: c", "X-Empty": "", "X-Latin": "caf\xe9"}


@pytest.mark.parametrize("rest", [b"X: 1\r\nno field\r\n\r\n", b" X: 1", b"X: 1\r\n", b"", b"X: " + b"y" * 70_000])
def test_a_header_section_that_is_none_or_breaks_off(rest):
    with pytest.raises(http.client.HTTPException):
        answer_to(b"HTTP/1.1 200 OK\r\n" + rest)


def test_a_hundred_header_fields_are_enough():
    fields = b"X: 1\r\n" * 100
    with answer_to(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n") as answer:
        assert len(answer.fields["x"].split(",")) == 100
    with pytest.raises(http.client.HTTPException, match="more than 100"):
        answer_to(b"HTTP/1.1 200 OK\r\nY: 1\r\n" + fields + b"\r\n")


@pytest.mark.parametrize(
    ("fields", "content", "will_close"),
    [
        (b"Content-Length: 2\r\n", b"ab", False),
        (b"Content-Length: 2, 2\r\n", b"ab", False),
        (b"Content-Length: 2\r\nContent-Length: 2\r\n", b"ab", False),
        (b"Content-Length: 2\r\nConnection: close\r\n", b"ab", True),
        (b"", b"abcd", True),
    ],
)
def test_where_the_content_ends(fields, content, will_close):
    with answer_to(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nabcd") as answer:
        assert answer.read() == content
        assert answer.will_close is will_close


@pytest.mark.parametrize("fields", [b"", b"Content-Length: 2\r\n"])
def test_chunks_count_more_than_a_length(fields):
    head = b"HTTP/1.1 200 OK\r\n" + fields + b"Transfer-Encoding: Chunked\r\n\r\n"
    with answer_to(head + b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX: trailer\r\n\r\n") as answer:
        assert answer.read() == b"abcd"
        assert answer.will_close is False


@pytest.mark.parametrize("said", [b"2\r\nContent-Length: 3", b"2, 3", b"two", b"-2", b"+2", b"", b"\xb2", b"9" * 5000])
def test_a_length_that_is_none_or_several(said):
    with pytest.raises(http.client.HTTPException, match="no length"):
        answer_to(b"HTTP/1.1 200 OK\r\nContent-Length: " + said + b"\r\n\r\nabc")


@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (101, "GET"), (200, "HEAD")])
@pytest.mark.parametrize("field", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
def test_answers_without_content(status, method, field):
    with answer_to(b"HTTP/1.1 %d \r\n%b\r\n\r\n" % (status, field), method) as answer:
        assert answer.read() == b""
        assert answer.will_close is False


@pytest.mark.parametrize(("field", "will_close"), [(b"", True), (b"Connection: Keep-Alive\r\n", False)])
def test_http_1_0_keeps_a_connection_only_if_it_says_so(field, will_close):
    with answer_to(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n" + field + b"\r\n") as answer:
        assert answer.will_close is will_close


@pytest.mark.parametrize("read", [PacedAnswer.read, lambda answer: answer.read(9), PacedAnswer.read1])
def test_content_that_breaks_off_is_not_taken_for_all(read):
    answer = answer_to(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
    with answer, pytest.raises(http.client.IncompleteRead):
        b"".join(iter(lambda: read(answer), b""))
