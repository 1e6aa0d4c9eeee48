from __future__ import annotations

import copy
import datetime
import io
import pickle

import pytest
import requests
from requests.cookies import RequestsCookieJar

from restwright.message import (
    EMPTY,
    UNSET,
    Headers,
    Origin,
    Request,
    Response,
    decode_json,
    is_absolute,
    join,
    no_cookies,
    without_credentials,
)

# Request


def test_requests_are_values():
    assert Request("GET", "/a", {"q": "1"}) == Request("GET", "/a", params={"q": "1"})
    assert Request("GET", "/a") != Request("GET", "/b")
    assert hash(Request("GET", "/a")) == hash(Request("GET", "/a"))


def test_a_request_cannot_be_changed():
    request = Request("GET", "/a")
    with pytest.raises(AttributeError):
        request.method = "POST"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        request.other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.__setitem__("a", "b"),
        lambda fields: fields.setdefault("a", "b"),
        lambda fields: fields.update(a="b"),
        lambda fields: fields.__ior__({"a": "b"}),
    ],
)
def test_the_empty_mapping_that_all_requests_share_stays_empty(change):
    with pytest.raises(TypeError, match="with_header"):
        change(Request("GET", "/a").headers)
    assert EMPTY == {}


def test_but_gives_a_changed_copy():
    request = Request("GET", "/a", {"q": "1"}, json=[1])
    changed = request.but(url="/b", deadline=3.0)
    assert changed == Request("GET", "/b", {"q": "1"}, json=[1], deadline=3.0)
    assert request.url == "/a"


def test_but_refuses_a_misspelt_field():
    with pytest.raises(TypeError, match="no field urll"):
        Request("GET", "/a").but(urll="/b")


def test_with_header_replaces_in_any_case():
    request = Request("GET", "/a", headers={"x-one": "1", "X-Two": "2"})
    assert request.with_header("X-One", "3").headers == {"X-One": "3", "X-Two": "2"}
    assert request.headers["x-one"] == "1"


def test_header_is_found_in_any_case():
    request = Request("GET", "/a", headers={"x-one": "1"})
    assert request.header("X-ONE") == "1"
    assert request.header("X-Two") is None


def test_the_repr_shows_no_secret():
    request = Request(
        "POST",
        "https://user:pa55@host/x",
        headers={"Authorization": "Bearer pa55"},
        json={"password": "pa55"},
        content=b"pa55",
    )
    assert repr(request) == "<Request POST https://host/x>"


def test_requests_can_be_pickled_and_copied():
    request = Request("PUT", "/a", json={"a": 1})
    assert pickle.loads(pickle.dumps(request)) == request
    assert copy.deepcopy(request) == request


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_idempotent_methods_may_repeat(method):
    assert Request(method, "/").may_repeat


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK"])
def test_other_methods_may_repeat_with_an_idempotency_key_or_by_declaration(method):
    assert not Request(method, "/").may_repeat
    assert Request(method, "/", headers={"idempotency-key": "7"}).may_repeat
    assert Request(method, "/", repeatable=True).may_repeat
    assert not Request("GET", "/", repeatable=False).may_repeat


def test_body():
    assert Request("POST", "/").body() is None
    assert Request("POST", "/", content=b"x").body() == b"x"
    assert Request("POST", "/", json=None).body() == b"null"
    assert Request("POST", "/", json={"a": 1}).body() == b'{"a":1}'


def test_unset_is_false_and_says_what_it_is():
    assert not UNSET
    assert repr(UNSET) == "UNSET"


# Headers


def test_headers_are_case_insensitive_and_keep_their_spelling():
    headers = Headers([("Content-Type", "a"), ("ETag", '"1"')])
    assert headers["content-type"] == headers.get("CONTENT-TYPE") == "a"
    assert "etag" in headers
    assert "x" not in headers
    assert 7 not in headers
    assert headers.get("x") is None
    assert headers.get("x", "d") == "d"
    assert list(headers) == ["Content-Type", "ETag"]
    assert headers == {"CONTENT-TYPE": "a", "etag": '"1"'}
    assert isinstance(headers, requests.structures.CaseInsensitiveDict)


def test_repeated_fields_are_joined():
    headers = Headers([("Link", "<a>"), ("X", "1"), ("link", "<b>")])
    assert headers["Link"] == "<a>, <b>"
    assert list(headers) == ["Link", "X"]


def test_cookies_are_also_kept_apart():
    headers = Headers([("Set-Cookie", "a=1"), ("set-cookie", "b=2; Expires=Wed, 21 Oct 2099 07:28:00 GMT")])
    assert headers.set_cookie == ["a=1", "b=2; Expires=Wed, 21 Oct 2099 07:28:00 GMT"]
    assert headers.copy().set_cookie == headers.set_cookie


def test_headers_can_be_changed_and_copied():
    headers = Headers({"A": "1"})
    copied = headers.copy()
    copied["a"] = "2"
    copied.put("B", "3")
    del copied["A"]
    assert headers.plain() == {"A": "1"}
    assert copied.plain() == {"B": "3"}
    assert pickle.loads(pickle.dumps(headers)) == headers


def test_over_puts_changes_over_a_base_in_any_case():
    base = Headers({"Accept": "a", "User-Agent": "b"})
    assert Headers.over(base, {"accept": "c", "X": "d"}).plain() == {"accept": "c", "User-Agent": "b", "X": "d"}
    assert base["Accept"] == "a"


# Response: a requests.Response in every way that users use


def answer() -> Response:
    response = Response(
        201, content=b"line 1\nline 2", headers=[("content-type", "text/plain; charset=latin-1")], url="http://h/x"
    )
    response.request = requests.Request("GET", "http://h/x").prepare()
    return response


def test_a_response_is_one_of_requests():
    assert isinstance(answer(), requests.Response)
    assert repr(answer()) == "<Response [201]>"


def test_what_is_in_a_response():
    response = answer()
    assert (response.status_code, response.reason, response.url) == (201, "Created", "http://h/x")
    assert response.ok
    assert response
    assert response.headers["Content-Type"] == "text/plain; charset=latin-1"
    assert response.encoding == "latin-1"
    assert response.content == b"line 1\nline 2"
    assert response.text == "line 1\nline 2"
    assert response.history == []
    assert response.links == {}
    assert isinstance(response.cookies, RequestsCookieJar)
    assert response.elapsed == datetime.timedelta(0)
    assert response.apparent_encoding
    assert response.is_redirect is False
    assert response.is_permanent_redirect is False
    assert response.next is None
    assert response.connection is None
    assert (response.attempts, response.correlation_id) == (1, None)
    assert response.request.method == "GET"
    with pytest.raises(AttributeError, match="nothing"):
        _ = response.nothing


def test_two_responses_share_nothing():
    one, two = Response(), Response()
    one.history.append(two)
    one.headers["A"] = "1"
    one.cookies.set("a", "1")
    assert two.history == []
    assert "A" not in two.headers
    assert not two.cookies


def test_elapsed_is_what_was_measured():
    response = Response(seconds=1.5)
    assert response.elapsed == datetime.timedelta(seconds=1.5)
    response = Response()
    response.came(_Sent(), 0.25)
    assert response.elapsed.total_seconds() == 0.25


def test_content_can_be_read_in_pieces():
    assert list(answer().iter_content(5)) == [b"line ", b"1\nlin", b"e 2"]
    assert list(answer().iter_content(50, decode_unicode=True)) == ["line 1\nline 2"]
    assert list(answer().iter_lines()) == [b"line 1", b"line 2"]
    assert list(answer()) == [b"line 1\nline 2"]


def test_raw_can_be_read():
    response = answer()
    assert response.raw.read(6) == b"line 1"
    assert response.raw.read() == b"\nline 2"
    assert response.content == b"line 1\nline 2"


def test_a_response_is_its_own_context():
    with answer() as response:
        assert response.text
    response.close()


@pytest.mark.parametrize(("status", "kind"), [(404, "Client"), (500, "Server")])
def test_an_error_status(status, kind):
    response = Response(status, url="http://h/x")
    assert not response.ok
    assert not response
    with pytest.raises(requests.HTTPError, match=f"{status} {kind} Error: .* for url: http://h/x") as raised:
        response.raise_for_status()
    assert raised.value.response is response
    Response(200).raise_for_status()


def test_the_servers_reason_goes_before_the_registered_one():
    assert Response(404).reason == "Not Found"
    assert Response(404, reason="Nope").reason == "Nope"
    assert Response(404, reason="").reason == ""
    assert Response(799).reason == ""


def test_json():
    response = Response(200, json={"id": 2**70})
    assert response.json() == {"id": 2**70}
    assert response.json(parse_int=str) == {"id": str(2**70)}
    assert response.headers["Content-Type"] == "application/json"


def test_json_keeps_the_content_type_that_is_given():
    response = Response(json={}, headers={"content-type": "application/problem+json"})
    assert response.headers.plain() == {"content-type": "application/problem+json"}


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"a": ', b"\xff\xfe\xfd"])
def test_what_is_not_json_says_where_it_came_from(content):
    response = Response(200, content=content, url="http://user:pa55@h/x")
    response.request = requests.Request("GET", "http://h/x").prepare()
    with pytest.raises(requests.exceptions.JSONDecodeError, match=r"http://h/x: not JSON") as raised:
        response.json()
    assert isinstance(raised.value, ValueError)
    assert raised.value.response is response
    assert raised.value.request is response.request
    assert "pa55" not in str(raised.value)


def test_decode_json_takes_any_response_of_requests():
    response = requests.Response()
    response._content = b'{"a": 1}'
    assert decode_json(response) == {"a": 1}


class _Sent:
    """What was sent, as a transport tells it."""

    url = "http://h/x"
    prepared = requests.Request("GET", url).prepare()


class StandIn:
    """As a test of a user may have it."""

    content = "text"

    def json(self):
        return {"stand": "in"}


def test_decode_json_takes_a_stand_in():
    assert decode_json(StandIn()) == {"stand": "in"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "again", [lambda r: pickle.loads(pickle.dumps(r)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
def test_pickled_and_copied(again):
    response = answer()
    response.attempts, response.correlation_id = 3, "c1"
    response.came(_Sent(), 2.0)
    response.history = [Response(302)]
    same = again(response)
    assert type(same) is Response
    assert (same.status_code, same.reason, same.url, same.content) == (201, "Created", "http://h/x", response.content)
    assert (same.attempts, same.correlation_id, same.elapsed.total_seconds()) == (3, "c1", 2.0)
    assert [past.status_code for past in same.history] == [302]
    assert same.headers == response.headers
    assert same.request.url == "http://h/x"
    assert same.text == response.text
    assert list(same.iter_content(50)) == [response.content]
    assert same.raw.read() == response.content
    assert same.next is None


def test_cookies_of_an_answer_go_into_both_jars():
    response = Response(headers=[("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")])
    response.request = requests.Request("GET", "http://host.example/x").prepare()
    jar = RequestsCookieJar()
    assert no_cookies(jar)
    response.keep_cookies(jar)
    assert jar.get_dict() == response.cookies.get_dict() == {"a": "1", "b": "2"}
    assert not no_cookies(jar)


def test_cookies_for_another_domain_are_refused():
    response = Response(headers=[("Set-Cookie", "a=1; Domain=other.example")])
    response.request = requests.Request("GET", "http://host.example/x").prepare()
    jar = RequestsCookieJar()
    response.keep_cookies(jar)
    assert no_cookies(jar)


def test_digest_authentication_can_send_again_what_it_was_given():
    """It copies the request with its header fields and cookies."""
    response = answer()
    copied = response.request.copy()
    requests.cookies.extract_cookies_to_jar(RequestsCookieJar(), response.request, response.raw)
    assert copied.url == response.request.url
    assert isinstance(response.raw, io.IOBase)


# Origins and URLs


@pytest.mark.parametrize(
    ("url", "origin", "shown"),
    [
        ("http://h", ("http", "h", 80), "http://h"),
        ("HTTPS://Host.Example/path?q#f", ("https", "host.example", 443), "https://host.example"),
        ("https://h:443/", ("https", "h", 443), "https://h"),
        ("http://h:443/", ("http", "h", 443), "http://h:443"),
        ("http://user:pa55@h:8080/x@y", ("http", "h", 8080), "http://h:8080"),
        ("http://[::1]:8888/v1", ("http", "::1", 8888), "http://[::1]:8888"),
        ("http://[::1]/", ("http", "::1", 80), "http://[::1]"),
    ],
)
def test_origin(url, origin, shown):
    assert Origin.of(url) == origin
    assert str(Origin.of(url)) == shown


@pytest.mark.parametrize("other", ["https://h/", "http://h:81/", "http://www.h/", "http://h.example/"])
def test_scheme_host_and_port_make_an_origin(other):
    assert Origin.of("http://h/") != Origin.of(other)


@pytest.mark.parametrize(
    "url",
    [
        "/path",
        "",
        "host",
        "host:80",
        "ftp://h/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://:80/",
        "http://h:x/",
        "http://h:99999/",
        "http://[::1/",
        "javascript:alert(1)",
    ],
)
def test_no_origin(url):
    with pytest.raises(requests.RequestException) as raised:
        Origin.of(url)
    assert isinstance(raised.value, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema))


@pytest.mark.parametrize("url", ["http://evil\\@home/", "http://evil @home/", "http://evil\t.home/", "http://h\n/x"])
def test_a_url_whose_host_parsers_disagree_on_is_refused(url):
    with pytest.raises(requests.exceptions.InvalidURL, match="no clear host"):
        Origin.of(url)


def test_no_origin_shows_no_password():
    with pytest.raises(requests.exceptions.InvalidURL) as raised:
        Origin.of("http://user:pa55@h:x/")
    assert "pa55" not in str(raised.value)


@pytest.mark.parametrize(
    ("root", "path", "url"),
    [
        ("http://h/v1", "/a", "http://h/v1/a"),
        ("http://h/v1", "a", "http://h/v1/a"),
        ("http://h/v1", "", "http://h/v1/"),
        ("http://h/v1", "/", "http://h/v1/"),
        ("http://h", "//evil/a", "http://h//evil/a"),
        ("http://h", "https://other/a", "https://other/a"),
        ("http://h", "HTTPS://other/a", "HTTPS://other/a"),
        ("http://h", "/proxy/http://other/a", "http://h/proxy/http://other/a"),
        ("http://h", "search?u=http://other", "http://h/search?u=http://other"),
    ],
)
def test_join_puts_exactly_one_slash_between(root, path, url):
    assert join(root, path) == url


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a b", "http://h/a%20b"),
        ("/a%20b", "http://h/a%20b"),
        ("/a%2Fb", "http://h/a%2Fb"),
        ("/é", "http://h/%C3%A9"),
        ("/a\\b", "http://h/a%5Cb"),
        ("/'a'", "http://h/'a'"),
    ],
)
def test_join_quotes_what_may_not_stand_in_a_url(path, url):
    assert join("http://h", path) == url


@pytest.mark.parametrize("char", [chr(code) for code in (*range(0x21), 0x7F, 0x85, 0xA0, 0x2028)])
def test_no_control_character_gets_through(char):
    url = join("http://h", f"/a{char}b", {"q": f"c{char}d"})
    assert char not in url
    assert url.isascii()


def test_join_adds_the_query():
    assert join("http://h", "/a", {"q": "x y&z", "é": "1"}) == "http://h/a?q=x+y%26z&%C3%A9=1"
    assert join("http://h", "/a?b=1", {"c": "2"}) == "http://h/a?b=1&c=2"


@pytest.mark.parametrize("url", ["http://h", "https://h/x", "HTTP://h", "ftp://h", "a+b.c-d://h"])
def test_absolute(url):
    assert is_absolute(url)


@pytest.mark.parametrize("url", ["/a", "a", "", "//h/a", "/a?b=http://h", "a/http://h", "7://h", "mailto:x"])
def test_not_absolute(url):
    assert not is_absolute(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:pa55@h/x", "http://h/x"),
        ("http://user@h", "http://h"),
        ("http://us@er:p@h:80/x@y", "http://h:80/x@y"),
        ("http://h/users/@me", "http://h/users/@me"),
        ("http://h?mail=a@b", "http://h?mail=a@b"),
        ("http://user:pa55@h?mail=a@b", "http://h?mail=a@b"),
        ("http://h#a@b", "http://h#a@b"),
        ("/users/@me?next=http://u@h", "/users/@me?next=http://u@h"),
        ("", ""),
    ],
)
def test_without_credentials(url, shown):
    assert without_credentials(url) == shown


def fields():
    return [("X-One", "1"), ("Set-Cookie", "a=1")]


def test_header_fields_may_be_decoded_when_they_are_first_looked_at():
    calls = []
    response = Response(200, headers=lambda: calls.append(1) or fields())
    assert (response.status_code, response.content, calls) == (200, b"", [])
    assert response.sets_cookies
    assert response.headers["x-one"] == "1"
    assert calls == [1]
    assert pickle.loads(pickle.dumps(Response(200, headers=fields))).headers["X-One"] == "1"
