"""What people do with `requests` works here too, in both modes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import pickle
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from unittest import mock

import pytest
import requests
import requests_mock
import responses
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase, HTTPDigestAuth
from tests.timing import PATIENCE

from restwright.errors import NotConnected, TooLarge, Unauthorized
from restwright.testing import Reply, faults, serve


def see(request):
    return Reply(json={"target": request.target}, headers={"Set-Cookie": "seen=1; Path=/"})


# --- stand-ins for the network -----------------------------------------------


def test_requests_mock_as_a_context(connect):
    caller = connect("http://service.test/v1")
    with requests_mock.Mocker() as mocker:
        mocker.get("http://service.test/v1/x", json={"mocked": True}, headers={"X-A": "b"})
        response = caller.get("/x")
        assert response.json() == {"mocked": True}
        assert response.headers["x-a"] == "b"
        assert mocker.last_request.headers["User-Agent"].startswith("python-requests")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_adapter_of_requests_mock_that_is_mounted(connect, when):
    adapter = requests_mock.Adapter()
    adapter.register_uri("POST", "http://service.test/x", json=lambda request, _: {"got": request.json()})
    session = requests.Session()
    if when == "before":
        session.mount("http://service.test", adapter)
    caller = connect("http://service.test", session=session)
    if when == "after":
        session.mount("http://service.test", adapter)
    assert caller.ask("POST", json={"a": 1}).json() == {"got": {"a": 1}}


def test_the_library_responses(connect):
    caller = connect("http://service.test")
    with responses.RequestsMock() as mocked:
        mocked.get("http://service.test/x", json={"mocked": 1}, headers={"Set-Cookie": "a=b"})
        assert caller.get("/x").json() == {"mocked": 1}
        assert caller.session.cookies["a"] == "b"


FIRST_IMPORT = """
import requests, requests_mock, responses
with {stand_in} as mocked:
    mocked.get("http://service.invalid/x", json=7)
    from restwright import Request
    from restwright.transport import Transport
    print(Transport(requests.Session(), "http://service.invalid").send(Request("GET", "/x")).json())
"""


@pytest.mark.parametrize("stand_in", ["requests_mock.Mocker()", "responses.RequestsMock()"])
def test_a_stand_in_is_asked_also_if_it_was_there_before_us(stand_in):
    """As where a test function imports what it needs."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_IMPORT.format(stand_in=stand_in)],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_what_a_stand_in_raises_comes_through(connect):
    caller = connect("http://service.test")
    with requests_mock.Mocker() as mocker:
        mocker.get("http://service.test/x", exc=requests.exceptions.ConnectTimeout)
        with pytest.raises(requests.exceptions.ConnectTimeout):
            caller.get("/x")


class BySocketpair(BaseAdapter):
    """Speaks HTTP over something that is no TCP connection, and blocks."""

    def __init__(self):
        super().__init__()
        self.threads = []
        self.timeouts = []
        self.may_answer = threading.Event()

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.threads.append(threading.current_thread())
            self.timeouts.append(timeout)
            self.may_answer.wait(PATIENCE / 3)
            theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"7" * 1000)
            raw = http.client.HTTPResponse(ours)
            raw.begin()
            content = raw.read()
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.raw = urllib3.HTTPResponse(io.BytesIO(content), preload_content=False)
        return response

    def close(self):
        pass


def ticking(caller, plan, go_on):
    """Run it; how often another task had its turn meanwhile, which after five turns lets it go on."""
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1
            if ticks == 5:
                go_on.set()

    async def main():
        ticker = asyncio.ensure_future(tick())
        result = await plan
        ticker.cancel()
        return result

    return caller.run(main()), ticks


def test_a_custom_adapter_is_used_and_the_loop_stays_responsive(connect, mode):
    adapter = BySocketpair()
    caller = connect("http://unix")
    caller.session.mount("http://unix", adapter)
    if mode == "sync":
        adapter.may_answer.set()
        response = caller.get()
    else:
        response, ticks = ticking(caller, caller.client.ask("GET", "/x"), adapter.may_answer)
        assert ticks >= 5
        assert adapter.threads != [threading.main_thread()]
    assert response.content == b"7" * 1000
    with pytest.raises(TooLarge):
        caller.get(max_bytes=999)
    caller.get(deadline=time.monotonic() + PATIENCE / 2)
    assert adapter.timeouts[-1][1] <= PATIENCE / 2


def test_a_stock_adapter_with_settings_of_its_own_stays(connect):
    session = requests.Session()
    own = HTTPAdapter(max_retries=3)
    session.mount("http://", own)
    with serve([faults.reset_before(), Reply(json=1)]) as server:
        caller = connect(server.url, session=session)
        with pytest.raises(requests.ConnectionError):
            connect(server.url, session=requests.Session()).get()
        assert session.get_adapter(server.url) is own
        assert caller.get().json() == 1


def test_more_origins_than_there_are_pools(connect, monkeypatch):
    """urllib3 closes the pool that was not used for longest to make room for another."""
    from restwright import adapter

    monkeypatch.setattr(adapter, "POOL_SIZE", 2)
    with serve([Reply()]) as one, serve([Reply()]) as two, serve([Reply()]) as three:
        caller = connect(one.url)
        for _ in range(2):
            for server in (one, two, three):
                assert caller.get(server.url + "/x").status_code == 200


# --- sessions ------------------------------------------------------------------


def test_settings_of_the_session_count_also_when_changed_later(connect):
    with serve(see) as server:
        caller = connect(server.url)
        caller.get()
        caller.session.headers["X-New"] = "1"
        caller.session.headers["accept"] = "text/plain"
        caller.session.params = {"all": "1", "b": ["2", "3"]}
        caller.session.auth = ("user", "pass")
        caller.session.cookies.set("own", "2")
        caller.get("/x?c=4")
        first, second = server.requests
        assert "X-New" not in first.headers
        assert "Authorization" not in first.headers
        assert "Cookie" not in first.headers
        assert second.headers["X-New"] == "1"
        assert second.headers["Accept"] == "text/plain"
        assert second.target == "/x?c=4&all=1&b=2&b=3"
        assert second.headers["Authorization"] == requests.auth._basic_auth_str("user", "pass")
        assert sorted(second.headers["Cookie"].split("; ")) == ["own=2", "seen=1"]
        del caller.session.headers["X-New"]
        caller.get()
        assert "X-New" not in server.requests[2].headers


def test_response_hooks_are_called_and_may_replace_the_answer(connect):
    with serve(see) as server:
        caller = connect(server.url)
        replacement = requests.Response()
        replacement.status_code = 204
        seen = []
        caller.session.hooks["response"].append(lambda response, **settings: seen.append((response.url, settings)))
        caller.get()
        assert seen[0][0] == server.url + "/x"
        assert seen[0][1]["timeout"] == (PATIENCE, PATIENCE)
        caller.session.hooks["response"].append(lambda response, **settings: replacement)
        assert caller.get() is replacement


class Counting(requests.Session):
    def __init__(self):
        super().__init__()
        self.calls = []


class OwnRequest(Counting):
    def request(self, method, url, **kwargs):
        self.calls.append((method, url, threading.current_thread()))
        return super().request(method, url, **kwargs)


class OwnSend(Counting):
    def send(self, request, **kwargs):
        self.calls.append((request.method, request.url, threading.current_thread()))
        return super().send(request, **kwargs)


@pytest.mark.parametrize("kind", [OwnRequest, OwnSend])
def test_a_session_of_ones_own_kind_is_asked(connect, kind):
    with serve(see) as server:
        session = kind()
        session.params = {"a": "1"}
        caller = connect(server.url, session=session, auth=("user", "pass"))
        assert caller.ask("POST", "/x", json={"b": 2}).json() == {"target": "/x?a=1"}
        assert len(session.calls) == 1
        (seen,) = server.requests
        assert seen.json() == {"b": 2}
        assert seen.headers["Content-Type"] == "application/json"
        assert seen.headers["Authorization"] == requests.auth._basic_auth_str("user", "pass")


@pytest.mark.parametrize("kind", [OwnRequest, OwnSend])
@pytest.mark.parametrize(
    "fault", [faults.endless_body(), faults.drip_body(0.05), faults.hang_before(), faults.bomb(64 << 20)]
)
def test_bounds_hold_also_by_way_of_a_session_of_ones_own(connect, kind, fault):
    with serve([fault]) as server:
        started = time.monotonic()
        with pytest.raises(requests.RequestException):
            connect(server.url, session=kind(), max_bytes=1 << 20, timeout=0.3).get()
        assert time.monotonic() - started < 15


@pytest.mark.parametrize("make", [mock.Mock, mock.create_autospec(requests.Session)])
def test_a_mock_of_a_session_is_asked(connect, make):
    session = make()
    session.request.return_value = answer = requests.Response()
    answer.status_code, answer._content = 200, b'{"mocked": 1}'
    caller = connect("http://service.test", session=session, auth=("user", "pass"))
    assert caller.get("/x").json() == {"mocked": 1}
    (method, url), settings = session.request.call_args
    assert (method, url) == ("GET", "http://service.test/x")
    assert settings["timeout"] == PATIENCE


def test_a_patched_class_is_asked(connect):
    answer = requests.Response()
    answer.status_code = 200
    caller = connect("http://service.test")
    with mock.patch.object(requests.Session, "request", return_value=answer) as request:
        assert caller.get("/x") is answer
    assert request.call_count == 1


# --- auth ----------------------------------------------------------------------


def digest_app(request):
    if "Authorization" in request.headers and 'username="user"' in request.headers["Authorization"]:
        return Reply(json="in")
    challenge = 'Digest realm="r", nonce="abc", qop="auth", algorithm=MD5'
    return Reply(401, json={}, headers={"WWW-Authenticate": challenge})


@pytest.mark.parametrize("by", ["client", "session"])
def test_digest_authentication(connect, by):
    with serve(digest_app) as server:
        auth = HTTPDigestAuth("user", "pass")
        caller = connect(server.url, auth=auth if by == "client" else None)
        if by == "session":
            caller.session.auth = auth
        assert caller.get().json() == "in"
        assert caller.ask("POST", json={"a": 1}).json() == "in"
        assert server.requests[-1].json() == {"a": 1}


@pytest.mark.parametrize("mode", ["async"], indirect=True)
def test_digest_authentication_of_many_tasks(connect):
    """Its state is per thread, so that signing and looking at the answer must not be in two."""
    with serve(digest_app) as server:
        caller = connect(server.url, auth=HTTPDigestAuth("user", "pass"))

        async def main():
            return await asyncio.gather(*(caller.client.ask("GET", "/x") for _ in range(30)))

        assert {answer.json() for answer in caller.run(main())} == {"in"}


def test_digest_authentication_keeps_to_the_bounds(connect):
    def app(request):
        return faults.endless_body() if "Authorization" in request.headers else digest_app(request)

    with serve(app) as server, pytest.raises(requests.RequestException):
        connect(server.url, auth=HTTPDigestAuth("user", "pass"), max_bytes=1 << 20).get()


class Blocking(AuthBase):
    """Asks somebody for a token, which takes its time."""

    def __init__(self):
        self.go_on = threading.Event()

    def __call__(self, request):
        self.go_on.wait(PATIENCE / 3)
        request.headers["Authorization"] = "Slow token"
        return request


def test_an_auth_policy_that_blocks_does_not_block_the_loop(connect, mode):
    with serve(see) as server:
        auth = Blocking()
        caller = connect(server.url, auth=auth)
        if mode == "sync":
            auth.go_on.set()
            caller.get()
        else:
            assert ticking(caller, caller.client.ask("GET", "/x"), auth.go_on)[1] >= 5
        assert server.requests[0].headers["Authorization"] == "Slow token"


def test_an_auth_policy_may_sign_the_body(connect):
    class InBody(AuthBase):
        def __call__(self, request):
            request.body = request.body + b"&sign=1"
            return request

    with serve(see) as server:
        connect(server.url, auth=InBody()).ask("POST", content=b"a=1")
        assert server.requests[0].body == b"a=1&sign=1"


def test_an_error_can_be_pickled_and_holds_no_secret(connect):
    with serve([Reply(401, json={"message": "no"})]) as server:
        with pytest.raises(Unauthorized) as raised:
            connect(server.url, auth=("user", "secret")).get()
        pickled = pickle.dumps(raised.value)
        again = pickle.loads(pickled)
        assert str(again) == str(raised.value)
        assert again.status == 401
        assert again.response.json() == {"message": "no"}
        assert requests.auth._basic_auth_str("user", "secret").split()[1].encode() not in pickled


# --- proxies ---------------------------------------------------------------------


@pytest.fixture
def proxy():
    with serve(lambda request: Reply(json={"by": "proxy"})) as server:
        yield server


def test_a_proxy_of_the_session(connect, proxy):
    caller = connect("http://service.test/v1")
    caller.session.proxies = {"http": proxy.url.replace("//", "//me:secret@")}
    assert caller.get("/x?y=1").json() == {"by": "proxy"}
    (seen,) = proxy.requests
    assert seen.target == "http://service.test/v1/x?y=1"
    assert seen.headers["Host"] == "service.test"
    assert seen.headers["Proxy-Authorization"] == requests.auth._basic_auth_str("me", "secret")


def test_proxies_of_the_environment(connect, proxy, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(see) as server:
        connect("http://service.test").get()
        connect(server.url).get()
        untrusting = connect("http://service.invalid")
        untrusting.session.trust_env = False
        with pytest.raises(requests.ConnectionError):
            untrusting.get()
        assert len(proxy.requests) == 1
        assert len(server.requests) == 1


def test_a_proxy_that_is_not_there(connect):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://me:secret@127.0.0.1:{free.getsockname()[1]}"
    caller = connect("http://service.test")
    caller.session.proxies = {"http": url}
    with pytest.raises(requests.exceptions.ProxyError) as raised:
        caller.get()
    assert "secret" not in str(raised.value)


@pytest.fixture
def tunnel():
    """A proxy that only makes tunnels (RFC 9110, 9.3.6), for those who say who they are; and what it was asked for."""
    asked = []

    def pass_on(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def serve_one(client):
        with client, client.makefile("rb") as lines:
            head = [line for line in iter(lines.readline, b"\r\n") if line]
            asked.append(b"".join(head).decode())
            if "Proxy-Authorization: Basic" not in asked[-1]:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
            host, _, port = asked[-1].split()[1].partition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=pass_on, args=(server, client))
                back.start()
                pass_on(client, server)
                back.join()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve_one, args=(listener.accept()[0],)))
                threads[-1].start()

    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads.append(threading.Thread(target=accept))
        threads[0].start()
        yield SimpleNamespace(authority=f"127.0.0.1:{listener.getsockname()[1]}", asked=asked)
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()


def test_a_tunnel_through_a_proxy(connect, tunnel, certificate):
    with serve(see, tls=certificate.server) as server:
        caller = connect(server.url, auth=("user", "secret"))
        caller.session.verify = certificate.path
        caller.session.proxies = {"https": f"http://me:hidden@{tunnel.authority}"}
        assert [caller.get().status_code for _ in range(2)] == [200, 200]
        assert server.connections == 1
        (asked,) = tunnel.asked
        assert asked.startswith(f"CONNECT {server.url.removeprefix('https://')} HTTP/1.")
        assert requests.auth._basic_auth_str("user", "secret") not in asked
        assert all("Proxy-Authorization" not in request.headers for request in server.requests)
        caller.close()


def test_a_tunnel_that_is_refused(connect, tunnel):
    caller = connect("https://service.test")
    caller.session.proxies = {"https": f"http://{tunnel.authority}"}
    with pytest.raises(requests.exceptions.ProxyError) as raised:
        caller.get()
    assert "Proxy Authentication Required" in str(raised.value)
    assert isinstance(raised.value, NotConnected)


# --- TLS ---------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_is_refused(connect, certificate):
    with serve(see, tls=certificate.server) as server:
        with pytest.raises(requests.exceptions.SSLError) as raised:
            connect(server.url).get()
        assert "certificate" in str(raised.value).lower()
        assert server.requests == []


def test_an_authority_of_ones_own_is_accepted(connect, certificate):
    with serve(see, tls=certificate.server) as server:
        caller = connect(server.url)
        caller.session.verify = certificate.path
        assert caller.get().status_code == 200
        assert caller.get().status_code == 200
        assert server.connections == 1


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_verification_can_be_switched_off(connect, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate.path + ".not")
    with serve(see, tls=certificate.server) as server:
        caller = connect(server.url)
        caller.session.verify = False
        assert caller.get().status_code == 200


def test_tls_to_a_server_that_speaks_none(connect):
    def refuse():
        with listener.accept()[0] as sock:
            sock.recv(100)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(requests.exceptions.SSLError):
            connect(f"https://127.0.0.1:{listener.getsockname()[1]}").get()
        thread.join()


def test_a_session_that_was_given_is_not_closed(connect):
    session = requests.Session()
    adapter = mock.Mock(spec=BaseAdapter)
    session.mount("other://", adapter)
    caller = connect("http://127.0.0.1:1", session=session)
    caller.close()
    assert not adapter.close.called
