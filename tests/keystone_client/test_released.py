"""What programs written for the released packages rely on: shapes of arguments, and the errors that they catch."""

from __future__ import annotations

import json
import pickle
import sys

import httpx
import pytest
import requests

from keystone_client import KeystoneClient
from keystone_client.httpx_errors import translated
from restwright import where
from restwright.errors import (
    ApiError,
    BadEncoding,
    BrokenAnswer,
    ConnectTimeout,
    DeadlineExceeded,
    LoginExpired,
    NotConnected,
    NotFound,
    ProxyError,
    ReadTimeout,
    Throttled,
    TooLarge,
    TooManyRedirects,
    TransportError,
    UnusableAnswer,
)
from restwright.message import Request, Response
from restwright.testing import Reply, serve
from restwright.testing.faults import late


@pytest.mark.parametrize("method", ["http_post", "http_put", "http_patch"])
def test_the_timeout_may_be_the_third_argument_of_a_write_as_up_to_0_6_4(connect, method):
    with serve([Reply(200)]) as server:
        getattr(connect(server.url), method)("x/", {"a": 1}, 5)
    assert json.loads(server.requests[0].body) == {"a": 1}


def test_the_timeout_may_be_the_third_argument_of_a_retrieval_as_up_to_0_5_1(client):
    assert client.retrieve_cluster(None, {"name": "none"}, 5) == []
    assert client.retrieve_cluster(1, None, 5) is None


def test_the_timeout_may_be_the_only_argument_of_a_logout_as_since_0_4(client):
    client.logout(5)
    assert client.is_logged_in() is False


def test_an_early_timeout_is_kept_to(connect):
    with serve([late(2, Reply())]) as server, pytest.raises(ReadTimeout, match=r"0\.1 s"):
        connect(server.url, attempts=1).http_post("x/", {}, 0.1)


@pytest.mark.parametrize("timeout", [httpx.USE_CLIENT_DEFAULT, httpx.Timeout(5), httpx.Timeout(5, connect=1)])
def test_timeouts_are_taken_in_the_words_of_httpx(connect, timeout):
    with serve([Reply(200), Reply(200)]) as server:
        assert connect(server.url).http_get("x", timeout=timeout).status_code == 200
        assert connect(server.url, timeout=httpx.Timeout(5)).http_get("x").status_code == 200


@pytest.mark.parametrize(
    "params", [{"a": 1, "b": True}, [("a", "1"), ("b", True)], (("a", 1), ("b", "true")), "a=1&b=true"]
)
def test_query_parameters_are_a_dict_or_pairs_or_text(connect, params):
    with serve([Reply(200)]) as server:
        connect(server.url).http_get("x", params)
    assert server.requests[0].target == "/x/?a=1&b=true"


@pytest.mark.parametrize("params", [5, ["a"], [("a", "b", "c")]])
def test_other_query_parameters_are_refused(connect, params):
    with pytest.raises(TypeError, match="params must be"):
        connect("http://127.0.0.1:9").http_get("x", params)


def test_files_may_be_pairs(connect):
    with serve([Reply(201)]) as server:
        connect(server.url).http_post("x/", {"a": 1}, files=[("one", ("1.txt", b"I")), ("one", ("2.txt", b"II"))])
    assert server.requests[0].body.count(b'name="one"') == 2


@pytest.mark.parametrize("files", ["abc", [b"abc"], 5.5j])
def test_files_that_are_neither_a_dict_nor_pairs_are_refused(connect, files):
    with pytest.raises(TypeError, match="files must be a dict, or pairs"):
        connect("http://127.0.0.1:9").http_post("x/", {}, files=files)


class Number:
    """An integer of another library, such as those that NumPy has."""

    def __index__(self) -> int:
        return 1

    def __str__(self) -> str:
        return "1"


def test_filters_beside_an_id_are_refused(client):
    for given in ({"name": "x"}, where("name") == "x"):
        with pytest.raises(TypeError, match="pk names one record"):
            client.retrieve_user(1, given)


def test_integers_of_other_libraries_are_ids(client):
    assert client.retrieve_user(pk=Number())["username"] == "admin"


def test_filters_that_are_empty_may_stand_beside_an_id(client):
    assert client.retrieve_user(1, {})["username"] == "admin"


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("admin", ""), ("", "")])
def test_an_empty_password_is_refused_by_the_service_as_a_wrong_one_is(service, connect, username, password):
    with pytest.raises(requests.HTTPError) as caught:
        connect(service.url).login(username, password)
    assert caught.value.response.status_code in (400, 401)


@pytest.mark.parametrize("name", ["openapi/json", "openapi/yaml", "openapi/json/"])
def test_the_document_of_the_service_is_found_with_and_without_a_slash(client, era, name):
    status = client.http_get(name).status_code
    assert status == (404 if era == "jwt" and name.endswith("/") else 200)


def iter_request():
    return (yield Request("GET", "/x"))


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        (ApiError, httpx.HTTPStatusError),
        (NotFound, httpx.HTTPStatusError),
        (Throttled, httpx.HTTPStatusError),
        (ConnectTimeout, httpx.ConnectTimeout),
        (ProxyError, httpx.ProxyError),
        (NotConnected, httpx.ConnectError),
        (ReadTimeout, httpx.ReadTimeout),
        (DeadlineExceeded, httpx.TimeoutException),
        (BrokenAnswer, httpx.RemoteProtocolError),
        (TransportError, httpx.NetworkError),
        (TooManyRedirects, httpx.TooManyRedirects),
        (BadEncoding, httpx.DecodingError),
        (TooLarge, httpx.DecodingError),
        (UnusableAnswer, httpx.HTTPError),
    ],
)
def test_every_error_is_one_of_httpx_too(kind, theirs):
    plan = translated(iter_request())
    asked = next(plan)
    assert asked.method == "GET"
    response = Response(404, url="http://h/x")
    with pytest.raises(theirs) as caught:
        plan.throw(kind("why", response=response))
    error = caught.value
    assert isinstance(error, kind)
    assert isinstance(error, requests.RequestException)
    assert type(error).__name__ == kind.__name__
    assert error.response is response
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)


def test_an_error_that_httpx_has_not_stays_as_it_is():
    plan = translated(iter_request())
    next(plan)
    with pytest.raises(LoginExpired) as caught:
        plan.throw(LoginExpired("why"))
    assert type(caught.value) is LoginExpired


def test_without_httpx_errors_stay_as_they_are(monkeypatch):
    monkeypatch.delitem(sys.modules, "httpx")
    plan = translated(iter_request())
    next(plan)
    with pytest.raises(NotFound) as caught:
        plan.throw(NotFound("why", response=Response(404)))
    assert type(caught.value) is NotFound


def test_programs_that_catch_httpx_errors_go_on_working(client):
    with pytest.raises(httpx.HTTPStatusError) as caught:
        client.delete_cluster(pk=77, raise_not_exists=True)
    assert caught.value.response.status_code == 404
    assert caught.value.request.method == "DELETE"
    with pytest.raises(requests.HTTPError):
        client.update_cluster(pk=77, data={"name": "x"})
    with pytest.raises(httpx.HTTPStatusError):
        client.login("admin", "wrong")


def test_so_do_those_that_list_and_those_that_lose_the_connection(connect):
    with serve(lambda request: Reply(500, json={})) as server, pytest.raises(httpx.HTTPStatusError):
        list(connect(server.url, era="session", attempts=1).iterate_cluster())
    with pytest.raises(httpx.ConnectError):
        connect("http://127.0.0.1:9", attempts=1).http_get("version")


def test_raise_for_status_raises_what_both_libraries_catch(client):
    response = client.http_get("users/users/77")
    for theirs in (requests.HTTPError, httpx.HTTPStatusError):
        with pytest.raises(theirs, match="404 Client Error: Not Found for url") as caught:
            response.raise_for_status()
    assert caught.value.response is response
    assert type(pickle.loads(pickle.dumps(caught.value))) is requests.HTTPError
    again = pickle.loads(pickle.dumps(response))
    assert (again.status_code, again.json()) == (404, response.json())
    assert client.http_get("version").raise_for_status() is None


def test_attributes_that_old_programs_reach_for_are_those_of_the_client(services):
    services["jwt"].reset()
    with KeystoneClient(services["jwt"].url) as client:
        assert (client._url, client._session) == (client.url, client.session)
        assert client._auth.jwt is None
        client._auth.login("admin", "admin-secret")
        assert client.whoami()["username"] == "admin"
        assert client._auth.get_auth_headers() == {"Authorization": f"Bearer {client._auth.jwt.access}"}
        pair = client._auth.jwt
        client.logout()
        assert client._auth.jwt is None
        client._auth.jwt = pair
        assert client.is_authenticated
        assert client.retrieve_cluster() == []
