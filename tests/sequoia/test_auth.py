from __future__ import annotations

import asyncio
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from restwright.errors import CertificateError
from restwright.testing import Reply, serve
from restwright.testing.faults import hang_before, redirect_to, reset_before
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

TOKEN = "/identity/oauth/token"
C1 = "/metadata/data/contents/o:c1"


def read(client):
    return client.metadata.contents.read("o", "o:c1")


@pytest.fixture(autouse=True)
def one_content(sequoia):
    sequoia.add("contents", {"name": "c1"})


# --- client grant ---


def test_a_client_gets_a_token_by_its_id_and_secret(sequoia, drive):
    drive(read)
    (request,) = sequoia.seen(TOKEN)
    assert (request.method, request.body) == ("POST", b"grant_type=client_credentials")
    assert request.headers["Accept"] == "application/json"
    assert "X-Correlation-ID" not in request.headers
    assert "sequoia" not in request.headers["User-Agent"]


def test_clients_of_a_process_share_a_token_if_all_their_credentials_are_the_same(sequoia, drive):
    drive(read)
    drive(read)
    assert len(sequoia.seen(TOKEN)) == 1
    with pytest.raises(AuthorisationError) as caught:
        drive(read, grant_client_secret="wrong")
    assert caught.value.message == "(invalid_client) unknown client"
    assert "wrong" not in str(caught.value) + repr(TokenCache._token_storage)


def test_a_token_that_has_expired_is_renewed_before_a_request(sequoia, monkeypatch):
    with sequoia.client() as client:
        read(client)
        client._auth._keeper._clock = lambda: 1e11
        read(client)
    assert [request.headers["Authorization"] for request in sequoia.data] == ["Bearer at-1", "Bearer at-2"]


def test_a_token_that_is_refused_is_renewed_and_the_request_sent_again(sequoia, drive):
    sequoia.fail(C1, Reply(401))
    drive(read)
    assert [request.headers["Authorization"] for request in sequoia.data] == ["Bearer at-1", "Bearer at-2"]


@pytest.mark.parametrize("token", [None, "at"])
def test_refusals_end_after_three_renewals(sequoia, drive, token):
    """Also where the provider issues the same token again and again."""
    if token:
        sequoia.fail(TOKEN, *repeat(Reply(json={"access_token": token, "expires_in": 3600}), 9))
    sequoia.fail(C1, *repeat(Reply(401), 9))
    with pytest.raises(HttpError) as caught:
        drive(read)
    assert caught.value.status_code == 401
    assert (len(sequoia.data), len(sequoia.seen(TOKEN))) == (4, 4)


def test_tokens_that_are_issued_expired_end_too(sequoia, drive):
    sequoia.expires_in = 0
    drive(read)
    assert len(sequoia.seen(TOKEN)) <= 2


def test_many_threads_cause_one_renewal(sequoia):
    with sequoia.client() as client, ThreadPoolExecutor(16) as pool:
        read(client)
        sequoia.tokens.clear()
        assert all(pool.map(lambda _: read(client).resources, range(32)))
    assert len(sequoia.seen(TOKEN)) == 2


def test_many_tasks_cause_one_renewal_and_read_the_registry_once(sequoia):
    async def main():
        client = sequoia.async_client()
        await asyncio.gather(*(read(client) for _ in range(50)))
        sequoia.tokens.clear()
        await asyncio.gather(*(read(client) for _ in range(50)))
        await client.aclose()

    asyncio.run(main())
    assert len(sequoia.seen(TOKEN)) == 2
    assert len(sequoia.seen("/services")) == 1


def test_a_given_token_is_used_until_it_is_refused_and_stays_with_its_client(sequoia, drive):
    sequoia.tokens.add("mine")
    drive(read, byo_token="mine")
    assert sequoia.seen(TOKEN) == []
    drive(read)
    sequoia.tokens.discard("mine")
    drive(read, byo_token="mine")
    fields = [request.headers["Authorization"] for request in sequoia.data]
    assert fields == ["Bearer mine", "Bearer at-1", "Bearer mine", "Bearer at-2"]


@pytest.mark.parametrize("answer", [Reply(500), Reply(200, json={}), Reply(200, text="?"), Reply(400, json=[])])
def test_a_provider_that_gives_no_token_is_an_authorisation_error(sequoia, drive, answer):
    sequoia.fail(TOKEN, answer)
    with pytest.raises(AuthorisationError):
        drive(read)
    assert len(sequoia.seen(TOKEN)) == 1


@pytest.mark.parametrize(("fault", "kind"), [(reset_before(), ConnectionError), (hang_before(), Timeout)])
def test_a_provider_that_does_not_answer_is_no_error_of_requests(sequoia, fault, kind):
    sequoia.fail(TOKEN, fault)
    with pytest.raises(kind) as caught:
        sequoia.client(request_timeout=0.2)
    assert "client-secret" not in str(caught.value)


def test_a_provider_that_fails_within_a_call_is_asked_again_by_its_one_loop(sequoia, drive, no_delay):
    with sequoia.client(backoff_strategy=no_delay) as client:
        sequoia.fail(TOKEN, reset_before(), reset_before())
        sequoia.tokens.clear()
        assert read(client).resources
    assert len(sequoia.seen(TOKEN)) == 4


# --- the others ---


def test_a_token_of_ones_own_is_never_renewed(sequoia, drive):
    with pytest.raises(HttpError) as caught:
        drive(read, auth_type=AuthType.BYO_TOKEN, byo_token="mine")
    assert caught.value.status_code == 401
    assert sequoia.data[-1].headers["Authorization"] == "Bearer mine"
    assert sequoia.seen(TOKEN) == []


def test_without_authentication_nothing_is_said(sequoia, drive):
    sequoia.needs_token = False
    drive(read, auth_type=AuthType.NO_AUTH)
    assert "Authorization" not in sequoia.data[-1].headers
    sequoia.fail(C1, Reply(401))
    with pytest.raises(HttpError):
        drive(read, auth_type=AuthType.NO_AUTH)


@pytest.mark.parametrize("kind", [AuthType.NO_AUTH, AuthType.BYO_TOKEN])
def test_only_a_client_grant_needs_an_identity_service(sequoia, drive, kind):
    sequoia.tokens.add("t")
    sequoia.services = lambda: [StandInService(sequoia)]
    sequoia.needs_token = False
    drive(read, auth_type=kind, byo_token="t")
    with pytest.raises(UnknownService, match="identity"):
        drive(read)


def StandInService(sequoia):
    return {"name": "metadata", "owner": "root", "location": sequoia.location, "title": "Metadata"}


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
    for make in (sequoia.client, sequoia.async_client):
        with pytest.raises((ValueError, FileNotFoundError)):
            make(**settings)
    with pytest.raises(TypeError):
        sequoia.client(auth_typ=AuthType.NO_AUTH)
    assert sequoia.server.requests == []


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
    auth = ClientGrantAuth("client-id", "client-secret", f"{sequoia.server.url}{TOKEN}")
    assert auth.token is None
    assert auth.get_token(None) is None
    auth.init_session()
    assert auth.session.token["access_token"] == "at-1"
    auth.update_token()
    assert auth.session.token["access_token"] == "at-2"
    assert TokenCache().get_token("client-id", auth.token_url, "client-secret")["access_token"] == "at-2"
    assert TokenCache().get_token("client-id", auth.token_url) is None
    assert auth.get_token("mine") == oauth_token("mine") == {"token_type": "bearer", "access_token": "mine"}
    assert "client-secret" not in repr(auth)
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
        assert session.request("GET", f"{sequoia.url}", withhold_token=True).ok
        assert session.token["access_token"] == "t"
        session.request("GET", sequoia.url)
        assert sequoia.seen()[-1].headers["Authorization"] == "Bearer t"


# --- where credentials go ---


def test_a_token_does_not_follow_a_redirect_to_another_origin(sequoia, drive):
    with serve([Reply(json={"meta": {}, "contents": [{}]})]) as other:
        sequoia.fail(C1, redirect_to(f"{other.url}/x"))
        assert drive(read, correlation_id="c").resources == [{}]
        assert "Authorization" not in other.requests[0].headers
        assert "at-1" not in str(other.requests[0].header_lines)


def test_a_write_is_redirected_within_its_origin_only(sequoia, drive):
    def store(client):
        return client.metadata.contents.store("o", [{"name": "n"}])

    sequoia.fail("/metadata/data/contents/", Reply(307, headers={"Location": "../other/?owner=o"}))
    drive(store)
    assert [(request.method, request.path) for request in sequoia.data] == [
        ("POST", "/metadata/data/contents/"),
        ("POST", "/metadata/data/other/"),
    ]
    assert sequoia.data[-1].json() == {"contents": [{"name": "n"}]}
    with serve([Reply(200)]) as other:
        sequoia.fail("/metadata/data/contents/", Reply(307, headers={"Location": f"{other.url}/x"}))
        with pytest.raises(Exception, match="not redirected"):
            drive(store)
        assert other.requests == []


def test_redirects_are_bounded(sequoia, drive):
    sequoia.fail(C1, *repeat(Reply(302, headers={"Location": C1}), 50))
    with pytest.raises(TooManyRedirects):
        drive(read)
    assert len(sequoia.data) == 11


def test_services_that_the_registry_names_get_the_token_wherever_they_are(sequoia, drive):
    """The registry is trusted because it is the caller who names it; nothing in an answer of a service is."""
    with serve([Reply(json={"meta": {}, "contents": [{}]})]) as other:
        here = sequoia.services()
        sequoia.services = lambda: [*here, {**here[1], "name": "far", "location": other.url}]
        drive(lambda client: client.far.contents.read("o", "o:c1"))
        assert other.requests[0].headers["Authorization"] == "Bearer at-1"


def test_errors_can_be_pickled_and_show_no_credentials(sequoia, drive):
    sequoia.fail(C1, Reply(404, json={"message": "gone"}))
    with pytest.raises(HttpError) as caught:
        drive(read)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.status_code, again.message, again.headers["Content-Type"]) == (
        404,
        {"message": "gone"},
        "application/json",
    )
    assert "at-1" not in str(vars(again)) + str(again) + repr(pickle.dumps(caught.value))
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
