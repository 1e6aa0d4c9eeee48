"""Orders by HTTP, for those who have no Python at hand."""

from __future__ import annotations

import pytest
import requests


@pytest.fixture
def order(identity):
    def order(path, body, method="POST", **how):
        return requests.request(method, identity.control_url + path, json=body, timeout=30, **how)

    return order


def test_it_misbehaves_and_behaves_well_again(wire, order):
    assert order("/behave", {"endpoint": "jwks", "status": 500, "times": 1}).status_code == 204
    assert [requests.get(f"{wire.url}/jwks", timeout=30).status_code for _ in range(2)] == [500, 200]
    order("/behave", {"clock_skew": 10, "status": 503})
    assert requests.get(f"{wire.url}/jwks", timeout=30).status_code == 503
    assert order("/behave", None, "DELETE").status_code == 204
    assert requests.get(f"{wire.url}/jwks", timeout=30).status_code == 200


def test_it_can_be_woken_up(wire, order):
    order("/behave", {"dead": True})
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{wire.url}/jwks", timeout=30)
    order("/behave", {"dead": False})
    assert requests.get(f"{wire.url}/jwks", timeout=30).status_code == 200


def test_it_tells_what_it_was_asked_without_secrets(wire, identity, order):
    wire.token(("service", "service-secret"), grant_type="client_credentials")
    order("/behave", {"clock_skew": 1})  # orders are not counted
    told = requests.get(f"{identity.control_url}/requests", timeout=30)
    asked = {"endpoint": "token", "method": "POST", "grant_type": "client_credentials", "status": 200}
    assert told.json() == {"requests": [asked]}


def test_the_rest_of_what_python_can_do(wire, identity, order):
    order("/adjust", {"lifetime_access": 7, "device_interval": 0})
    old = wire.login()
    assert old["expires_in"] == 7
    order("/keys", {"withdraw": True})
    assert len(requests.get(f"{wire.url}/jwks", timeout=30).json()["keys"]) == 1
    one, other = wire.device(), wire.device()
    order("/device", {"user_code": one["user_code"], "user": "bob"})
    order("/device", {"user_code": other["user_code"], "allowed": False})
    assert "access_token" in wire.poll(one["device_code"]).json()
    assert wire.poll(other["device_code"]).json()["error"] == "access_denied"
    order("/reset", {})
    assert (identity.requests, identity.settings.lifetime_access) == ([], 300)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/behave", {"dealy": 1}, "there is no misbehaviour 'dealy'"),
        ("/behave", {"status": 99}, "status must be 200 to 599"),
        ("/behave", {"times": "many", "status": 500}, "times must be 1 or more"),
        ("/adjust", {"lifetime_access": -1}, "lifetime_access must be a number"),
        ("/adjust", {"tea": 1}, "tea"),
        ("/adjust", {"registration": 1}, "registration must be True or False"),
        ("/keys", {"withdrawn": 1}, "withdrawn"),
        ("/keys", {"withdraw": "no"}, "withdraw must be of type bool, got 'no'"),
        ("/device", {"user_code": 5}, "user_code must be of type str"),
        ("/device", {"user_code": "X"}, "There is no such code"),
        ("/device", {}, "user_code"),
    ],
)
def test_an_order_that_cannot_be_is_a_bad_request(order, path, body, words):
    answer = order(path, body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_a_page_of_another_site_can_give_no_order(wire, identity):
    """A page may send a form or plain text to anywhere, but JSON only where it is allowed to."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = requests.post(
            f"{identity.control_url}/behave", b'{"status": 500}', headers={"Content-Type": kind}, timeout=5
        )
        assert answer.status_code == 415
    preflight = requests.options(f"{identity.control_url}/behave", timeout=30)
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert requests.get(f"{wire.url}/jwks", timeout=30).status_code == 200
