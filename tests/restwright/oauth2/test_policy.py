from __future__ import annotations

import asyncio

import pytest

from restwright import AsyncClient, Operations, Request, Response, SyncClient, fetch, operation
from restwright.auth import BearerAuth
from restwright.client import default_policy
from restwright.errors import LoginExpired, NotConnected, Unauthorized
from restwright.oauth2 import MemoryStore, TokenKeeper, TokenSet, bearer_token
from restwright.testing import Reply, play, serve
from restwright.testing.faults import redirect_to

GOOD = TokenSet("good", expires_at=1e10, refresh_token="r0")
GET = Request("GET", "/x")


class Renewals:
    """Renews as often as it is asked to; counts."""

    def __init__(self, error=None):
        self.count = 0
        self.error = error

    def __call__(self, tokens):
        self.count += 1
        if self.error:
            raise self.error
        return TokenSet(f"new{self.count}", expires_at=1e10, refresh_token="r")
        yield


def layer(tokens=GOOD, renewals=None, **settings):
    keeper = TokenKeeper(lambda request: None, renew=renewals or Renewals(), store=MemoryStore(tokens))
    return bearer_token(keeper, **settings)


def test_a_request_is_signed_by_the_transport():
    """Which knows what the client's own origin is."""
    asked = []
    play(layer()(GET), Response(200), asked=asked)
    assert asked == [GET.but(auth=BearerAuth("good"))]
    assert "good" not in repr(asked)


def test_a_request_with_credentials_of_its_own_is_left_alone():
    asked, own = [], GET.with_header("authorization", "Basic own")
    assert play(layer()(own), Response(401), asked=asked).status_code == 401
    assert asked == [own]


def test_a_refusal_leads_to_one_renewal_and_one_replay():
    asked, renewals = [], Renewals()
    response = play(layer(renewals=renewals)(GET), Response(401), Response(200), asked=asked)
    assert response.status_code == 200
    assert [request.auth for request in asked] == [BearerAuth("good"), BearerAuth("new1")]


def test_a_second_refusal_is_the_answer():
    renewals = Renewals()
    assert play(layer(renewals=renewals)(GET), Response(401), Response(401)).status_code == 401
    assert renewals.count == 1


def test_other_refusals_are_the_answer():
    renewals = Renewals()
    for status in (400, 403, 407, 500):
        assert play(layer(renewals=renewals)(GET), Response(status)).status_code == status
    assert renewals.count == 0


def test_a_refusal_of_what_cannot_be_renewed_is_the_answer():
    """It tells more than that there is no refresh token."""
    assert play(layer(TokenSet("good"))(GET), Response(401)).status_code == 401


def test_a_renewal_that_fails_is_told():
    for error in (LoginExpired("log in again"), NotConnected("away")):
        with pytest.raises(type(error), match=str(error)):
            play(layer(renewals=Renewals(error))(GET), Response(401))


def test_content_is_sent_again():
    asked = []
    request = Request("POST", "/x", json={"a": 1})
    play(layer()(request), Response(401), Response(201), asked=asked)
    assert [each.json for each in asked] == [{"a": 1}, {"a": 1}]


def test_files_in_the_words_of_requests_are_not():
    """They are read but once."""
    renewals = Renewals()
    request = Request("POST", "/x", options={"files": {"file": object()}})
    assert play(layer(renewals=renewals)(request), Response(401)).status_code == 401
    assert renewals.count == 0


def test_a_listed_origin_is_signed_for_by_its_name():
    asked = []
    signing = layer(origins=["https://files.example.org"])
    for url in ("https://files.example.org/x", "https://files.example.org:8443/x", "https://other.example/x"):
        play(signing(Request("GET", url)), Response(200), asked=asked)
    assert [request.header("Authorization") for request in asked] == ["Bearer good", None, None]


class Asking(Operations):
    @operation
    def ask(self, url, method="GET", **fields):
        return (yield from fetch(Request(method, url, **fields))).json()["sent"]


class Sync(SyncClient, Asking):
    pass


class Async(AsyncClient, Asking):
    pass


@pytest.fixture(params=["sync", "async"])
def client(request):
    """Makes clients of either kind, whose `ask` blocks in the test."""
    with asyncio.Runner() as runner:
        made = []

        class Caller:
            def __init__(self, url, signing):
                kind = Sync if request.param == "sync" else Async
                self.client = kind(url, Asking(), policy=default_policy(signing), timeout=30.0)
                made.append(self.client)

            def ask(self, *arguments, **fields):
                outcome = self.client.ask(*arguments, **fields)
                return outcome if request.param == "sync" else runner.run(outcome)

        yield Caller
        for each in made:
            each.close() if request.param == "sync" else runner.run(each.aclose())


def mirror(request):
    """Answers with the credentials that came."""
    if request.path == "/expired" and request.headers.get("Authorization") == "Bearer good":
        return Reply(401)
    return Reply(json={"sent": request.headers.get("Authorization")})


def test_the_own_origin_gets_it_by_path_and_by_full_name(client):
    with serve(mirror) as api:
        caller = client(f"{api.url}/v1", layer())
        assert caller.ask("/x") == "Bearer good"
        assert caller.ask(f"{api.url}/elsewhere") == "Bearer good"
        caller.client.session.headers["Authorization"] = "Basic of-the-session"
        assert caller.ask("/x") == "Bearer good"


def test_no_other_origin_gets_it(client):
    with serve(mirror) as api, serve(mirror) as other:
        caller = client(api.url, layer())
        assert caller.ask(f"{other.url}/x") is None
        assert caller.ask(f"{other.url.replace('127.0.0.1', 'localhost')}/x") is None


def test_a_listed_origin_gets_it(client):
    with serve(mirror) as api, serve(mirror) as files:
        assert client(api.url, layer(origins=[files.url])).ask(f"{files.url}/x") == "Bearer good"


@pytest.mark.parametrize("is_listed", [False, True])
def test_it_does_not_go_along_a_redirect_to_another_origin(client, is_listed):
    with serve(mirror) as other, serve([redirect_to(f"{other.url}/x")]) as api:
        if is_listed:  # as a name in a header field it is left behind as well
            with serve(mirror) as first:
                assert client(first.url, layer(origins=[api.url])).ask(f"{api.url}/y") is None
        else:
            assert client(api.url, layer()).ask("/y") is None
        assert api.requests[0].headers["Authorization"] == "Bearer good"


def test_a_redirect_within_the_origin_keeps_it(client):
    def app(request):
        return redirect_to("/there") if request.path == "/here" else mirror(request)

    with serve(app) as api:
        assert client(api.url, layer()).ask("/here") == "Bearer good"


def test_another_origins_refusal_renews_nothing(client):
    """It never got the token."""
    renewals = Renewals()
    with serve([Reply(401)]) as other, serve([redirect_to(f"{other.url}/x")]) as api:
        caller = client(api.url, layer(renewals=renewals))
        for url in ("/y", f"{other.url}/x"):
            with pytest.raises(Unauthorized):
                caller.ask(url)
    assert renewals.count == 0


def test_a_refusal_is_renewed_and_replayed_with_its_content(client):
    with serve(mirror) as api:
        assert client(api.url, layer()).ask("/expired", "POST", content=b"abc") == "Bearer new1"
        assert [request.body for request in api.requests] == [b"abc", b"abc"]


def test_a_server_that_refuses_all_tokens_is_asked_twice(client):
    renewals = Renewals()
    with serve([Reply(401)]) as api:
        with pytest.raises(Unauthorized):
            client(api.url, layer(renewals=renewals)).ask("/x")
        assert len(api.requests) == 2
    assert renewals.count == 1


def test_a_thousand_refusals_lead_to_one_renewal():
    renewals = Renewals()

    async def main(url):
        async with Async(url, Asking(), policy=default_policy(layer(renewals=renewals)), timeout=30.0) as asking:
            return await asyncio.gather(*(asking.ask("/expired") for _ in range(1000)))

    with serve(mirror) as api:
        assert set(asyncio.run(main(api.url))) == {"Bearer new1"}
    assert renewals.count == 1
