"""The exceptions by themselves: the contract's 1.7, and both trees they stand in."""

from __future__ import annotations

import copy
import pickle

import pytest
import requests

import kinto_http
from kinto_http import BucketNotFound, CollectionNotFound, KintoBatchException, KintoException, exceptions
from kinto_http.batch_dicts import RequestDict, ResponseDict
from kinto_http.exceptions import BackoffException, kinto_error, truthy
from restwright import errors


def answered(status=404, *, method="GET", url="http://alice:s3cret@h/v1/x?a=1", content=b"{}"):
    request = requests.Request(
        method, url, headers={"Authorization": "Basic c2VjcmV0", "Cookie": "c=s3cret", "X-Mine": "kept"}
    ).prepare()
    response = requests.Response()
    response.status_code, response._content, response.request, response.url = status, content, request, url
    response.headers["Set-Cookie"] = "c=s3cret"
    return response


def about(kind=KintoException, *arguments, status=404):
    error = kind(*arguments)
    error.response = truthy(answered(status))
    error.request = error.response.request
    return error


def test_without_anything():
    error = KintoException()
    assert (str(error), error.message, error.request, error.response, error.attempts) == ("", None, None, None, 1)
    assert (KintoException.request, KintoException.response) == (None, None)


def test_a_message_alone_is_its_text():
    assert str(KintoException("what")) == "what"


def test_request_and_response_stand_before_the_message():
    assert str(about(KintoException, "no such thing")) == "GET /v1/x?a=1 - 404 no such thing"


def test_request_and_response_are_taken_over_from_an_exception():
    response = answered(503)
    cause = requests.HTTPError("no", request=response.request, response=response)
    cause.add_note("gave up")
    error = KintoException("told", exception=cause)
    assert error.request is response.request
    assert error.response.status_code == 503
    assert error.__notes__ == ["gave up"]
    assert str(error).endswith("503 told")


@pytest.mark.parametrize("error", [BucketNotFound, CollectionNotFound, KintoBatchException, BackoffException])
def test_all_are_kinto_exceptions(error):
    assert issubclass(error, KintoException)
    assert getattr(exceptions, error.__name__) is error
    assert (error is BackoffException) != hasattr(kinto_http, error.__name__)


def test_the_id_is_the_message_of_what_was_not_found():
    assert BucketNotFound("b").message == "b"
    assert CollectionNotFound("c").message == "c"


def test_a_backoff_tells_its_seconds():
    assert BackoffException("wait", 7).backoff == 7
    assert BackoffException("wait", backoff=7, exception=about()).response.status_code == 404


def test_a_batch_joins_its_errors():
    error = KintoBatchException([about(KintoException, "one"), about(KintoException, "two")], [({}, {})])
    assert error.message.splitlines() == ["GET /v1/x?a=1 - 404 one", "GET /v1/x?a=1 - 404 two"]
    assert str(error) == error.message
    assert (error.request, error.response) == (None, None)
    assert error.results == [({}, {})]


@pytest.mark.parametrize("status", [400, 403, 404, 412, 500])
def test_a_response_is_true_whatever_its_status(status):
    seen = truthy(answered(status, content=b'{"a": 1}'))
    assert seen
    assert isinstance(seen, requests.Response)
    assert (seen.status_code, seen.ok, seen.json(), seen.url) == (status, False, {"a": 1}, answered().url)
    assert seen.headers["Set-Cookie"] == "c=s3cret"


@pytest.mark.parametrize(
    ("theirs", "kinds"),
    [
        (errors.ConnectTimeout, [requests.ConnectTimeout, requests.ConnectionError, requests.Timeout]),
        (errors.ReadTimeout, [requests.ReadTimeout, requests.Timeout]),
        (errors.DeadlineExceeded, [requests.Timeout]),
        (errors.TlsError, [requests.exceptions.SSLError, requests.ConnectionError]),
        (errors.ProxyError, [requests.exceptions.ProxyError, requests.ConnectionError]),
        (errors.BrokenAnswer, [requests.exceptions.ChunkedEncodingError]),
        (errors.NotConnected, [requests.ConnectionError]),
        (errors.TooLarge, [requests.exceptions.ContentDecodingError]),
        (errors.BadEncoding, [requests.exceptions.ContentDecodingError]),
        (errors.TooManyRedirects, [requests.TooManyRedirects]),
        (errors.DecodeError, [requests.exceptions.JSONDecodeError, ValueError]),
        (requests.ReadTimeout, [requests.ReadTimeout]),
        (requests.Timeout, [requests.Timeout]),
        (requests.ConnectionError, [requests.ConnectionError]),
        (requests.exceptions.ChunkedEncodingError, [requests.exceptions.ChunkedEncodingError]),
        (requests.exceptions.InvalidURL, [requests.exceptions.InvalidURL]),
        (requests.exceptions.MissingSchema, [requests.exceptions.MissingSchema]),
        (requests.exceptions.InvalidHeader, [requests.RequestException]),
    ],
)
def test_a_failure_is_of_both_trees(theirs, kinds):
    """Defect 18."""
    cause = theirs("why", request=answered().request)
    error = kinto_error(cause)
    assert isinstance(error, KintoException)
    assert all(isinstance(error, kind) for kind in kinds)
    assert str(error) == "GET http://h/v1/x?a=1: why"
    assert error.request is cause.request
    assert error.response is None


def test_attempts_are_told():
    cause = errors.ReadTimeout("why", request=answered().request)
    cause.attempts = 2
    error = kinto_error(cause)
    assert error.attempts == 2
    assert str(error) == "GET http://h/v1/x?a=1: why (2 attempts)"


def every_kind():
    batch = about(KintoException, "item", status=409)
    batch.request, batch.response = RequestDict(method="PUT", path="/x"), ResponseDict(status=409, body={"code": 409})
    return [
        about(KintoException, "m"),
        about(BucketNotFound, "b"),
        about(CollectionNotFound, "c"),
        about(BackoffException, "wait", 7),
        KintoBatchException([batch, about(KintoException, "n")], [({"responses": []}, {"ETag": '"1"'})]),
        exceptions.MissingIdException("no id"),
        *(
            kinto_error(kind("why", request=answered().request))
            for kind in (
                *(errors.ConnectTimeout, errors.ReadTimeout, errors.DeadlineExceeded, errors.TlsError),
                *(errors.ProxyError, errors.BrokenAnswer, errors.TooLarge, errors.TooManyRedirects),
                *(errors.DecodeError, errors.NotConnected, requests.exceptions.InvalidURL),
            )
        ),
    ]


@pytest.mark.parametrize("error", every_kind(), ids=lambda error: type(error).__name__)
def test_each_survives_a_pickle_without_its_credentials(error):
    error.attempts = 3
    error.add_note("gave up")
    data = pickle.dumps(error)
    again = pickle.loads(data)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert (again.message, again.attempts, again.__notes__) == (error.message, 3, ["gave up"])
    assert b"s3cret" not in data
    assert b"c2VjcmV0" not in data
    if isinstance(error.response, requests.Response):
        assert again.response
        assert again.response.status_code == error.response.status_code
        assert again.request.headers["X-Mine"] == "kept"
    if isinstance(error, KintoBatchException):
        assert [str(each) for each in again.exceptions] == [str(each) for each in error.exceptions]
        assert again.exceptions[0].response.status_code == 409
        assert again.results == error.results
    assert getattr(again, "backoff", None) == getattr(error, "backoff", None)


def test_it_may_be_copied():
    again = copy.copy(about(BucketNotFound, "b"))
    assert (type(again), again.message, again.response.status_code) == (BucketNotFound, "b", 404)
