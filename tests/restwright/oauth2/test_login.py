"""The whole: what a program does with `OAuth2`, blocking and awaited."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest
import requests
import trustme
from tests.timing import running_time

from restwright import AsyncClient, Operations, Request, SyncClient, fetch, operation
from restwright.client import default_policy
from restwright.errors import DeadlineExceeded, LoginError, LoginRequired, TlsError, TransportError
from restwright.oauth2 import FileStore, OAuth2, ProviderMetadata, TokenSet
from restwright.testing import Reply, serve
from restwright.testing.faults import hang_before


class Asking(Operations):
    @operation
    def ask(self):
        return (yield from fetch(Request("GET", "/x"))).json()


class Sync(SyncClient, Asking):
    pass


class Async(AsyncClient, Asking):
    pass


def api(request):
    return Reply(json=request.headers.get("Authorization", ""))


def test_a_service_never_thinks_of_tokens(provider, service):
    policy = default_policy(service.policy())
    with serve(api) as server:
        with Sync(server.url, Asking(), policy=policy) as client:
            assert client.ask() == "Bearer access-1"

        async def main():
            async with Async(server.url, Asking(), policy=policy) as client:
                return await client.ask()

        assert asyncio.run(main()) == "Bearer access-1"
        assert provider.count("/token") == 1
        assert provider.count("/.well-known/openid-configuration") == 1


def test_a_thousand_tasks_of_two_clients_cause_one_token_request(provider, service):
    policy = default_policy(service.policy())

    async def main(url):
        async with (
            Async(url, Asking(), policy=policy, timeout=30.0) as one,
            Async(url, Asking(), policy=policy, timeout=30.0) as two,
        ):
            return await asyncio.gather(*(client.ask() for _ in range(500) for client in (one, two)))

    with serve(api) as server:
        assert set(asyncio.run(main(server.url))) == {"Bearer access-1"}
    assert provider.count("/token") == 1


def test_a_person_logs_in_once_and_the_next_program_finds_it(provider, tmp_path, drive):
    path = tmp_path / "tokens.json"
    first = OAuth2(provider.url, "app", store=FileStore(path), within=30.0)
    with pytest.raises(LoginRequired, match="there is no token: log in first"):
        drive(first, first.tokens())
    provider.live.add("refresh-0")
    drive(first, first.keeper.keep(TokenSet("expired", expires_at=0.0, refresh_token="refresh-0")))
    second = OAuth2(provider.url, "app", store=FileStore(path), within=30.0)
    with serve(api) as server, Sync(server.url, Asking(), policy=default_policy(second.policy())) as client:
        assert client.ask() == "Bearer access-1"
    third = OAuth2(provider.url, "app", store=FileStore(path), within=30.0)
    assert drive(third, third.tokens()).access_token == "access-1"
    assert provider.count("/token") == 1


def test_a_provider_that_publishes_nothing_is_told_by_its_endpoints(provider, drive):
    metadata = ProviderMetadata(token_endpoint=f"{provider.url}/token")
    login = OAuth2(metadata, "app", "s3cr3t", grant="client_credentials", within=30.0)
    assert drive(login, login.tokens()).access_token == "access-1"
    assert [request.path for request in provider.server.requests] == ["/token"]


def test_it_closes_what_it_opened_and_keeps_the_tokens(provider):
    with OAuth2(provider.url, "my-service", "my-secret", grant="client_credentials") as login:
        first = login.run(login.tokens())
    assert not login._transport._adapter._pools
    assert login.run(login.tokens()) == first

    async def awaited():
        async with OAuth2(provider.url, "my-service", "my-secret", grant="client_credentials") as login:
            await login.run_async(login.client_credentials())
            assert login._transport._adapter._loops
        assert not login._transport._adapter._loops

    asyncio.run(awaited())
    login.close()


def test_a_session_brings_its_certificates(certificate, drive):
    answers = {"/token": Reply(json={"access_token": "abc", "token_type": "Bearer"})}
    with serve(lambda request: answers[request.path], tls=certificate.server) as server:
        metadata = ProviderMetadata(token_endpoint=f"{server.url}/token")
        login = OAuth2(metadata, "app", "s3cr3t", within=30.0)
        with pytest.raises(TlsError):
            drive(login, login.client_credentials())
        session = requests.Session()
        session.verify = certificate.path
        login = OAuth2(metadata, "app", "s3cr3t", session=session, within=30.0)
        assert drive(login, login.client_credentials()).access_token == "abc"


def test_a_session_does_not_bring_its_own_credentials(provider, drive):
    """They are for the service that it is used for otherwise."""
    session = requests.Session()
    session.headers.update({"Authorization": "Bearer canary", "X-Api-Key": "canary"})
    session.auth = ("user", "canary")
    session.params = {"key": "canary"}
    session.cookies.set("session", "canary")
    login = OAuth2(provider.url, "app", session=session, within=30.0)
    provider.live.add("r")
    drive(login, login.keeper.keep(TokenSet.to_refresh("r")))
    drive(login, login.refresh())
    seen = provider.server.requests
    assert [request.path for request in seen] == ["/.well-known/openid-configuration", "/token"]
    assert "canary" not in repr([(request.target, request.header_lines) for request in seen])


@pytest.fixture
def certificate(tmp_path):
    import ssl
    from types import SimpleNamespace

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return SimpleNamespace(server=context, path=str(tmp_path / "ca.pem"))


@pytest.mark.parametrize(
    ("arguments", "settings", "kind", "said"),
    [
        (("https://idp.example", "app"), {"scopes": "openid"}, TypeError, "scopes must be a list"),
        (
            ("https://idp.example", "app"),
            {"grant": "password"},
            ValueError,
            "grant must be 'client_credentials' or None",
        ),
        (("https://idp.example", "app"), {"grant": "client_credentials"}, ValueError, "needs a client_secret"),
        (("https://idp.example", "app", "s"), {"client_auth": "post"}, ValueError, "client_auth must be"),
        (("https://idp.example", ""), {}, ValueError, "client_id is empty"),
        (("http://idp.example", "app"), {}, LoginError, "plain http is for a provider on this machine only"),
        (("idp.example", "app"), {}, LoginError, "the provider's URL"),
        ((ProviderMetadata(), "app"), {}, LoginError, "the provider has no token_endpoint"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(arguments, settings, kind, said):
    with pytest.raises(kind, match=said):
        OAuth2(*arguments, **settings)


def test_its_repr_shows_no_secret(provider):
    login = OAuth2(provider.url, "app", "canary")
    assert repr(login) == f"<OAuth2 of 'app' at {provider.url}>"


def heartbeat(seconds, work):
    """The longest running time that the event loop stood still while `work` was awaited; and what came of it."""

    async def main():
        longest, last, done = 0.0, clock(), False

        async def beat():
            nonlocal longest, last
            while not done:
                await asyncio.sleep(0.005)
                now = clock()
                longest, last = max(longest, now - last), now

        beating = asyncio.create_task(beat())
        outcome = await asyncio.gather(work(), return_exceptions=True)
        done = True
        await beating
        return longest, outcome[0]

    with running_time() as clock:
        return asyncio.run(asyncio.wait_for(main(), seconds))


@pytest.mark.parametrize("path", ["/token", "/.well-known/openid-configuration"])
def test_a_blocked_provider_does_not_block_the_event_loop(provider, path):
    provider.script(path, hang_before())
    provider_or_url = ProviderMetadata(**provider.metadata) if path == "/token" else provider.url
    login = OAuth2(provider_or_url, "app", "s3cr3t", grant="client_credentials", within=1.5)

    async def work():
        async with Async(server.url, Asking(), policy=default_policy(login.policy())) as client:
            await client.ask()

    with serve(api) as server:
        started = time.monotonic()
        longest, error = heartbeat(30, work)
        assert server.requests == []
    assert isinstance(error, TransportError)
    assert f"{provider.url}{path}" in str(error)
    assert time.monotonic() - started < 20
    assert longest < 1.0


def test_the_deadline_of_a_call_holds_for_its_token_too(provider, service):
    from restwright.policies import deadline, stack

    provider.script("/token", hang_before())
    with serve(api) as server, Sync(server.url, Asking(), policy=stack(deadline(0.2), service.policy())) as client:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="the renewal of a token takes longer than"):
            client.ask()
        assert time.monotonic() - started < 15


def test_what_is_heavy_is_loaded_when_it_is_needed():
    script = """
import sys
import kinto_http, restwright.oauth2
heavy = {"oauthlib", "qrcode", "keyring", "filelock", "jwt", "cryptography"} & set(sys.modules)
assert not heavy, heavy
restwright.oauth2.OAuth2("https://idp.example", "app", store=restwright.oauth2.FileStore("x"))
heavy = {"oauthlib", "qrcode", "keyring", "filelock", "jwt", "cryptography"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=200)


def test_loading_it_does_not_block_the_event_loop(tmp_path):
    script = """
import asyncio, sys, time
from restwright.oauth2 import OAuth2
from restwright.testing import Reply, serve

def app(request):
    if request.path == "/token":
        return Reply(json={"access_token": "abc", "token_type": "Bearer"})
    return Reply(json={"issuer": server.url, "token_endpoint": server.url + "/token"})

async def main():
    threads = []
    import threading
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name.startswith("oauthlib"):
                threads.append(threading.current_thread())
    sys.meta_path.insert(0, Finder())
    login = OAuth2(server.url, "app", "secret")
    await login.run_async(login.client_credentials())
    assert threads and threading.main_thread() not in threads, threads

with serve(app) as server:
    asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=200)
