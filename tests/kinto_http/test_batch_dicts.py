import copy
import pickle

import pytest

from kinto_http.batch_dicts import RequestDict, ResponseDict, WrapDict
from kinto_http.exceptions import KintoException

REQUEST = {"method": "PUT", "path": "/buckets/b", "body": {}, "headers": {"If-None-Match": "*"}}
RESPONSE = {"status": 412, "path": "/v1/buckets/b", "body": {"code": 412}, "headers": {}}


def test_keys_are_attributes():
    request = RequestDict(REQUEST)
    assert (request.method, request.path_url, request.headers) == (
        "PUT",
        "/buckets/b",
        {"If-None-Match": "*"},
    )
    response = ResponseDict(RESPONSE)
    assert (response.status_code, response.body, response.path) == (412, {"code": 412}, "/v1/buckets/b")


@pytest.mark.parametrize(
    ("wrapped", "name"), [(WrapDict(), "x"), (RequestDict(), "path_url"), (ResponseDict(), "status_code")]
)
def test_an_absent_key_is_an_absent_attribute(wrapped, name):
    assert not hasattr(wrapped, name)
    with pytest.raises(KeyError):
        wrapped[name]


def test_a_refusal_is_a_true_value():
    """As in the documented `if e.response and e.response.status_code == 403`."""
    assert ResponseDict(RESPONSE)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_they_are_dicts_that_survive_copying(copied):
    again = copied(ResponseDict(RESPONSE))
    assert again == RESPONSE
    assert type(again) is ResponseDict


def test_an_exception_reads_them_like_real_ones():
    error = KintoException("it exists")
    error.request, error.response = RequestDict(REQUEST), ResponseDict(RESPONSE)
    assert str(error) == "PUT /buckets/b - 412 it exists"
