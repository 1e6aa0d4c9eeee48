from __future__ import annotations

import asyncio
import copy
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.sequoia.asking import CONTENTS, LOGIN, TOKEN, add, asked, names, new_async_client, new_client, tokens

from restwright.errors import CertificateError
from restwright.testing import FakeClock, Reply, serve
from sequoia.auth import (
    Auth,
    AuthFactory,
    BYOTokenAuth,
    ClientGrantAuth,
    MutualAuth,
    NoAuth,
    OAuth2SessionTokenManagementWrapper,
    TokenCache,
    oauth_token,
)
from sequoia.client import AuthType
from sequoia.error import (
    AuthorisationError,
    ClientError,
    ConnectionError,  # noqa: A004
    HttpError,
    NotMatchingVersion,
    ReferencesMismatchException,
    RequestError,
    Timeout,
    TokenExpiredError,
    TooManyRedirects,
    UnknownService,
)

C1 = "/data/contents/o:c1"


def read(client):
    return client.metadata.contents.read("o", "o:c1")


@pytest.fixture(autouse=True)
def one_content(sequoia):
    add(sequoia, "contents", {"name": "c1"})


# --- client grant ---


def test_a_client_gets_a_token_by_its_id_and_secret(sequoia, drive):
    drive(read)
    (request,) = asked(sequoia, TOKEN)
    assert (request.method, request.body) == ("POST", b"grant_type=client_credentials")
    assert request.headers["accept"] == "application/json"
    assert "x-correlation-id" not in request.headers
    assert "sequoia" not in request.headers["user-agent"]


def test_clients_of_a_process_share_a_token_if_all_their_credentials_are_the_same(sequoia, drive):
    drive(read)
    drive(read)
    assert len(asked(sequoia, TOKEN)) == 1
    with pytest.raises(AuthorisationError) as caught:
        drive(read, grant_client_secret="wrong")
    assert caught.value.message == "(invalid_client) unknown client"
    assert "wrong" not in str(caught.value) + repr(TokenCache._token_storage)


def test_a_token_that_has_expired_is_renewed_before_a_request(sequoia, monkeypatch):
    with new_client(sequoia) as client:
        read(client)
        client._auth._keeper._clock = lambda: 1e11
        read(client)
    assert tokens(asked(sequoia)) == [1, 2]


def test_a_token_that_expires_amid_paging_is_renewed(sequoia, collect):
    add(sequoia, "contents", *({"name": f"n{number}"} for number in range(9)))
    found = []

    def revoke(page):
        found.extend(one["ref"] for one in page.resources)
        sequoia.revoke_tokens()

    collect(lambda client: client.metadata.contents.browse("o", query_string="continue=true&perPage=2"), revoke)
    assert found == ["o:c1", *(f"o:n{number}" for number in range(9))]
    assert tokens(asked(sequoia)) == [1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert len(asked(sequoia, TOKEN)) == 5


def test_a_token_whose_time_is_up_is_renewed_amid_paging(sequoia, collect):
    """By the clock, before it is refused."""
    now = FakeClock(time.time())

    def browse(client):
        client._auth._keeper._clock = now
        return client.metadata.contents.browse("o", query_string="perPage=1")

    add(sequoia, "contents", {"name": "c2"})
    assert names(collect(browse, lambda page: now.sleep(4000))) == [["c1"], ["c2"]]
    assert tokens(asked(sequoia)) == [1, 2]
    assert sequoia.count(status=401) == 0


def test_a_token_that_is_refused_is_renewed_and_the_request_sent_again(sequoia, drive):
    sequoia.behave(CONTENTS, status=401, times=1)
    drive(read)
    assert tokens(asked(sequoia)) == [1, 2]


@pytest.mark.parametrize("token", [None, "at"])
def test_refusals_end_after_three_renewals(sequoia, drive, token):
    """Also where the provider issues the same token again and again."""
    if token:
        sequoia.behave(TOKEN, body={"access_token": token, "expires_in": 3600})
    sequoia.behave(CONTENTS, status=401)
    with pytest.raises(HttpError) as caught:
        drive(read)
    assert caught.value.status_code == 401
    assert (len(asked(sequoia)), len(asked(sequoia, TOKEN))) == (4, 4)


def test_tokens_that_are_issued_expired_end_too(sequoia, drive):
    sequoia.behave(TOKEN, body={"access_token": sequoia.token(), "expires_in": 0})
    drive(read)
    assert len(asked(sequoia, TOKEN)) <= 2


def test_many_threads_cause_one_renewal(sequoia):
    with new_client(sequoia) as client, ThreadPoolExecutor(16) as pool:
        read(client)
        sequoia.revoke_tokens()
        assert all(pool.map(lambda _: read(client).resources, range(32)))
    assert len(asked(sequoia, TOKEN)) == 2


def test_many_tasks_cause_one_renewal_and_read_the_registry_once(sequoia):
    async def main():
        client = new_async_client(sequoia)
        await asyncio.gather(*(read(client) for _ in range(50)))
        sequoia.revoke_tokens()
        await asyncio.gather(*(read(client) for _ in range(50)))
        await client.aclose()

    asyncio.run(main())
    assert len(asked(sequoia, TOKEN)) == 2
    assert len(asked(sequoia, "registry")) == 1


def test_a_given_token_is_used_until_it_is_refused_and_stays_with_its_client(sequoia, drive):
    mine = sequoia.token()
    drive(read, byo_token=mine)
    assert asked(sequoia, TOKEN) == []
    drive(read)
    sequoia.revoke_tokens()
    drive(read, byo_token=mine)
    assert tokens(asked(sequoia)) == [1, 2, 1, 3]


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": {}}, {"body": "?"}, {"status": 400, "body": []}])
def test_a_provider_that_gives_no_token_is_an_authorisation_error(sequoia, drive, answer):
    sequoia.behave(TOKEN, **answer)
    with pytest.raises(AuthorisationError):
        drive(read)
    assert len(asked(sequoia, TOKEN)) == 1


@pytest.mark.parametrize(("fault", "kind"), [("reset", ConnectionError), ("block", Timeout)])
def test_a_provider_that_does_not_answer_is_no_error_of_requests(sequoia, fault, kind):
    sequoia.behave(TOKEN, **{fault: True})
    with pytest.raises(kind) as caught:
        new_client(sequoia, request_timeout=0.2)
    assert "clientSecret" not in str(caught.value)


def test_a_provider_that_fails_within_a_call_is_asked_again_by_its_one_loop(sequoia, drive, no_delay):
    with new_client(sequoia, backoff_strategy=no_delay) as client:
        sequoia.behave(TOKEN, reset=True, times=2)
        sequoia.revoke_tokens()
        assert read(client).resources
    assert len(asked(sequoia, TOKEN)) == 4


# --- the others ---


def test_a_token_of_ones_own_is_never_renewed(sequoia, drive):
    with pytest.raises(HttpError) as caught:
        drive(read, auth_type=AuthType.BYO_TOKEN, byo_token="mine")
    assert caught.value.status_code == 401
    assert asked(sequoia)[-1].headers["authorization"] == "Bearer mine"
    assert asked(sequoia, TOKEN) == []


def test_without_authentication_nothing_is_said(open_sequoia, drive):
    add(open_sequoia, "contents", {"name": "c1"})
    drive(read, at=open_sequoia, auth_type=AuthType.NO_AUTH)
    assert "authorization" not in asked(open_sequoia)[-1].headers
    with pytest.raises(HttpError) as caught:
        drive(read, auth_type=AuthType.NO_AUTH)
    assert caught.value.status_code == 401


@pytest.mark.parametrize("kind", [AuthType.NO_AUTH, AuthType.BYO_TOKEN])
def test_only_a_client_grant_needs_an_identity_service(open_sequoia, drive, kind):
    add(open_sequoia, "contents", {"name": "c1"})
    location = open_sequoia.locations["metadata"]
    alone = {"name": "metadata", "owner": "root", "location": location, "title": "Metadata"}
    open_sequoia.behave("registry", body={"services": [alone]})
    drive(read, at=open_sequoia, auth_type=kind, byo_token="t")
    with pytest.raises(UnknownService, match="identity"):
        drive(read, at=open_sequoia)


@pytest.mark.parametrize(
    "settings",
    [
        {"grant_client_secret": None},
        {"grant_client_id": None},
        {"auth_type": None},
        {"auth_type": AuthType.BYO_TOKEN},
        {"auth_type": AuthType.MUTUAL, "client_cert": "c", "client_key": "k"},
        {"request_timeout": -1},
    ],
)
def test_wrong_settings_fail_before_anything_is_sent(sequoia, settings):
    for make in (new_client, new_async_client):
        with pytest.raises((ValueError, FileNotFoundError)):
            make(sequoia, **settings)
    with pytest.raises(TypeError):
        new_client(sequoia, auth_typ=AuthType.NO_AUTH)
    assert sequoia.requests == []


def test_a_token_does_not_go_out_in_the_clear(monkeypatch):
    from sequoia.auth import check_secure

    for url in ("https://h.example/x", "http://127.0.0.1:1/x", "http://localhost/x"):
        check_secure(url)
    with pytest.raises(AuthorisationError, match="insecure_transport"):
        check_secure("http://h.example/x?q")
    with pytest.raises(AuthorisationError, match="insecure_transport"):
        ClientGrantAuth("i", "s", "http://identity.example/oauth/token")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    check_secure("http://h.example/x")
    ClientGrantAuth("i", "s", "http://identity.example/oauth/token")


def test_the_factory_makes_each_type(tmp_path):
    file = tmp_path / "pem"
    file.touch()
    files = dict.fromkeys(("client_cert", "client_key", "server_cert"), str(file))
    assert type(AuthFactory.create("i", "s")) is ClientGrantAuth
    assert type(AuthFactory.create(auth_type=AuthType.NO_AUTH)) is NoAuth
    assert type(AuthFactory.create(auth_type=AuthType.BYO_TOKEN, byo_token="t")) is BYOTokenAuth
    mutual = AuthFactory.create(auth_type=AuthType.MUTUAL, **files)
    assert type(mutual) is MutualAuth
    assert (mutual.session.cert, mutual.session.verify) == ((str(file), str(file)), str(file))


def test_what_an_auth_object_has(sequoia):
    auth = ClientGrantAuth(*LOGIN.values(), f"{sequoia.locations['identity']}/oauth/token")
    assert auth.token is None
    assert auth.get_token(None) is None
    auth.init_session()
    first = auth.session.token["access_token"]
    auth.update_token()
    second = auth.session.token["access_token"]
    assert len({first, second}) == len(asked(sequoia, TOKEN)) == 2
    assert TokenCache().get_token("clientId", auth.token_url, "clientSecret")["access_token"] == second
    assert TokenCache().get_token("clientId", auth.token_url) is None
    assert auth.get_token("mine") == oauth_token("mine") == {"token_type": "bearer", "access_token": "mine"}
    assert "clientSecret" not in repr(auth)
    with pytest.raises(TokenExpiredError):
        BYOTokenAuth("t").update_token()
    with pytest.raises(NotImplementedError):
        Auth().update_token()


def test_the_cache_throws_out_what_has_expired(monkeypatch):
    TokenCache._token_storage.clear()
    cache = TokenCache()
    cache.add_token("old", "u", {"access_token": "a", "expires_at": 1.0})
    cache.add_token("new", "u", {"access_token": "b", "expires_in": 60})
    assert cache.get_token("old", "u") is None
    assert cache.get_token("new", "u")["access_token"] == "b"
    assert len(cache._token_storage) == 1


def test_a_session_of_ones_own_tells_of_an_expired_token(sequoia, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    session = OAuth2SessionTokenManagementWrapper("id", token={"access_token": "t", "expires_at": 1.0})
    with session, pytest.raises(TokenExpiredError):
        session.get("https://h.example")
    with OAuth2SessionTokenManagementWrapper(token={"access_token": "t", "token_type": "bearer"}) as session:
        assert session.request("GET", sequoia.registry_url, withhold_token=True).ok
        assert session.token["access_token"] == "t"
        session.request("GET", sequoia.registry_url)
        fields = [request.headers.get("authorization") for request in sequoia.requests]
        assert fields == [None, "Bearer t"]


# --- where credentials go ---


def test_a_token_does_not_follow_a_redirect_to_another_origin(sequoia, drive):
    with serve([Reply(json={"meta": {}, "contents": [{}]})]) as other:
        sequoia.behave(CONTENTS, redirect_to=f"{other.url}/x")
        assert drive(read, correlation_id="c").resources == [{}]
        assert "Authorization" not in other.requests[0].headers
        (field,) = {request.headers["authorization"] for request in asked(sequoia)}
        assert field.removeprefix("Bearer ") not in str(other.requests[0].header_lines)


def test_a_write_is_redirected_within_its_origin_only(sequoia, drive):
    def store(client):
        return client.metadata.contents.store("o", [{"name": "n"}])

    sequoia.behave(CONTENTS, redirect_to="?owner=o&_pretty=true", times=1)
    assert drive(store).status == 201
    assert [(request.method, request.target) for request in asked(sequoia)] == [
        ("POST", "/data/contents/?owner=o"),
        ("POST", "/data/contents/?owner=o&_pretty=true"),
    ]
    assert asked(sequoia)[-1].json() == {"contents": [{"name": "n"}]}
    with serve([Reply(200)]) as other:
        sequoia.behave(CONTENTS, redirect_to=f"{other.url}/x")
        with pytest.raises(Exception, match="not redirected"):
            drive(store)
        assert other.requests == []


def test_redirects_are_bounded(sequoia, drive):
    sequoia.behave(CONTENTS, redirect_to=C1, status=302)
    with pytest.raises(TooManyRedirects):
        drive(read)
    assert len(asked(sequoia)) == 11


def test_services_that_the_registry_names_get_the_token_wherever_they_are(sequoia, drive):
    """The registry is trusted because it is the caller who names it; nothing in an answer of a service is."""
    with serve([Reply(json={"meta": {}, "contents": [{}]})]) as other:
        told = [
            {"name": name, "owner": "root", "location": location, "title": name}
            for name, location in {**sequoia.locations, "far": other.url}.items()
        ]
        sequoia.behave("registry", body={"services": told})
        drive(lambda client: client.far.contents.read("o", "o:c1"))
        (store,) = TokenCache._token_storage.values()
        assert other.requests[0].headers["Authorization"] == f"Bearer {store.load().access_token}"


def test_errors_can_be_pickled_and_show_no_credentials(sequoia, drive):
    sequoia.behave(CONTENTS, status=404, body={"message": "gone"})
    with pytest.raises(HttpError) as caught:
        drive(read)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.status_code, again.message, again.headers["Content-Type"]) == (
        404,
        {"message": "gone"},
        "application/json",
    )
    token = asked(sequoia)[0].headers["authorization"].removeprefix("Bearer ")
    assert token not in str(vars(again)) + str(again) + repr(pickle.dumps(caught.value))
    assert C1 in str(again)


@pytest.mark.parametrize(
    "error",
    [
        ClientError("m"),
        ClientError("m", ValueError("x")),
        AuthorisationError("(invalid_client) m", KeyError("x")),
        TokenExpiredError("m"),
        ReferencesMismatchException("m"),
        NotMatchingVersion("m", HttpError({"a": 1}, 412)),
        UnknownService("m"),
        RequestError("m"),
        ConnectionError("m", CertificateError("x")),
        Timeout("m"),
        TooManyRedirects("m"),
        HttpError({"a": [1]}, 404),
        HttpError("text", 500),
    ],
)
def test_every_error_can_be_pickled_and_copied(error):
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), again.message) == (str(error), error.message)
        assert (type(again.cause), str(again.cause)) == (type(error.cause), str(error.cause))
        assert getattr(again, "status_code", None) == getattr(error, "status_code", None)
