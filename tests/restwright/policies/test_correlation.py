from __future__ import annotations

import uuid

import pytest
import requests

from restwright import Request, Response, correlate, retry, stack
from restwright.errors import ReadTimeout, api_error
from restwright.testing import FakeClock, play

GET = Request("GET", "/")


def asked(policy, request: Request, *answers) -> list[Request]:
    sent: list[Request] = []
    play(policy(request), *answers, asked=sent)
    return sent


def test_each_exchange_has_an_id_of_its_own():
    policy = correlate()
    one, two = (asked(policy, GET, Response())[0].headers["X-Correlation-ID"] for _ in range(2))
    assert uuid.UUID(one) != uuid.UUID(two)


def test_attempts_have_the_same_id():
    policy = stack(correlate("X-Request-ID", make=iter("abc").__next__), retry(3, clock=FakeClock(), wait=0.0))
    sent = asked(policy, GET, Response(503), Response(503), Response(200))
    assert [request.headers for request in sent] == [{"X-Request-ID": "a"}] * 3


@pytest.mark.parametrize("name", ["X-Correlation-ID", "x-correlation-id"])
def test_an_id_of_ones_own_is_kept(name):
    response = Response(500)
    sent = asked(correlate(make=lambda: "made"), GET.with_header(name, "own"), response)
    assert sent[0].headers == {name: "own"}
    assert response.correlation_id == "own"


def test_answers_and_errors_know_it():
    response = play(correlate(make=lambda: "c1")(GET), Response(404))
    assert response.correlation_id == "c1"
    assert str(api_error(response)).endswith("(id c1)")
    with pytest.raises(ReadTimeout, match=r"late \(id c1\)") as raised:
        play(correlate(make=lambda: "c1")(GET), ReadTimeout("late"))
    assert raised.value.correlation_id == "c1"


def test_errors_of_another_adapter_tell_it_in_a_note():
    with pytest.raises(requests.ConnectionError) as raised:
        play(correlate(make=lambda: "c1")(GET), requests.ConnectionError("refused"))
    assert raised.value.__notes__ == ["id c1"]
