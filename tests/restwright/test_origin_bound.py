"""Credentials go to the origin they were given for, and nowhere else."""

from __future__ import annotations

import base64
import contextlib

import pytest
import requests

from restwright import BearerAuth, Request, SyncClient, redirect
from restwright.plan import exchange
from restwright.testing import Reply, faults, serve

BASIC = "Basic " + base64.b64encode(b"user:secret").decode()


@pytest.fixture
def home():
    with serve(lambda request: Reply(json={}, headers={"Set-Cookie": "id=home; Path=/"})) as server:
        yield server


@pytest.fixture
def other():
    with serve(lambda request: Reply(json={}, headers={"Set-Cookie": "id=planted; Path=/"})) as server:
        yield server


def laden_session(kind=requests.Session):
    session = kind()
    session.headers.update({"Authorization": "Bearer secret", "X-Api-Key": "secret", "User-Agent": "me"})
    session.cookies.set("session", "secret")
    session.params = {"key": "secret"}
    return session


class OwnRequest(requests.Session):
    def request(self, *args, **kwargs):
        return super().request(*args, **kwargs)


class OwnSend(requests.Session):
    def send(self, *args, **kwargs):
        return super().send(*args, **kwargs)


def secrets(seen):
    return [line for line in (*seen.header_lines, ("target", seen.target)) if "secret" in str(line) or BASIC in line]


def elsewhere(server):
    """Addresses of a server that are not its origin as the client knows it."""
    return {
        "another port": server.url + "/x",
        "another name": server.url.replace("127.0.0.1", "localhost") + "/x",
        "upper case": server.url.replace("http", "HTTP").replace("127.0.0.1", "LOCALHOST") + "/x",
        "user info": server.url.replace("//", "//user:pass@") + "/x",
    }


@pytest.mark.parametrize("where", ["another port", "another name", "upper case", "user info"])
@pytest.mark.parametrize("kind", [requests.Session, OwnRequest, OwnSend])
def test_another_origin_gets_nothing_of_what_the_session_holds(connect, home, other, where, kind):
    caller = connect(home.url, session=laden_session(kind))
    caller.get("/x")
    assert len(secrets(home.requests[0])) == 4
    response = caller.get(elsewhere(other)[where])
    (seen,) = other.requests
    assert secrets(seen) == []
    assert "Authorization" not in seen.headers
    assert "Cookie" not in seen.headers
    assert seen.headers["User-Agent"] == "me"
    assert "pass" not in response.url
    assert "pass" not in response.request.url


@pytest.mark.parametrize("session", [None, OwnRequest()], ids=["plain", "own"])
@pytest.mark.parametrize("given", ["auth", "root"])
def test_basic_credentials_stay_at_home(connect, home, other, given, session):
    if given == "auth":
        caller = connect(home.url, auth=("user", "secret"), session=session)
    else:
        caller = connect(home.url.replace("//", "//user:secret@"), session=session)
    caller.get("/x")
    caller.get(home.url.upper().replace("HTTP", "Http") + "/absolute")
    caller.get(other.url + "/x")
    assert [seen.headers.get("Authorization") for seen in home.requests] == [BASIC, BASIC]
    assert "Authorization" not in other.requests[0].headers
    assert "secret" not in caller.client.transport.root + repr(caller.client)


@pytest.mark.parametrize("session", [None, OwnRequest()], ids=["plain", "own"])
def test_credentials_of_one_request_stay_at_home_too(connect, home, other, session):
    """They take the place of the client's, but not of a header field of the request."""
    caller = connect(home.url, auth=("user", "secret"), session=session)
    token = BearerAuth("token")
    caller.get("/x", auth=token)
    caller.get(home.url + "/absolute", auth=token)
    caller.get("/x", auth=token, headers={"authorization": "own"})
    caller.get(other.url + "/x", auth=token)
    caller.get("/x")
    sent = [seen.headers.get("Authorization") for seen in home.requests]
    assert sent == ["Bearer token", "Bearer token", "own", BASIC]
    assert "Authorization" not in other.requests[0].headers


def test_credentials_of_one_request_go_before_those_of_the_session(connect, home):
    caller = connect(home.url, session=laden_session())
    caller.get("/x", auth=BearerAuth("token"))
    assert home.requests[0].headers["Authorization"] == "Bearer token"


def test_the_same_machine_by_another_name_is_another_origin(connect, home):
    caller = connect(home.url, auth=("user", "secret"))
    caller.get("/x")
    caller.get(home.url.replace("127.0.0.1", "localhost") + "/x")
    first, second = home.requests
    assert "Authorization" in first.headers
    assert "Authorization" not in second.headers
    assert "Cookie" not in second.headers


@pytest.mark.parametrize("to", ["another port", "another name", "user info"])
def test_a_redirect_carries_no_credentials_away(connect, other, to):
    with serve(lambda request: faults.redirect_to(elsewhere(other)[to])) as home:
        caller = connect(home.url, session=laden_session(), auth=("user", "secret"), policy=redirect())
        caller.get("/x")
        assert secrets(home.requests[0])
        assert secrets(other.requests[0]) == []
        assert "Authorization" not in other.requests[0].headers


def test_a_redirect_without_a_scheme_is_to_another_origin(connect, other):
    with serve(lambda request: faults.redirect_to(other.url.removeprefix("http:") + "/x")) as home:
        connect(home.url, auth=("user", "secret"), policy=redirect()).get("/x")
        assert "Authorization" not in other.requests[0].headers


def test_what_a_request_itself_carries_is_not_redirected_to_another_origin(connect, other):
    with serve(lambda request: faults.redirect_to(other.url + "/x")) as home:
        own = {"Authorization": "Bearer secret", "Cookie": "a=secret"}
        connect(home.url, policy=redirect()).get("/x", headers=own)
        assert len(secrets(home.requests[0])) == 2
        assert secrets(other.requests[0]) == []


def test_a_cookie_of_another_origin_is_not_kept(connect, home, other):
    caller = connect(home.url)
    caller.get(other.url + "/x")
    caller.get("/x")
    caller.get("/x")
    assert "Cookie" not in home.requests[0].headers
    assert home.requests[1].headers["Cookie"] == "id=home"


def test_netrc_is_not_read(connect, home, other, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\nmachine localhost login user password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for session in (None, OwnRequest(), OwnSend()):
        caller = connect(home.url, session=session)
        caller.get("/x")
        caller.get(elsewhere(other)["another name"])
    assert not [seen for seen in home.requests + other.requests if "Authorization" in seen.headers]


@pytest.mark.parametrize("path", ["//{0}/x", "/\\{0}/x", "\\\\{0}/x", "@{0}/x", ":80@{0}/x", "/x?to=http://{0}/"])
def test_a_path_stays_below_the_root(connect, home, other, path):
    connect(home.url, auth=("user", "secret")).get(path.format(other.url.removeprefix("http://")))
    assert other.requests == []
    assert len(home.requests) == 1


@pytest.mark.parametrize(
    "trick",
    [
        "http://{home}@{other}/x",
        "http://{home}%40{other}/",
        "http://{other}\\@{home}/x",
        "http://{home}\\@{other}/x",
        "http://{home}#@{other}/x",
        "http://{home}?@{other}/x",
        "http://{ho\tme}@{other}/x",
        " http://{home}@{other}/x",
        "http:\\\\{other}/x",
    ],
)
def test_no_spelling_of_a_url_sends_credentials_astray(connect, home, other, trick):
    names = {"home": home.url.removeprefix("http://"), "other": other.url.removeprefix("http://")}
    url = trick.replace("{ho\tme}", "{home}").format(**names)
    caller = connect(home.url, auth=("user", "secret"))
    with contextlib.suppress(requests.RequestException):
        caller.get(url)
    assert not [seen for seen in other.requests if "Authorization" in seen.headers]
    if "#@" in trick or "?@" in trick:
        assert other.requests == []


@pytest.mark.parametrize("root", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://[::1", "http://h:port"])
def test_a_root_that_is_no_http_url_is_refused_at_once(root):
    with pytest.raises(requests.exceptions.RequestException):
        SyncClient(root, policy=exchange)


def test_an_at_sign_in_the_path_of_the_root_is_no_credential(connect, home):
    connect(home.url + "/@scope").get("/x")
    assert "Authorization" not in home.requests[0].headers
    assert home.requests[0].target == "/@scope/x"


def test_a_request_may_have_authorization_of_its_own(connect, home, other):
    caller = connect(home.url, auth=("user", "secret"))
    caller.get("/x", headers={"authorization": "Own"})
    caller.get(other.url + "/x", headers={"Authorization": "Its"})
    assert home.requests[0].headers["Authorization"] == "Own"
    assert other.requests[0].headers["Authorization"] == "Its"
    assert Request("GET", "/x").headers == {}


# ------------------------------------------------------------------------------------------------ client certificates


@pytest.fixture
def session(certificates):
    def make(kind=requests.Session):
        session = kind()
        session.verify, session.cert = certificates.authority, (certificates.client.cert, certificates.client.key)
        return session

    return make


def answer(request):
    return Reply(json={})


@pytest.mark.parametrize("kind", [requests.Session, OwnRequest, OwnSend])
def test_a_client_certificate_is_shown_at_home_only(connect, serve_asking, session, kind):
    with serve_asking(answer) as home, serve_asking(answer) as other:
        caller = connect(home.url, session=session(kind), timeout=(5, 5))
        for url in ("/x", other.url + "/x", home.url + "/x", other.url.replace("127.0.0.1", "localhost") + "/x"):
            assert caller.get(url).status_code == 200
        assert (home.shown, other.shown) == ([True, True], [False, False])


@pytest.mark.parametrize("kind", [requests.Session, OwnSend])
def test_a_client_certificate_does_not_follow_a_redirect_to_another_origin(connect, serve_asking, session, kind):
    with serve_asking(answer) as other:

        def app(request):
            return faults.redirect_to("/y" if request.path == "/x" else other.url)

        with serve_asking(app) as home:
            caller = connect(home.url, session=session(kind), timeout=(5, 5), policy=redirect())
            assert caller.get("/x").status_code == 200
            assert (home.shown, other.shown) == ([True, True], [False])


def test_credentials_in_the_options_of_a_request_do_not_either(connect, serve_asking, certificates):
    with serve_asking(answer) as other, serve_asking(lambda request: faults.redirect_to(other.url)) as home:
        options = {
            "cert": (certificates.client.cert, certificates.client.key),
            "auth": ("user", "secret"),
            "cookies": {"id": "secret"},
            "verify": certificates.authority,
        }
        connect(home.url, timeout=(5, 5), policy=redirect()).get("/x", options=options)
        assert (home.shown, other.shown) == ([True], [False])
        assert secrets(home.requests[0])
        assert secrets(other.requests[0]) == []
