"""Where the services are, and who may ask them."""

from __future__ import annotations

import time

import pytest
import requests

from restwright.sandbox.sequoia import sequoia_service
from restwright.sandbox.sequoia.kinds import SERVICES


def ask_token(sequoia, secret="clientSecret", path="/oauth/token", **form):
    form = {"grant_type": "client_credentials", **form}
    return requests.post(sequoia.locations["identity"] + path, form, auth=("clientId", secret), timeout=30)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_registry_tells_to_everybody_where_the_services_are(sequoia, slash):
    answer = requests.get(sequoia.registry_url + slash, timeout=30)
    found = answer.json()["services"]
    assert [one["name"] for one in found] == ["identity", "metadata", "workflow", "validation"]
    assert {one["name"]: one["location"] for one in found} == sequoia.locations
    assert all({"name", "owner", "location", "title"} <= one.keys() for one in found)
    assert len({sequoia.url, *sequoia.locations.values()}) == 5  # each an origin of its own


def test_an_unknown_tenant_has_no_services(sequoia):
    answer = requests.get(f"{sequoia.url}/services/nobody", timeout=30)
    assert answer.json() == {"statusCode": 404, "error": "Not Found", "message": "there is no tenant 'nobody'"}
    assert answer.status_code == 404


def test_the_registry_may_have_another_port_and_the_others_the_next_ones(new_api):
    with sequoia_service(sample=False) as first:
        free = int(max([first.url, *first.locations.values()]).rpartition(":")[2])
    for port in range(free + 11, 65000, 7):  # until there are five in a row
        try:
            with sequoia_service(sample=False, port=port, tenant="t", clients={"a": "b"}) as second:
                ports = [int(url.rpartition(":")[2]) for url in (second.url, *second.locations.values())]
                assert ports == [port, port + 1, port + 2, port + 3, port + 4]
                assert second.registry_url == f"http://127.0.0.1:{port}/services/t"
                assert new_api(second).names() == []
                return
        except OSError:
            continue
    pytest.fail("no five free ports")


def test_a_service_on_all_addresses_is_where_it_was_asked_for(services):
    with sequoia_service(sample=False, address="0.0.0.0") as sequoia:
        port = sequoia.url.rpartition(":")[2]
        found = requests.get(f"http://localhost:{port}/services/testmock", timeout=30).json()["services"]
        assert [one["location"].rpartition(":")[0] for one in found] == ["http://localhost"] * 4


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/token/"])
def test_a_client_gets_a_token_that_opens_the_resources(sequoia, path):
    answer = ask_token(sequoia, path=path)
    document = answer.json()
    token = document.pop("access_token")
    assert (answer.status_code, document) == (200, {"token_type": "bearer", "expires_in": 3600})
    url = f"{sequoia.locations['metadata']}/data/contents?owner=o"
    assert requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code == 200


@pytest.mark.parametrize("auth", [("clientId", "wrong"), ("nobody", "clientSecret"), None])
def test_a_client_that_is_not_known_gets_none(sequoia, auth):
    url = f"{sequoia.locations['identity']}/oauth/token"
    answer = requests.post(url, {"grant_type": "client_credentials"}, auth=auth, timeout=30)
    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client", "error_description": "unknown client"}


def test_the_identity_service_has_the_errors_of_the_others(sequoia):
    url = sequoia.locations["identity"]
    for path, status, error in (("/oauth/token", 405, "Method Not Allowed"), ("/nothing", 404, "Not Found")):
        answer = requests.get(url + path, timeout=30)
        document = answer.json()
        assert (answer.status_code, document["statusCode"], document["error"]) == (status, status, error)
    sequoia.behave("identity/oauth/token", status=503, times=1)
    assert ask_token(sequoia).json()["message"] == "this was demanded"


def test_other_grants_are_refused(sequoia):
    assert ask_token(sequoia, grant_type="password").json()["error"] == "unsupported_grant_type"
    assert ask_token(sequoia, grant_type="").json()["error"] == "invalid_request"


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic Y2xpZW50SWQ6Y2xpZW50U2VjcmV0"])
@pytest.mark.parametrize(
    "path", ["/data/contents?owner=o", "/descriptor/raw", "/business/x", "/data/contents/o:c?owner=o"]
)
def test_resources_are_for_those_with_a_token(sequoia, path, authorization):
    url = sequoia.locations["metadata"] + path
    answer = requests.get(url, headers={"Authorization": authorization}, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_resources_may_be_for_all(services):
    sequoia = services(needs_token=False)
    assert requests.get(f"{sequoia.locations['workflow']}/data/jobs?owner=o", timeout=30).status_code == 200


def test_tokens_expire(services, new_api):
    sequoia = services(token_lifetime=0.01)
    assert ask_token(sequoia).json()["expires_in"] == 0.01
    api = new_api(sequoia)
    time.sleep(0.02)
    assert api.get("/data/contents").status_code == 401


def test_tokens_can_be_revoked_and_are_introspected(sequoia, api):
    token = api.session.headers["Authorization"].removeprefix("Bearer ")
    about = ask_token(sequoia, path="/oauth/introspect", token=token).json()
    assert (about["active"], about["client_id"]) == (True, "clientId")
    sequoia.revoke_tokens()
    assert ask_token(sequoia, path="/oauth/introspect/", token=token).json() == {"active": False}
    assert api.get("/data/contents").status_code == 401
    assert ask_token(sequoia, "wrong", path="/oauth/introspect", token=token).status_code == 401
    with pytest.raises(ValueError, match="there is no client 'nobody', but clientId"):
        sequoia.token("nobody")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tenant": "a/b"}, "tenant has to be a name"),
        ({"clients": {}}, "clients has to have one"),
        ({"token_lifetime": 0}, "token_lifetime has to be more than 0"),
        ({"linked_per_page": 0}, "linked_per_page has to be 1 to 1000, got 0"),
        ({"linked_pages": 101}, "linked_pages has to be 1 to 100, got 101"),
        ({"port": 65532}, "port must be 0 to 65531"),
        ({"database": "mysql://x"}, "a database is SQLite or PostgreSQL"),
        ({"services": SERVICES + SERVICES[:1]}, "services has a name twice"),
    ],
)
def test_what_cannot_be_set_is_told(options, words):
    with pytest.raises(ValueError, match=words):
        sequoia_service(**options)
