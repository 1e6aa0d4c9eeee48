"""The endpoints for programs beside the token endpoint."""

from __future__ import annotations

import jwt
import pytest
import requests

WEB, SERVICE = ("web", "web-secret"), ("service", "service-secret")
DISCOVERY = "/.well-known/openid-configuration"


def test_both_discovery_documents_name_all_endpoints(wire, identity):
    openid = requests.get(wire.url + DISCOVERY, timeout=30).json()
    assert openid == requests.get(f"{wire.url}/.well-known/oauth-authorization-server", timeout=30).json()
    assert openid == identity.metadata
    assert openid["issuer"] == identity.issuer == identity.url
    names = {
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "device_authorization_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "end_session_endpoint",
        "registration_endpoint",
    }
    assert names == {name for name in openid if name.endswith(("_endpoint", "_uri"))}
    for name in names:  # each is there: it may want another method, or a body, but it is known
        assert requests.options(openid[name], timeout=30).status_code in (204, 405)
    assert openid["code_challenge_methods_supported"] == ["S256"]
    assert openid["authorization_response_iss_parameter_supported"] is True


def test_userinfo_tells_what_the_scopes_give(wire):
    answer = wire.userinfo(wire.login(scope="openid email")["access_token"])
    assert answer.status_code == 200
    assert answer.json()["email"] == "alice@example.com"
    assert "preferred_username" not in answer.json()
    assert answer.json()["sub"] == wire.identity.users["alice"].sub
    token = wire.login(scope="openid profile")["access_token"]
    by_post = requests.post(f"{wire.url}/userinfo", headers={"Authorization": f"bearer {token}"}, timeout=30)
    assert by_post.json()["name"] == "Alice Liddell"


def test_userinfo_is_refused_as_rfc_6750_has_it(wire, identity, refused):
    anonymous = requests.get(f"{wire.url}/userinfo", timeout=30)
    assert (anonymous.status_code, anonymous.headers["WWW-Authenticate"]) == (401, 'Bearer realm="sandbox"')
    wrong = wire.userinfo("nonsense")
    refused(wrong, "invalid_token", "unknown, revoked or expired", 401)
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    for answer in (identity.issue(scope="read"), identity.issue(None, client="service", scope="")):
        poor = wire.userinfo(answer["access_token"])
        assert (poor.status_code, poor.json()["error"]) == (403, "insufficient_scope")
        assert 'scope="openid"' in poor.headers["WWW-Authenticate"]


def test_userinfo_takes_no_expired_token(wire, identity, refused):
    token = wire.login()["access_token"]
    identity.behave(clock_skew=301)
    refused(wire.userinfo(token), "invalid_token", "expired", 401)


def test_introspection_tells_about_access_tokens(wire, identity):
    identity.adjust(access_tokens="opaque")
    token = wire.login()["access_token"]
    about = wire.post("/introspect", {"token": token}, SERVICE).json()
    assert about["active"] is True
    assert (about["username"], about["client_id"], about["token_type"]) == ("alice", "app", "Bearer")
    assert (about["scope"], about["role"], about["iss"]) == ("openid profile read", "admin", identity.issuer)
    assert about["exp"] - about["iat"] == 300


def test_introspection_tells_about_refresh_tokens(wire):
    token = wire.login()["refresh_token"]
    about = wire.post("/introspect", {"token": token, "token_type_hint": "refresh_token"}, WEB).json()
    assert (about["active"], about["client_id"], about["scope"]) == (True, "app", "openid profile read")
    assert about["exp"] - about["iat"] == 1800
    wire.refresh(token)
    assert wire.post("/introspect", {"token": token}, WEB).json() == {"active": False}


def test_introspection_of_what_is_not_good_tells_nothing_else(wire, identity):
    tokens = wire.login()
    identity.behave(clock_skew=1801)
    for token in (tokens["access_token"], tokens["refresh_token"], "nonsense"):
        assert wire.post("/introspect", {"token": token}, WEB).json() == {"active": False}


def test_introspection_is_for_clients_with_a_secret(wire, refused):
    refused(wire.post("/introspect", {"client_id": "app", "token": "x"}), "invalid_client", "with a secret", 401)
    refused(wire.post("/introspect", {"a": "b"}, WEB), "invalid_request", "token is missing")


def test_a_revoked_refresh_token_ends_its_family(wire, refused):
    tokens = wire.login()
    answer = wire.post("/revoke", {"client_id": "app", "token": tokens["refresh_token"]})
    assert answer.status_code == 200
    refused(wire.refresh(tokens["refresh_token"]), "invalid_grant", "revoked")
    assert wire.userinfo(tokens["access_token"]).status_code == 401


def test_a_revoked_access_token_ends_alone(wire):
    tokens = wire.login()
    wire.post("/revoke", {"client_id": "app", "token": tokens["access_token"], "token_type_hint": "nonsense"})
    assert wire.userinfo(tokens["access_token"]).status_code == 401
    assert wire.refresh(tokens["refresh_token"]).status_code == 200


def test_revocation_of_what_is_unknown_is_done_already(wire, refused):
    """RFC 7009, 2.2."""
    assert wire.post("/revoke", {"client_id": "app", "token": "nonsense"}).status_code == 200
    refused(wire.post("/revoke", {"client_id": "app"}), "invalid_request", "token is missing")


def test_a_token_is_revoked_by_its_own_client_only(wire, refused):
    tokens = wire.login()
    for name in ("access_token", "refresh_token"):
        refused(wire.post("/revoke", {"token": tokens[name]}, WEB), "invalid_grant", "another client")
    assert wire.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect", "/device_authorization"])
def test_other_methods_are_not_allowed(wire, path):
    answer = requests.get(wire.url + path, timeout=30)
    assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)


def test_any_site_may_call_the_endpoints_for_programs(wire, identity):
    """CORS: an application in a page asks for its tokens itself."""
    asked = requests.options(f"{wire.url}/token", headers={"Origin": "https://app.example"}, timeout=30)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert identity.count() == 0
    assert wire.token(client_id="nobody").headers["Access-Control-Allow-Origin"] == "*"


def test_what_is_not_there_is_404_in_json(wire):
    answer = requests.get(f"{wire.url}/nothing", timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")


def test_tokens_are_also_issued_without_a_login(wire, identity):
    alice, service = identity.issue(), identity.issue(None, client="service", scope="read")
    assert wire.userinfo(alice["access_token"]).json()["preferred_username"] == "alice"
    assert wire.refresh(alice["refresh_token"]).status_code == 200
    assert jwt.decode(service["access_token"], options={"verify_signature": False})["sub"] == "service"
    for wrong in ({"user": "nobody"}, {"client": "nobody"}, {"scope": "admin"}):
        with pytest.raises(ValueError, match=r"there is no (user|client) 'nobody', but|may not have the scope 'admin'"):
            identity.issue(**wrong)
