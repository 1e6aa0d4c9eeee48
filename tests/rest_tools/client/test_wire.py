"""The contract's table of the wire: what the server sees of a call, however it is made."""

from __future__ import annotations

import datetime
import json

import pytest
import requests

from rest_tools.client import RestClient
from rest_tools.client.encoding import join_url
from restwright.errors import DecodeError, UnusableAnswer
from restwright.testing import Reply, faults, serve

ADDRESS = "/api"


@pytest.fixture
def echo():
    with serve(lambda request: Reply(json={"ok": True})) as server:
        yield server


@pytest.mark.parametrize(
    ("address", "path", "url"),
    [
        ("http://h/api", "/x", "http://h/api/x"),
        ("http://h/api", "x", "http://h/api/x"),
        ("http://h/api/", "/x", "http://h/api/x"),
        ("http://h/api/", "x/", "http://h/api/x/"),
        ("http://h/api", "", "http://h/api/"),
        ("http://h/api/", "/", "http://h/api/"),
        ("http://h", "x", "http://h/x"),
        ("http://h/api", "//x", "http://h/api/x"),
        ("http://h/api", "http://other/x", "http://h/api/http://other/x"),
        ("", "/x", "x"),
        ("", "http://h/x", "http://h/x"),
    ],
)
def test_address_and_path_make_a_url(address, path, url):
    assert join_url(address, path) == url
    assert RestClient(address)._prepare("GET", path)[0] == url


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("path", "target"),
    [("/a/b", "/api/a/b"), ("a", "/api/a"), ("", "/api/"), ("//evil.example/a", "/api/evil.example/a")],
)
def test_the_path_is_below_the_address(echo, connect, call, slash, path, target):
    call(connect(f"{echo.url}/api{slash}"), "GET", path)
    assert echo.requests[-1].target == target


def test_without_an_address_the_path_is_the_url(echo, connect, call):
    client = connect("", "t0ken")
    assert call(client, "GET", f"{echo.url}/x?a=1", {"b": 2}) == {"ok": True}
    assert echo.requests[-1].target == "/x?a=1&b=2"
    assert echo.requests[-1].headers["Authorization"] == "Bearer t0ken"
    with pytest.raises(requests.exceptions.MissingSchema):
        call(client, "GET", "/x")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("args", "query"),
    [
        (None, ""),
        ({}, ""),
        ({"a": 1, "b": "x y"}, "?a=1&b=x+y"),
        ({"a": [1, 2], "b": ("c",)}, "?a=1&a=2&b=c"),
        ({"a": None, "b": [None, 1]}, "?b=1"),
        ({"a": None}, ""),
        ({"a": True, "b": False}, "?a=True&b=False"),
        ({"a": "é&=", "b": b"x"}, "?a=%C3%A9%26%3D&b=x"),
        ({"a": 1.5, "b": ""}, "?a=1.5&b="),
        ([("a", 1), ("a", 2)], "?a=1&a=2"),
    ],
)
def test_arguments_of_get_and_head_are_the_query(echo, connect, call, method, args, query):
    call(connect(echo.url), method, "/x", args)
    seen = echo.requests[-1]
    assert (seen.method, seen.target, seen.body) == (method, f"/x{query}", b"")
    assert "Content-Length" not in seen.headers


@pytest.mark.parametrize(("args", "kind"), [("name=fig", "str"), (b"x", "bytes"), (5, "int")])
def test_a_query_is_made_of_a_mapping(echo, connect, call, args, kind):
    with pytest.raises(TypeError, match=f"args of GET and HEAD must be a mapping, got {kind}"):
        call(connect(echo.url), "GET", "/x", args)
    assert not echo.requests


@pytest.mark.parametrize("query", ["?a=1", "?a=1&b=2"])
def test_a_query_in_the_path_stays(echo, connect, call, query):
    call(connect(echo.url), "GET", f"/x{query}", {"c": 3})
    assert echo.requests[-1].target == f"/x{query}&c=3"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "post"])
@pytest.mark.parametrize(
    ("args", "body"),
    [(None, b"{}"), ({}, b"{}"), ({"name": "banana", "n": [1, None, True]}, None), ({"é": "<>"}, None), ({1: 2}, None)],
)
def test_arguments_of_all_others_are_a_json_body(echo, connect, call, method, args, body):
    call(connect(echo.url), method, "/x", args)
    seen = echo.requests[-1]
    assert (seen.method, seen.target) == (method.upper(), "/x")
    assert seen.headers["Content-Length"] == str(len(seen.body))
    if body is None:
        assert seen.json() == json.loads(json.dumps(args))
    else:
        assert seen.body == body


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), TypeError),
        (datetime.date(2020, 1, 2), TypeError),
        ({1, 2}, TypeError),
        (b"x", TypeError),
        (object(), TypeError),
        (float("nan"), requests.exceptions.InvalidJSONError),
        (float("inf"), requests.exceptions.InvalidJSONError),
        ([float("-inf")], requests.exceptions.InvalidJSONError),
    ],
)
def test_what_json_has_no_form_for_is_not_sent(echo, connect, call, value, error):
    with pytest.raises(error, match="JSON"):
        call(connect(echo.url), "POST", "/x", {"a": value})
    assert echo.requests == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_header_fields_that_are_always_sent(echo, connect, call, method):
    call(connect(echo.url), method, "/x")
    headers = echo.requests[-1].headers
    assert headers["Content-Type"] == "application/json"
    assert "application/json" in headers["Accept"]
    assert headers["Accept-Encoding"] == "gzip, deflate"
    assert headers["User-Agent"].startswith("rest_tools/")
    assert "Authorization" not in headers


def test_a_stream_asks_for_lines(echo, connect):
    client = connect(echo.url)
    list(client.request_stream("GET", "/x"))
    list(client.request_stream("GET", "/x", headers={"accept": "text/plain"}))
    assert [seen.headers["Accept"] for seen in echo.requests] == [
        "application/x-ndjson, application/json",
        "text/plain",
    ]


def test_header_fields_of_a_call_go_before_those_of_the_session(echo, connect, call):
    client = connect(echo.url)
    client.session.headers["X-One"] = "1"
    headers = {"x-one": "2", "Content-Type": "text/x"}
    call(client, "POST", "/x", headers=headers)
    assert echo.requests[-1].headers["X-One"] == "2"
    assert echo.requests[-1].headers["Content-Type"] == "text/x"
    call(client, "POST", "/x")
    assert echo.requests[-1].headers["X-One"] == "1"


def test_the_callers_header_fields_are_left_as_they_are(echo, connect, call):
    headers = {"X-One": "1", "authorization": "mine"}
    call(connect(echo.url, "t0ken"), "GET", "/x", headers=headers)
    assert headers == {"X-One": "1", "authorization": "mine"}
    assert echo.requests[-1].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("value", [1, None, ["x"]])
def test_a_header_field_that_is_no_text_is_told(echo, connect, call, value):
    with pytest.raises(requests.exceptions.InvalidHeader, match="'X-One' must be text"):
        call(connect(echo.url), "GET", "/x", headers={"X-One": value})
    assert echo.requests == []


@pytest.mark.parametrize("token", ["t0ken", b"t0ken"])
def test_a_token_is_a_bearer_token(echo, connect, call, token):
    call(connect(echo.url, token), "GET", "/x")
    assert echo.requests[-1].headers["Authorization"] == "Bearer t0ken"


def test_without_a_token_the_callers_authorization_goes_out(echo, connect, call):
    call(connect(echo.url), "GET", "/x", headers={"Authorization": "Digest x"})
    assert echo.requests[-1].headers["Authorization"] == "Digest x"


def test_username_and_password_are_basic_authentication(echo, connect, call):
    client = connect(echo.url, username="ann", password="p4ss")
    call(client, "GET", "/x", headers={"Authorization": "Bearer other"})
    assert echo.requests[-1].headers["Authorization"] == "Basic YW5uOnA0c3M="
    only = connect(echo.url, username="ann")
    call(only, "GET", "/x")
    assert "Authorization" not in echo.requests[-1].headers


def test_a_token_and_a_password_are_not_both_taken():
    with pytest.raises(ValueError, match="either a token, or a username"):
        RestClient("http://h", "t0ken", username="ann", password="p4ss")


def test_netrc_is_not_read(echo, connect, call, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password evil\n")
    monkeypatch.setenv("NETRC", str(netrc))
    call(connect(echo.url, "t0ken"), "GET", "/x")
    call(connect(echo.url), "GET", "/x")
    assert [seen.headers.get("Authorization") for seen in echo.requests] == ["Bearer t0ken", None]


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_empty_answer_is_none(connect, call, status):
    with serve([Reply(status)]) as server:
        assert call(connect(server.url), "GET", "/x") is None


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None]}, [1], "x", 7, 0, False, 2**70])
def test_an_answer_is_decoded(connect, call, value):
    with serve([Reply(content=json.dumps(value).encode())]) as server:
        assert call(connect(server.url), "GET", "/x") == value


def test_null_is_none(connect, ask):
    with serve([Reply(content=b"null")]) as server:
        assert ask(connect(server.url), "GET", "/x") is None


def test_marked_objects_are_revived(connect, call):
    content = b'{"day": {"__jsonclass__": ["date", "2020-01-02"]}, "odd": {"__jsonclass__": ["os.system", "x"]}}'
    with serve([Reply(content=content)]) as server:
        assert call(connect(server.url), "GET", "/x") == {
            "day": datetime.date(2020, 1, 2),
            "odd": {"__jsonclass__": ["os.system", "x"]},
        }


@pytest.mark.parametrize("content", [b"<html>", b"{", b"\xff\xfe\xfa", b'{"a": 1} x'])
def test_what_is_not_json_is_told(connect, call, content):
    with serve([Reply(content=content)]) as server, pytest.raises(json.JSONDecodeError) as raised:
        call(connect(server.url), "GET", "/x")
    assert isinstance(raised.value, requests.exceptions.JSONDecodeError)
    assert isinstance(raised.value, DecodeError)
    assert f"GET {server.url}/x: not JSON" in str(raised.value)
    assert raised.value.response.status_code == 200


def test_no_more_than_its_beginning_is_shown(connect, call):
    with serve([Reply(content=b"x" * 100_000)]) as server, pytest.raises(DecodeError) as raised:
        call(connect(server.url), "GET", "/x")
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "GET", "GET"),
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "DELETE", "GET"),
        (301, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "PATCH", "PATCH"),
        (307, "GET", "GET"),
    ],
)
def test_redirects_are_followed_as_requests_does(connect, call, status, method, then):
    answers = [faults.redirect_to("/there", status), Reply(json={"ok": True})]
    with serve(answers) as server:
        assert call(connect(f"{server.url}/api", "t0ken"), method, "/x", {"a": 1}) == {"ok": True}
        seen = server.requests[1]
    assert (seen.method, seen.target) == (then, "/there")
    assert seen.body == (b'{"a":1}' if then != "GET" else b"")
    assert seen.headers["Authorization"] == "Bearer t0ken"


def test_the_31st_is_not(connect, call):
    with serve([faults.redirect_loop()]) as server:
        with pytest.raises(requests.TooManyRedirects):
            call(connect(server.url), "GET", "/x")
        assert len(server.requests) == 31


@pytest.mark.parametrize("status", [302, 303, 307])
def test_the_token_does_not_go_along_to_another_origin(connect, call, status):
    with serve([Reply(json={"ok": True})]) as other, serve([faults.redirect_to(f"{other.url}/x", status)]) as server:
        assert call(connect(server.url, "t0ken"), "GET", "/x") == {"ok": True}
        assert "Authorization" not in other.requests[0].headers
    with serve([Reply(json={"ok": True})]) as other, serve([faults.redirect_to(f"{other.url}/x", status)]) as server:
        call(connect(server.url, username="ann", password="p4ss"), "GET", "/x")
        assert "Authorization" not in other.requests[0].headers


def test_nor_does_content(connect, call):
    with serve([Reply()]) as other, serve([faults.redirect_to(f"{other.url}/x", 307)]) as server:
        with pytest.raises(UnusableAnswer, match="a POST is not redirected"):
            call(connect(server.url, "t0ken"), "POST", "/x", {"secret": 1})
        assert other.requests == []


def test_answers_have_a_limit(connect, call):
    with serve([Reply(content=b'"' + b"x" * 5000 + b'"')]) as server:
        with pytest.raises(requests.exceptions.ContentDecodingError, match="than"):
            call(connect(server.url, max_bytes=1000), "GET", "/x")
        assert len(call(connect(server.url), "GET", "/x")) == 5000


def test_an_address_that_is_none_is_told_with_the_call(call):
    with pytest.raises(requests.exceptions.MissingSchema):
        call(RestClient("my.site.here/api"), "GET", "/x")
