"""Clients with a refresh token, and the registration of clients, at the OpenID provider of the sandbox."""

from __future__ import annotations

import asyncio

import jwt
import pytest
import requests

from rest_tools.client import OpenIDRestClient
from rest_tools.client.openid_client import RegisterOpenIDClient
from rest_tools.utils import OpenIDAuth
from restwright.errors import LoginError, LoginExpired, UnusableAnswer
from restwright.testing import Reply, serve


@pytest.fixture
def refresh_token(identity):
    """Of alice's login."""
    return identity.issue("alice", client="web", scope="openid offline_access read")["refresh_token"]


@pytest.fixture
def log_in(connect, service, identity, refresh_token):
    def log_in(token=refresh_token, secret="web-secret", **settings):
        return connect(service.url, identity.url, token, "web", secret, kind=OpenIDRestClient, **settings)

    return log_in


def refreshes(identity):
    return identity.count("token", grant_type="refresh_token")


def test_the_constructor_refreshes_and_the_first_request_uses_what_it_got(log_in, identity, ask, refresh_token):
    """The contract's 15th defect: the first token was thrown away."""
    client = log_in()
    assert refreshes(identity) == 1
    assert client.access_token
    token = ask(client, "GET", "/x")["token"]
    assert token == client.access_token
    assert OpenIDAuth(identity.url).validate(token)["preferred_username"] == "alice"
    assert refreshes(identity) == 1
    assert isinstance(client.auth, OpenIDAuth)
    assert (client.client_id, client.client_secret, client.update_func) == ("web", "web-secret", None)


def test_what_the_provider_is_asked(log_in, identity, refresh_token):
    log_in(refresh_token.encode())
    asked = identity.requests[-1]
    assert dict(asked.form) == {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": "web",
    }
    assert asked.headers["authorization"].startswith("Basic ")


def test_a_public_client_says_only_its_name(connect, service, identity):
    token = identity.issue("alice", client="app")["refresh_token"]
    client = connect(service.url, identity.url, token, "app", kind=OpenIDRestClient)
    assert client.client_secret is None
    assert identity.requests[-1].form["client_id"] == "app"
    assert "authorization" not in identity.requests[-1].headers


def test_the_refresh_token_follows_rotation(log_in, identity, refresh_token):
    seen = []
    client = log_in(update_func=lambda access, refresh: seen.append((access, refresh)))
    assert client.refresh_token != refresh_token
    assert seen == [(client.access_token, client.refresh_token)]
    second = client._openid_token()
    assert seen[1:] == [(second, client.refresh_token)]
    assert client.access_token == second
    assert refreshes(identity) == 2


def test_update_func_is_not_called_if_the_answer_has_no_refresh_token(connect, service):
    provider = {"jwks_uri": "", "token_endpoint": "/token"}
    answers = [{"access_token": "a1", "expires_in": 300}, {"access_token": "a2", "refresh_token": "r1"}]

    def app(request):
        if request.path.endswith("configuration"):
            return Reply(json={**provider, "token_endpoint": f"{server.url}/token"})
        return Reply(json=answers.pop(0))

    seen = []
    with serve(app) as server:
        client = connect(
            service.url, server.url, "r1", "c", kind=OpenIDRestClient, update_func=lambda *tokens: seen.append(tokens)
        )
        assert (client.access_token, client.refresh_token, seen) == ("a1", "r1", [])
        client._openid_token()
        assert seen == [("a2", "r1")]


def test_update_func_may_be_a_coroutine_function(log_in, identity):
    seen = []

    async def update(access, refresh):
        await asyncio.sleep(0)
        seen.append(access)

    client = log_in(update_func=update)
    assert seen == [client.access_token]


def test_what_update_func_raises_comes_up_and_costs_no_token(log_in, identity, ask):
    def update(access, refresh):
        if not seen:
            seen.append(access)
            raise OSError("the disk is full")

    seen = []
    with pytest.raises(OSError, match="the disk is full"):
        log_in(update_func=update)
    assert refreshes(identity) == 1


def test_within_an_event_loop_the_first_request_refreshes(service, identity, refresh_token):
    async def main():
        client = OpenIDRestClient(service.url, identity.url, refresh_token, "web", "web-secret")
        assert identity.requests == []
        assert client.refresh_token == refresh_token
        async with client:
            await asyncio.gather(*[client.request("GET", "/x") for _ in range(20)])
        assert client.refresh_token != refresh_token

    asyncio.run(main())
    assert refreshes(identity) == 1


def test_a_refresh_token_that_does_not_count_fails_the_constructor(log_in):
    with pytest.raises(LoginExpired, match="Token request failed: invalid_grant") as raised:
        log_in("no-such-token")
    assert isinstance(raised.value, requests.RequestException)
    assert raised.value.error == "invalid_grant"
    assert "no-such-token" not in str(raised.value)


@pytest.mark.parametrize("token", ["", b""])
def test_an_empty_one_is_told_at_once(log_in, identity, token):
    with pytest.raises(ValueError, match="refresh_token is empty"):
        log_in(token)


def claims(**claims):
    return jwt.encode(claims, "0123456789abcdef" * 4, algorithm="HS512", headers={"kid": "foreign"})


@pytest.mark.parametrize(
    ("token", "scopes"),
    [
        (claims(scope="offline_access read"), "offline_access read"),
        (claims(scope="a", exp=1), "a"),
        (claims(scope=["a"]), ""),
        (claims(sub="x"), ""),
        ("opaque", ""),
    ],
)
def test_what_the_refresh_token_says_is_read_and_never_a_reason_to_fail(connect, service, token, scopes):
    """The contract's 24th defect: expired-looking ones, without `exp`, or with a foreign `kid` failed."""
    asked = []

    def app(request):
        if request.path.endswith("configuration"):
            return Reply(json={"jwks_uri": "", "token_endpoint": f"{server.url}/token"})
        asked.append(request.body.decode())
        return Reply(json={"access_token": "a", "expires_in": 300})

    with serve(app) as server:
        client = connect(service.url, server.url, token, "c", kind=OpenIDRestClient)
        assert client._get_scopes() == scopes
        assert ("scope=" in asked[0]) == bool(scopes)


@pytest.mark.parametrize("settings", [{"algorithm": "ES256"}, {"algorithms": ["ES256", "RS256"]}])
def test_the_algorithms_are_for_auth(log_in, settings):
    client = log_in(**settings)
    assert "ES256" in client.auth.algorithms
    assert client.kwargs == {}


def test_a_test_may_put_another_token_function_in_the_place(log_in, identity, ask, monkeypatch):
    monkeypatch.setattr(OpenIDRestClient, "_openid_token", lambda self: "patched")
    assert ask(log_in(), "GET", "/x")["token"] == "patched"
    assert refreshes(identity) == 0


def test_a_token_that_is_refused_is_renewed(log_in, identity, service, ask):
    client = log_in()
    service.refused.add(client.access_token)
    assert ask(client, "GET", "/x")["token"] == client.access_token
    assert refreshes(identity) == 2


def test_a_login_that_has_ended_is_told_with_the_request(log_in, identity, service, ask):
    client = log_in()
    identity.reset()
    service.refused.add(client.access_token)
    with pytest.raises(LoginError, match="Token request failed: invalid_grant"):
        ask(client, "GET", "/x")


def test_a_client_registers_for_the_time_of_a_block(identity):
    async def main():
        registration = RegisterOpenIDClient(identity.url, "my tool", ["openid", "read"])
        assert (registration.address, registration.client_name, registration.scopes) == (
            identity.url,
            "my tool",
            ["openid", "read"],
        )
        async with registration as (client_id, client_secret):
            client = identity.clients[client_id]
            assert client.secret == client_secret
            assert client.name == "my tool"
        assert client_id not in identity.clients

    asyncio.run(main())


def test_what_the_registration_sends():
    reply = {"client_id": "c1", "client_secret": "s1", "registration_access_token": "rat"}

    def app(request):
        if request.method == "DELETE":
            return Reply(204)
        return Reply(201, json={**reply, "registration_client_uri": f"{server.url}/realm/client/c1"})

    async def main(url):
        registration = RegisterOpenIDClient(url, "my tool")
        assert await registration.register_client() == ("c1", "s1")
        await registration.delete_client()

    with serve(app) as server:
        asyncio.run(main(f"{server.url}/realm"))
        post, delete = server.requests
    assert (post.method, post.target) == ("POST", "/realm/client")
    assert post.json() == {
        "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
        "client_name": "my tool",
        "scope": "",
    }
    assert "Authorization" not in post.headers
    assert (delete.method, delete.target) == ("DELETE", "/realm/client/c1")
    assert delete.headers["Authorization"] == "Bearer rat"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ([], "no client_id, client_secret, registration_client_uri, registration_access_token"),
        ({"client_id": "c", "client_secret": "s", "registration_access_token": "t"}, "no registration_client_uri"),
        ({"registration_client_uri": "http://evil.example/client/c"}, "not below"),
        ({"registration_client_uri": "{url}.evil.example/client/c"}, "not below"),
    ],
)
def test_a_registration_that_cannot_be_used_is_refused(answer, text):
    whole = {"client_id": "c", "client_secret": "s", "registration_access_token": "t"}
    if text == "not below":
        answer = {**whole, **answer}

    def app(request):
        if isinstance(answer, dict) and "registration_client_uri" in answer:
            return Reply(json={**answer, "registration_client_uri": answer["registration_client_uri"].format(url=url)})
        return Reply(json=answer)

    async def main():
        with pytest.raises(UnusableAnswer, match=text):
            await RegisterOpenIDClient(url, "my tool").register_client()

    with serve(app) as server:
        url = server.url
        asyncio.run(main())
