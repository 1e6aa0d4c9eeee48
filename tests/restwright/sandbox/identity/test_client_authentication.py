"""Clients show who they are in one way, and no other (RFC 6749, 2.3)."""

from __future__ import annotations

import base64

import pytest

CREDENTIALS = {"grant_type": "client_credentials"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_a_secret_may_come_by_basic_or_in_the_form(wire):
    in_form = {"client_id": "service", "client_secret": "service-secret"}
    assert wire.token(("service", "service-secret"), **CREDENTIALS).status_code == 200
    assert wire.token(**CREDENTIALS, **in_form).status_code == 200
    assert wire.token(("service", "service-secret"), **CREDENTIALS, client_id="service").status_code == 200


def test_two_ways_at_once_are_refused(wire, refused):
    answer = wire.token(("service", "service-secret"), **CREDENTIALS, client_secret="service-secret")
    refused(answer, "invalid_request", "in two ways")


def test_basic_and_client_id_have_to_agree(wire, refused):
    answer = wire.token(("service", "service-secret"), **CREDENTIALS, client_id="web")
    refused(answer, "invalid_request", "not that of HTTP Basic")


@pytest.mark.parametrize(
    ("auth", "form", "words"),
    [
        (None, {}, "client_id is missing"),
        (None, {"client_id": "nobody"}, "no such client"),
        (("nobody", "x"), {}, "no such client"),
        (("service", "wrong"), {}, "wrong client_secret"),
        (None, {"client_id": "service", "client_secret": "wrong"}, "wrong client_secret"),
        (None, {"client_id": "service"}, "has to show its secret"),
        (None, {"client_id": "service", "client_secret": ""}, "has to show its secret"),
        (None, {"client_id": "app", "client_secret": "guess"}, "public"),
        (("app", "guess"), {}, "public"),
        (("app", ""), {}, "public"),
    ],
)
def test_a_client_that_does_not_show_who_it_is_gets_401_and_a_challenge(wire, refused, auth, form, words):
    answer = wire.token(auth, **CREDENTIALS, **form)
    refused(answer, "invalid_client", words, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic !!!"},
        basic("no colon"),
        {"Authorization": "Basic /w=="},
        {"Authorization": "Basic"},
    ],
)
def test_what_is_not_basic_is_refused(wire, refused, headers):
    refused(wire.post("/token", CREDENTIALS, headers=headers), "invalid_client", "HTTP Basic", 401)


def test_id_and_secret_are_encoded_as_in_a_form(wire, identity):
    """RFC 6749, 2.3.1; the colon could not be sent otherwise."""
    identity.add_client("urn:a", secret="50% + x", grant_types=("client_credentials",))
    headers = basic("urn%3Aa:50%25+%2B+x")
    assert wire.post("/token", CREDENTIALS, headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "other"), [("client_secret_basic", "post"), ("client_secret_post", "basic")])
def test_a_client_may_be_bound_to_one_way(wire, identity, refused, method, other):
    identity.add_client("bound", secret="s", grant_types=("client_credentials",), auth_method=method)
    by_basic = wire.token(("bound", "s"), **CREDENTIALS)
    by_post = wire.token(**CREDENTIALS, client_id="bound", client_secret="s")
    good, bad = (by_post, by_basic) if other == "basic" else (by_basic, by_post)
    assert good.status_code == 200
    refused(bad, "invalid_client", f"has to use {method}", 401)


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect", "/device_authorization"])
def test_every_endpoint_for_clients_asks_who_it_is(wire, refused, path):
    refused(wire.post(path, {"token": "x", "client_id": "nobody"}), "invalid_client", "no such client", 401)


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect", "/device_authorization"])
def test_only_forms_are_taken_and_nothing_from_the_url(wire, refused, path):
    auth = ("web", "web-secret")
    refused(wire.post(path, b"{}", auth, headers={"Content-Type": "application/json"}), "invalid_request", "urlencoded")
    refused(wire.post(path, b"a=b", auth), "invalid_request", "urlencoded")
    refused(wire.post(path + "?client_id=web", {"token": "x"}, auth), "invalid_request", "not into the URL")


def test_a_parameter_comes_once(wire, refused):
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    body = b"grant_type=client_credentials&grant_type=client_credentials&client_id=service"
    refused(wire.post("/token", body, headers=kind), "invalid_request", "grant_type is given more than once")
    refused(wire.post("/token", b"grant_type=%ff", headers=kind), "invalid_request", "not UTF-8")


def test_secrets_are_not_in_reprs(identity):
    assert "web-secret" not in repr(identity.clients["web"])
    assert "wonderland" not in repr(identity.users["alice"])
