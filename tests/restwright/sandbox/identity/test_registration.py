"""Clients that register themselves (RFC 7591 and 7592)."""

from __future__ import annotations

import pytest
import requests

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
WANTED = {"grant_types": ["authorization_code", DEVICE_CODE], "client_name": "A tool", "scope": "a b"}


def register(wire, document=WANTED, **how):
    return requests.post(f"{wire.url}/client", **({"json": document} | how), timeout=30)


def look_after(method, answer, token=None, **how):
    headers = {"Authorization": f"Bearer {token or answer['registration_access_token']}"}
    return requests.request(method, answer["registration_client_uri"], headers=headers, timeout=30, **how)


def test_a_registered_client_can_log_devices_in(wire, identity):
    answer = register(wire)
    assert answer.status_code == 201
    client = answer.json()
    assert client["registration_client_uri"] == f"{wire.url}/client/{client['client_id']}"
    assert (client["client_name"], client["scope"], client["client_secret_expires_at"]) == ("A tool", "a b", 0)
    auth = client["client_id"], client["client_secret"]
    device = wire.post("/device_authorization", {"scope": "offline_access a"}, auth).json()
    identity.allow_device(device["user_code"])
    tokens = wire.token(auth, grant_type=DEVICE_CODE, device_code=device["device_code"]).json()
    assert tokens["scope"] == "a offline_access"
    assert wire.token(auth, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200


def test_a_registered_client_can_be_public(wire):
    client = register(
        wire, {"token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/callback"]}
    ).json()
    assert "client_secret" not in client
    code = wire.code(client["client_id"], scope="openid")
    assert wire.exchange(code, client_id=client["client_id"]).status_code == 200


def test_a_registered_client_uses_the_method_that_it_registered(wire, refused):
    client = register(wire, {"grant_types": ["client_credentials"]}).json()
    assert client["token_endpoint_auth_method"] == "client_secret_basic"
    auth = client["client_id"], client["client_secret"]
    assert wire.token(auth, grant_type="client_credentials").status_code == 200
    form = {"grant_type": "client_credentials", "client_id": auth[0], "client_secret": auth[1]}
    refused(wire.token(**form), "invalid_client", "has to use client_secret_basic", 401)


def test_a_registration_can_be_read_changed_and_removed(wire, refused):
    client = register(wire).json()
    assert look_after("GET", client).json() == client
    wanted = {**WANTED, "client_id": client["client_id"], "scope": "c"}
    changed = look_after("PUT", client, json=wanted).json()
    assert (changed["scope"], changed["client_secret"]) == ("c", client["client_secret"])
    assert look_after("DELETE", client).status_code == 204
    refused(look_after("GET", client), "invalid_token", "registration token", 401)
    auth = client["client_id"], client["client_secret"]
    refused(wire.token(auth, grant_type=DEVICE_CODE), "invalid_client", "no such client", 401)


def test_the_tokens_of_a_removed_client_are_worth_nothing(wire, identity):
    client = register(wire).json()
    tokens = identity.issue(client=client["client_id"])
    assert wire.userinfo(tokens["access_token"]).status_code == 200
    look_after("DELETE", client)
    assert wire.userinfo(tokens["access_token"]).status_code == 401


def test_only_the_registration_token_gives_access(wire, refused):
    client, other = register(wire).json(), register(wire).json()
    for method in ("GET", "PUT", "DELETE"):
        for token in ("nonsense", other["registration_access_token"]):
            refused(look_after(method, client, token, json={}), "invalid_token", "registration token", 401)
    assert requests.get(client["registration_client_uri"], timeout=30).status_code == 401
    assert requests.get(f"{wire.url}/client/web", headers={"Authorization": "Bearer x"}, timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("document", "error", "words"),
    [
        ({"redirect_uris": ["/callback"]}, "invalid_redirect_uri", "absolute"),
        ({"redirect_uris": "https://a.example"}, "invalid_client_metadata", "redirect_uris must be a list"),
        ({"redirect_uris": [1]}, "invalid_client_metadata", "redirect_uris must be a list"),
        ({"grant_types": ["password"]}, "invalid_client_metadata", "grant_types"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata", "auth_method must be one of"),
        ({"token_endpoint_auth_method": ["none"]}, "invalid_client_metadata", "auth_method must be one of"),
        (
            {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
            "invalid_client_metadata",
            "only",
        ),
        ({"client_name": 7}, "invalid_client_metadata", "client_name must be a text"),
        ({"scope": 'a "b"'}, "invalid_client_metadata", "scopes"),
    ],
)
def test_a_registration_is_refused(wire, refused, document, error, words):
    refused(register(wire, document), error, words)


def test_a_registration_is_json(wire, refused):
    kind = {"Content-Type": "application/json"}
    refused(register(wire, json=None, data="{", headers=kind), "invalid_client_metadata", "JSON object")
    refused(register(wire, json=None, data="[]", headers=kind), "invalid_client_metadata", "JSON object")
    refused(register(wire, json=None, data={"a": "b"}), "invalid_request", "Content-Type must be application/json")


def test_a_change_names_its_client(wire, refused):
    client = register(wire).json()
    refused(look_after("PUT", client, json=WANTED), "invalid_client_metadata", "client_id must be that")


def test_registration_can_be_switched_off(wire, identity):
    identity.adjust(registration=False)
    assert register(wire).status_code == 404
    assert "registration_endpoint" not in identity.metadata
