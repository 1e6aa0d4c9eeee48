"""Logging in and out, in both eras: tokens that expire, sessions that end, services that are gone."""

from __future__ import annotations

import base64
import itertools
import json
import socket
import threading
import time
import uuid

import pytest
import requests
from tests.timing import running_time

from keystone_client.authentication import JWT, AuthenticationManager
from keystone_client.schema import AuthSchema, Endpoint, Schema
from restwright.errors import ApiError, Forbidden, Throttled, TransportError, Unauthorized, UnusableAnswer
from restwright.sandbox.keystone import keystone_service
from restwright.testing import Reply, serve
from restwright.testing.faults import late

STAFF = ("admin", "admin-secret")
USER = ("user", "user-secret")


def test_login_and_logout(service, connect, era):
    caller = connect(service.url)
    assert caller.is_logged_in() is False
    assert caller.whoami() == {}
    assert caller.login(*STAFF) is None
    assert caller.is_logged_in() is True
    assert caller.era == era
    assert caller.whoami()["username"] == "admin"
    caller.logout()
    assert caller.is_logged_in() is False
    with pytest.raises(Unauthorized):
        caller.retrieve_cluster()


def test_is_authenticated_is_true_or_false_without_parentheses(client, mode):
    assert client.client.is_authenticated
    if mode == "async":

        async def awaited():
            return await client.client.is_authenticated

        assert client._result(awaited()) is True
    client.logout()
    assert not client.client.is_authenticated


def test_a_login_that_is_refused_is_an_error(service, connect, era):
    caller = connect(service.url)
    with pytest.raises(requests.HTTPError) as raised:
        caller.login("admin", "wrong-secret")
    assert raised.value.response.status_code == (400 if era == "session" else 401)
    assert "wrong-secret" not in f"{raised.value}{raised.value!r}"
    assert caller.is_logged_in() is False


def test_a_second_login_switches_and_a_refused_one_does_not(client):
    client.login(*USER)
    assert client.whoami()["username"] == "user"
    with pytest.raises(ApiError):
        client.login("admin", "wrong")
    assert client.whoami()["username"] == "user"


@pytest.mark.parametrize(("username", "password"), [(None, "x"), ("x", None), (1, "x"), ("x", b"y")])
def test_a_login_wants_two_texts(connect, username, password):
    with pytest.raises(TypeError, match="must be a text, got"):
        connect("http://127.0.0.1:9").login(username, password)


def test_logout_on_a_dead_server_forgets_the_credentials(connect, era):
    service = keystone_service(era=era, sample=False)
    callers = [connect(service.url, attempts=1) for _ in range(2)]
    for caller in callers:
        caller.login(*STAFF)
    service.close()
    callers[0].logout()
    with pytest.raises(TransportError):
        callers[1].logout(raise_blacklist=True)
    assert [caller.is_logged_in() for caller in callers] == [False, False]


def test_a_server_that_restarts_between_calls(connect, era, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = f"sqlite:///{tmp_path}/keystone.db"
    with keystone_service(era=era, sample=False, port=port, database=database) as service:
        caller = connect(service.url)
        caller.login(*STAFF)
        caller.create_cluster(name="c1")
    with keystone_service(era=era, sample=False, port=port, database=database):
        if era == "jwt":  # which signs with another key now
            caller.login(*STAFF)
        assert [each["name"] for each in caller.retrieve_cluster()] == ["c1"]


def test_a_remembered_password_logs_in_again(service, connect):
    caller, forgetful = connect(service.url), connect(service.url)
    caller.login(*STAFF, remember=True)
    forgetful.login(*STAFF)
    service.reset()  # all sessions and tokens are gone
    if caller.era == "jwt":
        caller.client.context.login.keeper.store.clear()
        forgetful.client.context.login.keeper.store.clear()
        for each in (caller, forgetful):
            each.client.context.login.keeper._known = None
    assert caller.together(*[("retrieve_cluster", {})] * 10) == [[]] * 10
    assert caller.create_cluster(name="c1")["id"] == 1
    with pytest.raises(Unauthorized):
        forgetful.retrieve_cluster()


@pytest.mark.eras("jwt")
@pytest.mark.parametrize("knows", [True, False], ids=["by the clock", "by 401"])
def test_a_token_that_expires_in_the_middle_of_100_calls_is_renewed_once(connect, era, knows):
    now = [time.time()]
    with keystone_service(era="jwt", sample=False, clock=lambda: now[0]) as service:
        caller = connect(service.url)
        if knows:
            caller.client.context.login.clock = caller.client.context.login.keeper._clock = lambda: now[0]
        caller.login(*STAFF)
        caller.create_cluster(name="c1")
        renewals = []
        keeper = caller.client.context.login.keeper
        renew = keeper._renew
        keeper._renew = lambda tokens: renewals.append(1) or renew(tokens)
        ticks = itertools.count()
        service_time = now[0]

        def half_way():
            while next(ticks) < 200 and now[0] == service_time:
                time.sleep(0.001)
            now[0] += 310  # past the 300 seconds of an access token

        mover = threading.Thread(target=half_way)
        mover.start()
        results = caller.together(*[("retrieve_cluster", {"pk": 1})] * 100)
        mover.join()
        results += caller.together(*[("retrieve_cluster", {"pk": 1})] * 10)
        assert [each["name"] for each in results] == ["c1"] * 110
        assert renewals == [1]
        assert caller.is_logged_in()


@pytest.mark.eras("jwt")
def test_a_login_whose_refresh_token_has_expired_counts_as_none(connect, era):
    now = [time.time()]
    with keystone_service(era="jwt", sample=False, clock=lambda: now[0]) as service:
        caller = connect(service.url)
        caller.client.context.login.clock = caller.client.context.login.keeper._clock = lambda: now[0]
        caller.login(*STAFF)
        now[0] += 90_000
        assert caller.is_logged_in() is False
        assert caller.http_get("version").text == service.version
        with pytest.raises(Unauthorized) as raised:
            caller.retrieve_cluster()
        assert "log in again" in " ".join(raised.value.__notes__)


@pytest.mark.eras("session")
def test_requests_carry_the_csrf_token(connect, era):
    fields = {"Set-Cookie": "csrftoken=abc; Path=/"}
    with serve(lambda request: Reply(json={"id": 1}, headers=fields)) as server:
        caller = connect(server.url, era="session")
        caller.login(*STAFF)
        caller.create_cluster(name="x")
        caller.retrieve_cluster(pk=1)
        assert [seen.headers.get("X-CSRFToken") for seen in server.requests] == [None, "abc", "abc"]
        assert caller.get_application_headers({"A": "b"}) == {
            "X-KEYSTONE-CID": caller.cid,
            "X-CSRFToken": "abc",
            "A": "b",
        }
        assert "Referer" not in server.requests[1].headers


def test_writes_by_https_have_a_referer(connect, certificate):
    with serve(lambda request: Reply(json={"id": 1}), tls=certificate.server) as server:
        caller = connect(f"{server.url}/api", era="session", verify_ssl=certificate.path)
        caller.create_cluster(name="x")
        caller.retrieve_cluster(pk=1)
        assert [seen.headers.get("Referer") for seen in server.requests] == [f"{server.url}/api/", None]


def test_every_request_names_the_client(service, connect):
    with serve(lambda request: Reply(json=[])) as server:
        one, other = connect(server.url), connect(server.url)
        one.retrieve_cluster()
        one.http_get("version")
        other.retrieve_cluster()
        seen = [request.headers["X-KEYSTONE-CID"] for request in server.requests]
    assert seen == [one.cid, one.cid, other.cid]
    assert one.cid == str(uuid.UUID(one.cid)) != other.cid


def test_credentials_stay_with_their_origin(client):
    with serve(lambda request: Reply(json={})) as other:
        client.http_get(f"{other.url}/version/")
        client.http_post(f"{other.url}/version/", {"a": 1})
        for seen in other.requests:
            assert not {name.lower() for name, _ in seen.headers.items()} & {
                "authorization",
                "cookie",
                "x-csrftoken",
                "x-keystone-cid",
                "referer",
            }


def test_the_era_is_found_out_by_the_first_login(service, connect, era):
    caller = connect(service.url)
    for _ in range(2):
        caller.login(*STAFF)
    asked = [(seen.method, seen.target) for seen in service.requests]
    session, tokens = ("POST", "/authentication/login/"), ("POST", "/authentication/new/")
    assert asked == ([session, session] if era == "session" else [session, tokens, tokens])


def test_first_logins_at_the_same_time_all_succeed(service, connect, era):
    caller = connect(service.url)
    caller.together(*[("login", {"username": "admin", "password": "admin-secret"})] * 10)
    assert caller.era == era
    assert caller.is_logged_in() is True


def test_a_page_is_no_session(connect):
    page = Reply(content=b"<!doctype html>", headers={"Content-Type": "text/html"})
    with serve([page]) as server, pytest.raises(UnusableAnswer, match="is there a Keystone at this address"):
        connect(server.url).login(*STAFF)


def test_a_login_without_cookies_is_one_until_the_service_says_no(connect):
    """As with services that a test plays, or behind a proxy that keeps the cookies to itself."""
    answers = [Reply(json={}), Reply(json={"username": "a"}), Reply(401, json={}), Reply(json={}), Reply(200)]
    with serve(answers) as server:
        caller = connect(server.url)
        assert caller.is_logged_in() is False
        caller.login(*STAFF)
        assert caller.is_logged_in() is True
        assert caller.is_logged_in() is False
        assert caller.is_logged_in() is False
        caller.login(*STAFF)
        caller.logout()
        assert caller.is_logged_in() is False
    kinds = ["login", "whoami", "whoami", "login", "logout"]
    assert [seen.path for seen in server.requests] == [f"/authentication/{kind}/" for kind in kinds]


@pytest.mark.eras("session")
def test_a_key_of_the_callers_own_is_a_login_too(service, connect, era):
    with requests.Session() as session:
        session.headers["Authorization"] = f"Token {service.token(service.settings.staff)}"
        caller = connect(service.url, session=session)
        assert caller.whoami()["username"] == "admin"
        assert caller.is_logged_in() is True
        assert caller.client.is_authenticated
        session.headers["Authorization"] = "Token wrong"
        assert caller.is_logged_in() is False


def test_an_era_that_is_given_is_not_asked_for(service, connect, era):
    with serve(lambda request: Reply(json={"access": "a.b.c", "refresh": "d.e.f"})) as server:
        connect(server.url, era=era).login(*STAFF)
        (seen,) = server.requests
    assert seen.path == ("/authentication/login/" if era == "session" else "/authentication/new/")


def test_an_address_without_a_keystone_is_told(connect):
    with serve(lambda request: Reply(404)) as server, pytest.raises(ApiError, match="there is no Keystone at this"):
        connect(server.url).login(*STAFF)


def test_a_busy_service_is_asked_again_and_then_told(connect):
    answers = [Reply(429, headers={"Retry-After": "0"}), Reply(json={"id": 1})]
    with serve(answers) as server:
        assert connect(server.url).retrieve_cluster(pk=1) == {"id": 1}
        assert len(server.requests) == 2
    with serve(lambda request: Reply(429, json={"detail": "Request was throttled."})) as server:
        with pytest.raises(Throttled, match="throttled"):
            connect(server.url, attempts=2).retrieve_cluster(pk=1)
        with pytest.raises(Throttled):
            connect(server.url).create_cluster(name="x")
        assert len(server.requests) == 3


def test_a_plain_user_may_not_write(service, connect):
    caller = connect(service.url)
    caller.login(*USER)
    with pytest.raises(Forbidden, match="You do not have permission"):
        caller.create_cluster(name="x")


@pytest.fixture
def manager(services):
    services["jwt"].reset()
    return AuthenticationManager(services["jwt"].url)


def test_tokens_by_hand(manager):
    assert manager.jwt is None
    assert manager.is_authenticated() is False
    assert manager.get_auth_headers() == {}
    manager.refresh()
    manager.login(*STAFF)
    first = manager.jwt
    assert manager.is_authenticated() is True
    assert manager.get_auth_headers() == {"Authorization": f"Bearer {first.access}"}
    manager.refresh(force=True)
    assert manager.jwt.access != first.access
    assert manager.jwt.refresh == first.refresh
    assert first.access_expiration < first.refresh_expiration
    assert first.access not in repr(first)
    manager.logout()
    assert manager.jwt is None
    manager.jwt = first
    with pytest.raises(RuntimeError, match="log in again"):  # it was blacklisted
        manager.refresh(force=True)
    with pytest.raises(TypeError, match="jwt must be a JWT or None, got tuple"):
        manager.jwt = ("a", "b")
    manager.jwt = None
    assert manager.is_authenticated() is False


def signed_token(life):
    claims = json.dumps({"exp": time.time() + life}).encode()
    return f"h.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.s"


def test_a_refresh_token_that_has_expired_is_not_sent():
    manager = AuthenticationManager("http://127.0.0.1:9")
    manager.jwt = JWT(signed_token(-10), signed_token(-5))
    for renewing in (manager.refresh, manager.get_auth_headers):
        with pytest.raises(RuntimeError, match="log in again"):
            renewing()
    manager.jwt = JWT(signed_token(100), signed_token(-5))
    manager.refresh()
    assert manager.is_authenticated() is True
    with pytest.raises(RuntimeError, match="log in again"):
        manager.refresh(force=True)


def test_a_renewal_by_hand_keeps_to_its_timeout():
    with serve([late(1, Reply(json={"access": signed_token(300)}))]) as server:
        manager = AuthenticationManager(server.url)
        manager.jwt = JWT(signed_token(-10), signed_token(300))
        with running_time() as clock, pytest.raises(requests.Timeout, match=r"takes longer than 0\.1 s"):
            manager.get_auth_headers(timeout=0.1)
        assert clock() < 0.9
        with pytest.raises(ValueError, match="timeout must be"):
            manager.refresh(timeout=-1)


def test_tokens_are_asked_for_where_the_schema_says():
    schema = Schema(auth=AuthSchema(Endpoint("a/new"), Endpoint("a/renew"), Endpoint("a/end")))
    with serve(lambda request: Reply(json={"access": signed_token(300), "refresh": signed_token(300)})) as server:
        manager = AuthenticationManager(server.url, schema)
        manager.login(*STAFF)
        manager.refresh(force=True)
        manager.logout()
    asked = [f"{server.url}{seen.target}" for seen in server.requests]
    assert asked == [manager.auth_url, manager.refresh_url, manager.blacklist_url]
    assert not any("authorization" in seen.headers for seen in server.requests)


def test_where_tokens_are_had(manager, services):
    url = services["jwt"].url
    assert manager.auth_url == f"{url}/authentication/new/"
    assert manager.refresh_url == f"{url}/authentication/refresh/"
    assert manager.blacklist_url == f"{url}/authentication/blacklist/"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.e30.c", "a.W10.c", "a.eyJleHAiOm51bGx9.c"])
def test_a_token_that_is_none_is_refused(token):
    with pytest.raises(ValueError, match=r"this is no JSON Web Token|does not say when it expires"):
        _ = JWT(token, token).access_expiration


@pytest.mark.parametrize("access", ["opaque", "a.e30.c", "a.eyJhIjoxfQ.c"])
def test_a_token_that_names_no_user_is_of_nobody(connect, access):
    with serve(lambda request: Reply(json={"access": access, "refresh": "r"})) as server:
        caller = connect(server.url, era="jwt")
        caller.login(*STAFF)
        assert caller.whoami() == {}
        assert caller.is_logged_in() is True
        assert len(server.requests) == 1
