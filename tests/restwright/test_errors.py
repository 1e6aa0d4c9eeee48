from __future__ import annotations

import pickle

import pytest
import requests

from restwright import errors
from restwright.errors import (
    ApiError,
    DecodeError,
    Problem,
    RestwrightError,
    api_error,
    describe,
    one_line,
    outline,
    service_message,
    state_to_pickle,
)
from restwright.message import Request, Response
from restwright.plan import fetch
from restwright.policies import correlate, retry, stack
from restwright.testing import FakeClock, play

URL = "https://user:pa55@api.example/v1/things/7"


def prepared(method: str = "GET", url: str = URL, **headers: str) -> requests.PreparedRequest:
    return requests.Request(method, url, headers=headers).prepare()


def answer(status: int, **settings) -> Response:
    response = Response(status, **settings)
    response.request = prepared()
    return response


def every_error() -> list[type[RestwrightError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RestwrightError)]


@pytest.mark.parametrize(
    ("kind", "of_requests"),
    [
        (errors.ApiError, requests.HTTPError),
        (errors.ServerError, requests.HTTPError),
        (errors.TransportError, requests.ConnectionError),
        (errors.NotConnected, requests.ConnectionError),
        (errors.ConnectTimeout, requests.ConnectTimeout),
        (errors.ConnectTimeout, requests.ConnectionError),
        (errors.TlsError, requests.exceptions.SSLError),
        (errors.ProxyError, requests.exceptions.ProxyError),
        (errors.ReadTimeout, requests.ReadTimeout),
        (errors.DeadlineExceeded, requests.Timeout),
        (errors.BrokenAnswer, requests.exceptions.ChunkedEncodingError),
        (errors.UnusableAnswer, requests.RequestException),
        (errors.DecodeError, requests.exceptions.JSONDecodeError),
        (errors.DecodeError, ValueError),
        (errors.BadEncoding, requests.exceptions.ContentDecodingError),
        (errors.TooLarge, requests.exceptions.ContentDecodingError),
        (errors.TooManyRedirects, requests.TooManyRedirects),
    ],
)
def test_errors_are_of_the_requests_kind_too(kind, of_requests):
    assert issubclass(kind, of_requests)


@pytest.mark.parametrize("kind", every_error())
def test_only_what_surely_was_not_sent_counts_as_not_connected(kind):
    expected = {"NotConnected", "ConnectTimeout", "TlsError", "CertificateError", "ProxyError"}
    assert issubclass(kind, errors.NotConnected) == (kind.__name__ in expected)


def test_the_tree_in_the_docstring_names_every_error():
    missing = [kind.__name__ for kind in every_error() if kind.__name__ not in (errors.__doc__ or "")]
    assert missing == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Gone),
        (412, errors.PreconditionFailed),
        (429, errors.Throttled),
        (418, errors.ApiError),
        (499, errors.ApiError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (599, errors.ServerError),
    ],
)
def test_the_class_for_a_status(status, kind):
    error = api_error(answer(status))
    assert type(error) is kind
    assert error.status == status


def test_fetch_raises_from_400_on():
    assert play(fetch(Request("GET", "/")), Response(399)).status_code == 399
    with pytest.raises(ApiError):
        play(fetch(Request("GET", "/")), answer(400))


def test_the_message_names_method_url_status_and_what_the_service_says():
    error = api_error(answer(404, json={"message": "no thing\nwith id 7"}))
    assert str(error) == "GET https://api.example/v1/things/7: 404 Not Found: no thing with id 7"


def test_the_message_tells_correlation_id_and_attempts():
    plan = stack(correlate(make=lambda: "c1"), retry(3, clock=FakeClock(), chance=lambda: 0.0))(Request("GET", "/"))
    response = play(plan, answer(503), answer(503), answer(503))
    error = api_error(response)
    assert (error.attempts, error.correlation_id) == (3, "c1")
    assert str(error) == "GET https://api.example/v1/things/7: 503 Service Unavailable (id c1, 3 attempts)"


def test_an_error_without_request_has_its_message_only():
    assert str(errors.ReadTimeout("too late")) == "too late"
    assert str(RestwrightError()) == ""


def test_an_answer_of_an_unregistered_status_and_without_content():
    assert str(api_error(answer(499))) == "GET https://api.example/v1/things/7: 499"


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b'{"detail": "d", "message": "m", "title": "t"}', "application/problem+json", "d"),
        (b'{"message": "m", "error": "e"}', "application/json", "m"),
        (b'{"error": "invalid_grant", "error_description": "expired"}', "application/json", "expired"),
        (b'{"error": "e"}', "application/json", "e"),
        (b'{"detail": {"a": 1}, "error": "e"}', "application/json", "e"),
        (b'{"detail": ""}', "application/json", ""),
        (b'["detail"]', "application/json", ""),
        (b"plain words", "text/plain", "plain words"),
        (b"<html><body>long page</body></html>", "text/html", ""),
        (b"[" * 100_000, "application/json", ""),
        (b"\xff\xfe\x00garbage", "application/json", ""),
        (b"", "", ""),
    ],
)
def test_what_the_service_says(content, kind, said):
    assert service_message(Response(400, content=content, headers={"Content-Type": kind})) == said


def test_what_the_service_says_cannot_disturb_a_terminal_or_a_log():
    assert one_line("a\r\nINFO forged\x1b[31m\x00 b") == "a INFO forged?[31m? b"
    assert len(one_line("x" * 100_000)) == 300
    assert len(service_message(Response(400, json={"message": "x" * 100_000}))) == 300


def test_problem_details():
    document = {"type": "https://e.example/p", "title": "T", "status": 409, "detail": "D", "instance": "/7", "more": 1}
    response = answer(409, json=document, headers={"Content-Type": "application/problem+json; charset=utf-8"})
    assert api_error(response).problem == Problem("https://e.example/p", "T", 409, "D", "/7")


def test_problem_details_with_members_of_wrong_types():
    """RFC 9457, 3.1: they are ignored."""
    document = {"type": 7, "title": None, "status": True, "detail": ["x"]}
    response = answer(409, json=document, headers={"Content-Type": "application/problem+json"})
    assert api_error(response).problem == Problem()


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{}", "application/json"), (b"[]", "application/problem+json"), (b"<", "application/problem+json")],
)
def test_no_problem_details(content, kind):
    assert Problem.of(answer(400, content=content, headers={"Content-Type": kind})) is None


def secretive_answer() -> Response:
    response = answer(503, json={"message": "down"}, headers=[("Set-Cookie", "sid=s3cret"), ("ETag", '"1"')], url=URL)
    response.request = prepared(Cookie="sid=s3cret", Accept="*/*")
    response.request.headers["Authorization"] = "Bearer s3cret"
    response.keep_cookies(requests.cookies.RequestsCookieJar())
    response.history = [answer(302, headers={"Set-Cookie": "sid=s3cret"})]
    return response


@pytest.mark.parametrize("kind", every_error())
def test_errors_can_be_pickled(kind):
    response = secretive_answer()
    error = kind("went wrong", request=response.request, response=response)
    error.attempts, error.correlation_id = 3, "c1"
    error.add_note("a note")
    same = pickle.loads(pickle.dumps(error))
    assert type(same) is kind
    assert str(same) == str(error)
    assert str(same).endswith("went wrong (id c1, 3 attempts)")
    assert same.args == error.args
    assert (same.attempts, same.correlation_id, same.__notes__) == (3, "c1", ["a note"])
    assert (same.request.method, same.request.url) == ("GET", "https://api.example/v1/things/7")
    assert dict(same.request.headers) == {"Accept": "*/*"}
    assert same.response.status_code == 503
    assert same.response.json() == {"message": "down"}
    assert dict(same.response.headers) == {"ETag": '"1"', "Content-Type": "application/json"}
    assert pickle.loads(pickle.dumps(same)).args == error.args


@pytest.mark.parametrize("kind", every_error())
def test_a_pickle_holds_no_credentials(kind):
    response = secretive_answer()
    error = kind("went wrong", request=response.request, response=response)
    pickled = pickle.dumps(error)
    assert b"s3cret" not in pickled
    assert b"pa55" not in pickled
    # The error itself is as it was.
    assert response.request.headers["Authorization"] == "Bearer s3cret"
    assert response.cookies.get_dict() == {"sid": "s3cret"}


def test_what_cannot_be_pickled_is_left_out():
    error = errors.ReadTimeout("late")
    error.extra, error.more = (lambda: None), 7  # type: ignore[attr-defined]
    same = pickle.loads(pickle.dumps(error))
    assert vars(same)["more"] == 7
    assert "extra" not in vars(same)
    assert "extra" not in state_to_pickle(error)


def test_a_body_that_is_streamed_is_left_out():
    request = prepared("PUT")
    request.body = (chunk for chunk in [b"x"])  # type: ignore[assignment]
    assert pickle.loads(pickle.dumps(errors.ReadTimeout("late", request=request))).request.body is None


class OwnError(ApiError):
    def __init__(self, number: int, response: requests.Response) -> None:
        super().__init__(f"number {number}", request=response.request, response=response)
        self.number = number


def test_a_subclass_with_arguments_of_its_own_can_be_pickled():
    same = pickle.loads(pickle.dumps(OwnError(7, answer(400))))
    assert type(same) is OwnError
    assert same.number == 7
    assert str(same) == "GET https://api.example/v1/things/7: number 7"


def test_decode_error_is_usable_as_one_of_json():
    error = DecodeError("not an object", request=prepared())
    assert (error.msg, error.pos, error.lineno, error.colno) == ("not an object", 0, 1, 1)
    assert str(error) == "GET https://api.example/v1/things/7: not an object"


def test_describe():
    assert describe(None) == ""
    assert describe(prepared("DELETE")) == "DELETE https://api.example/v1/things/7"
    assert describe(outline(Request("GET", "/things"))) == "GET /things"
