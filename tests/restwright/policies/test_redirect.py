from __future__ import annotations

import pytest
import requests

from restwright import Request, Response, redirect
from restwright.errors import TooManyRedirects, UnusableAnswer
from restwright.testing import play

GET = Request("GET", "http://h/a/b")


def moved(location: str, status: int = 302, url: str = "http://h/a/b", method: str = "GET") -> Response:
    response = Response(status, headers={"Location": location}, url=url)
    response.request = requests.Request(method, url).prepare()
    return response


def asked(request: Request, *answers) -> list[Request]:
    sent: list[Request] = []
    play(redirect()(request), *answers, asked=sent)
    return sent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_request_is_redirected(status, method):
    sent = asked(Request(method, "http://h/a/b"), moved("/c", status), Response(200))
    assert sent[1] == Request(method, "http://h/c")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("http://other/c", "http://other/c"),
        ("https://h/c", "https://h/c"),
        ("//other/c", "http://other/c"),
        ("/c?d=1", "http://h/c?d=1"),
        ("c", "http://h/a/c"),
        ("../c", "http://h/c"),
        ("?d=1", "http://h/a/b?d=1"),
        ("", "http://h/a/b"),
        ("/caf\u00e9", "http://h/caf\u00e9"),
    ],
)
def test_where_a_location_leads(location, target):
    """RFC 9110, 10.2.2: relative to the URL that was asked for."""
    assert asked(GET, moved(location), Response(200))[1].url == target


def test_parameters_are_those_of_the_location():
    sent = asked(GET.but(params={"q": "1"}), moved("/c?r=2"), Response(200))
    assert (sent[1].url, sent[1].params) == ("http://h/c?r=2", {})


def test_answers_on_the_way_are_the_history():
    one, two = moved("/c"), moved("/d", url="http://h/c")
    response = play(redirect()(GET), one, two, Response(200))
    assert response.history == [one, two]
    assert play(redirect()(GET), Response(200)).history == []


@pytest.mark.parametrize("answer", [Response(302), Response(304, headers={"Location": "/c"}), Response(300)])
def test_other_answers_are_handed_on(answer):
    assert play(redirect()(GET), answer) is answer


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_write_is_refused(method, status):
    answer = moved("http://user:pa55@other/c", status, method=method)
    with pytest.raises(UnusableAnswer) as raised:
        play(redirect()(Request(method, "http://h/a/b")), answer)
    message = f"{method} http://h/a/b: {status}: a {method} is not redirected to http://other/c"
    assert str(raised.value) == message
    assert raised.value.response is answer


def test_a_loop_ends():
    answers = [moved("/a/b") for _ in range(11)]
    with pytest.raises(TooManyRedirects) as raised:
        play(redirect()(GET), *answers)
    assert str(raised.value) == "GET http://h/a/b: 302: more than 10 redirects, the last to http://h/a/b"
    assert raised.value.response is answers[-1]


def test_how_many_can_be_chosen():
    assert play(redirect(most=1)(GET), moved("/c"), Response(200)).status_code == 200
    with pytest.raises(TooManyRedirects):
        play(redirect(most=1)(GET), moved("/c"), moved("/d"))
    with pytest.raises(TooManyRedirects):
        play(redirect(most=0)(GET), moved("/c"))
    with pytest.raises(ValueError, match="most must be 0 or more"):
        redirect(most=-1)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "gopher://h/_x",
        "ftp://h/x",
        "javascript:alert(1)",
        "data:text/plain,x",
        "https://",
        "http://[::1",
        "http://h:99999/",
        "http://h:x/",
        "http://evil\\@h/",
        "http://h/\udcff",
    ],
)
def test_what_leads_nowhere_is_refused(location):
    answer = moved(location)
    with pytest.raises(UnusableAnswer) as raised:
        play(redirect()(GET), answer)
    assert str(raised.value).startswith("GET http://h/a/b: 302: a redirect that leads nowhere: ")
    assert str(raised.value).isprintable()
    assert raised.value.response is answer


def test_a_refusal_names_the_scheme():
    with pytest.raises(UnusableAnswer, match=r"'file:///etc/passwd' is not an http:// or https:// URL"):
        play(redirect()(GET), moved("file:///etc/passwd"))


SECRET = {"authorization": "Bearer s3cret", "Cookie": "s3cret", "Proxy-Authorization": "s3cret", "X-Kept": "yes"}


@pytest.mark.parametrize("location", ["http://other/c", "https://h/c", "http://h:8080/c", "//other/c"])
def test_secrets_of_the_request_stay_behind_at_another_origin(location):
    sent = asked(GET.but(headers=SECRET), moved(location), Response(200))
    assert sent[1].headers == {"X-Kept": "yes"}


def test_secrets_do_not_come_back_on_the_way_home():
    """A detour over another origin may have chosen the URL."""
    sent = asked(GET.but(headers=SECRET), moved("http://other/"), moved("http://h/c", url="http://other/"), Response())
    assert sent[2].headers == {"X-Kept": "yes"}


@pytest.mark.parametrize("location", ["/c", "http://h/c", "HTTP://H:80/c"])
def test_secrets_of_the_request_go_along_within_its_origin(location):
    sent = asked(GET.but(headers=SECRET), moved(location), Response(200))
    assert sent[1].headers == SECRET


def test_answers_without_url_can_be_played():
    sent = asked(Request("GET", "/a"), Response(302, headers={"Location": "/c"}), Response(200))
    assert sent[1].url == "/c"


def writing(request: Request, *answers) -> list[Request]:
    """What is sent by a client that has writes redirected, too."""
    sent: list[Request] = []
    play(redirect(writes=True)(request), *answers, asked=sent)
    return sent


POST = Request("POST", "http://h/a", json={"n": 1})


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 302, "GET"),
        ("PUT", 303, "GET"),
        ("DELETE", 303, "GET"),
        ("PUT", 301, "PUT"),
        ("POST", 307, "POST"),
        ("PATCH", 308, "PATCH"),
        ("DELETE", 307, "DELETE"),
    ],
)
def test_a_write_is_redirected_where_that_is_asked_for(method, status, then):
    """RFC 9110, 15.4: with a GET, which has no content, or as it is."""
    sent = writing(POST.but(method=method), moved("/c", status), Response(200))[1]
    assert (sent.method, sent.url) == (then, "http://h/c")
    assert sent.body() == (None if then == "GET" else b'{"n":1}')


@pytest.mark.parametrize(("status", "location"), [(307, "http://other/c"), (308, "https://h/c"), (301, "//other/c")])
def test_its_content_goes_to_no_other_origin(status, location):
    with pytest.raises(UnusableAnswer, match="is not redirected"):
        writing(POST.but(method="PUT"), moved(location, status))


def test_a_get_in_its_place_goes_anywhere_without_credentials():
    sent = writing(POST.with_header("Authorization", "Bearer x"), moved("http://other/c", 303), Response(200))[1]
    assert (sent.method, sent.url, sent.headers, sent.body()) == ("GET", "http://other/c", {}, None)


def test_writes_too_are_redirected_only_so_often():
    with pytest.raises(TooManyRedirects):
        play(redirect(most=1, writes=True)(POST), moved("/c", 307), moved("/d", 307))
