import asyncio
import base64
import errno
import json
import socket
import threading
import time
import webbrowser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from tests.timing import PATIENCE, until

import kinto_http.login as login_module
from kinto_http import AsyncClient, Client
from kinto_http.exceptions import KintoException
from kinto_http.login import BrowserOAuth, RequestHandler
from kinto_http.session import Session
from restwright import loopback
from restwright.message import Request as CoreRequest
from restwright.testing.faults import bomb, hang_before, html, redirect_loop
from restwright.testing.kinto import kinto_server
from restwright.testing.serve import Reply, serve

TOKEN = {"access_token": "s3cr3t", "token_type": "Bearer", "id_token": "h1dden"}


class Service(ThreadingHTTPServer):
    """The part of Kinto and of its OpenID providers that a login sees."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ServiceHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.root: object = {
            "capabilities": {
                "openid": {
                    "providers": [
                        {"name": "first", "auth_path": "/openid/first/login", "header_type": "Bearer+first"},
                        {"name": "second", "auth_path": "/openid/second/login", "header_type": "Bearer+2"},
                    ]
                }
            }
        }
        self.root_status = 200
        self.logins: list[tuple[str, dict[str, list[str]]]] = []
        self.answer = base64.b64encode(json.dumps(TOKEN).encode()).decode()


class ServiceHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/v1/":
            body = json.dumps(self.server.root).encode()
            self.send_response(self.server.root_status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            query = parse_qs(url.query, strict_parsing=True)
            self.server.logins.append((url.path, query))
            self.send_response(307)
            self.send_header("Location", query["callback"][0] + quote(self.server.answer))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *args):
        pass


class Browser:
    """Stands in for the user's: follows the redirects in a thread of its own."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.pages: list[requests.Response] = []
        self.threads: list[threading.Thread] = []

    def open(self, url: str) -> bool:
        self.urls.append(url)
        self.threads.append(threading.Thread(target=lambda: self.pages.append(requests.get(url, timeout=10))))
        self.threads[-1].start()
        return True

    def page(self) -> requests.Response:
        self.threads[-1].join()
        return self.pages[-1]


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    with running(server):
        yield server


@pytest.fixture
def browser(monkeypatch) -> Iterator[Browser]:
    browser = Browser()
    monkeypatch.setattr(webbrowser, "open", browser.open)
    yield browser
    for thread in browser.threads:
        thread.join()


def login(service, provider=None, **kwargs) -> BrowserOAuth:
    auth = BrowserOAuth(provider, **kwargs)
    auth.server_url = service.url
    return auth


def authorization(auth) -> str:
    return requests.Request("GET", auth.server_url or "http://h/", auth=auth).prepare().headers["Authorization"]


def test_the_first_request_logs_in_and_later_ones_keep_the_token(service, browser):
    auth = login(service)
    assert (auth.token, auth.header_type) == (None, None)
    assert authorization(auth) == "Bearer s3cr3t"
    assert authorization(auth) == "Bearer s3cr3t"
    assert (auth.token, auth.header_type) == ("s3cr3t", "Bearer")
    assert len(browser.urls) == 1


def test_the_browser_is_sent_to_the_first_provider_with_an_encoded_callback(service, browser):
    authorization(login(service))
    callback = service.logins[0][1]["callback"][0]
    port = urlsplit(callback).port
    assert callback == f"http://localhost:{port}/auth/"
    assert service.logins == [("/v1/openid/first/login", {"callback": [callback], "scope": ["openid email"]})]
    query = f"callback=http%3A%2F%2Flocalhost%3A{port}%2Fauth%2F&scope=openid%20email"
    assert browser.urls == [f"{service.url}/openid/first/login?{query}"]


def test_a_slash_after_the_server_url_changes_nothing(service, browser):
    service.url += "/"
    authorization(login(service))
    assert service.logins[0][0] == "/v1/openid/first/login"


def test_a_provider_is_chosen_by_name(service, browser):
    authorization(login(service, "second"))
    assert service.logins[0][0] == "/v1/openid/second/login"


@pytest.mark.parametrize(
    ("provider", "root", "message"),
    [
        ("third", None, "no OpenID provider 'third', but first, second"),
        (None, {"capabilities": {}}, "no OpenID providers"),
        (None, {"capabilities": {"openid": {"providers": []}}}, "no OpenID providers"),
        ("first", {"capabilities": {}}, "no OpenID providers"),
        (None, {}, "does not look like a Kinto server"),
        (None, [], "does not look like a Kinto server"),
        (None, {"capabilities": {"openid": {"providers": ["first"]}}}, "does not look like a Kinto server"),
        (None, {"capabilities": {"openid": {"providers": [{"name": "first"}]}}}, "does not look like a Kinto server"),
    ],
)
def test_a_server_without_the_provider_is_a_clear_error(service, browser, provider, root, message):
    service.root = service.root if root is None else root
    with pytest.raises(KintoException, match=message):
        authorization(login(service, provider))
    assert not browser.urls


def test_a_server_that_refuses_is_a_clear_error_with_its_response(service, browser):
    service.root_status = 503
    with pytest.raises(KintoException, match="Cannot log in") as caught:
        authorization(login(service))
    assert caught.value.response is not None
    assert caught.value.response.status_code == 503


def test_a_server_that_is_away_is_a_clear_error(browser):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    auth = BrowserOAuth()
    auth.server_url = url
    with pytest.raises(KintoException, match="Cannot log in") as caught:
        authorization(auth)
    assert isinstance(caught.value.__cause__, requests.ConnectionError)


@pytest.mark.parametrize(
    "fault", [hang_before(), html(200), bomb(2**28), redirect_loop()], ids=["hangs", "HTML", "a bomb", "redirects"]
)
def test_a_server_that_does_not_say_how_is_a_clear_error_within_bounds(browser, monkeypatch, fault):
    monkeypatch.setattr(login_module, "_INFO_WITHIN", 0.3)
    auth = BrowserOAuth()
    with serve([fault]) as server:
        auth.server_url = server.url
        with pytest.raises(KintoException, match="Cannot log in") as caught:
            authorization(auth)
    assert isinstance(caught.value.__cause__, requests.RequestException)


def test_a_login_without_a_client_is_a_clear_error():
    with pytest.raises(KintoException, match="server_url"):
        authorization(BrowserOAuth())


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="], ids=["stripped", "padded"])
@pytest.mark.parametrize("filler", ["", "?", "??", "ÿþ>>>~~~"])
def test_both_base64_alphabets_with_or_without_padding(service, browser, alphabet, padding, filler):
    text = json.dumps({**TOKEN, "filler": filler}, ensure_ascii=False)
    encoded = alphabet(text.encode()).decode()
    service.answer = encoded if padding else encoded.rstrip("=")
    assert authorization(login(service)) == "Bearer s3cr3t"


def test_the_alphabets_differ_in_what_is_tested():
    text = json.dumps({**TOKEN, "filler": "ÿþ>>>~~~"}, ensure_ascii=False).encode()
    assert base64.b64encode(text) != base64.urlsafe_b64encode(text)


def test_a_token_without_a_type_gets_the_one_of_the_provider(service, browser):
    service.answer = base64.b64encode(b'{"access_token": "t0"}').decode()
    assert authorization(login(service, "second")) == "Bearer+2 t0"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            b'{"error": "access_denied", "error_description": "no <b>", "id_token": "h1dden"}',
            "access_denied: no <b>",
        ),
        (b"{}", "no access token: no reason given"),
        (b'{"access_token": null}', "no access token"),
        (b'{"access_token": ""}', "no access token"),
        (b'{"access_token": 5}', "no access token"),
        (b'{"access_token": "a\\r\\nX: b"}', "no access token"),
        (b'["access_token"]', "not an object"),
        (b"not JSON", "cannot be read"),
        (b"\xff", "cannot be read"),
    ],
)
def test_an_answer_without_a_token_ends_the_login(service, browser, answer, message):
    """At once: the user and the caller both hear of it."""
    service.answer = base64.b64encode(answer).decode()
    auth = login(service)
    with pytest.raises(KintoException, match=message) as caught:
        authorization(auth)
    assert "h1dden" not in str(caught.value)
    assert auth.token is None
    assert browser.page().status_code == 400
    assert "Login failed" in browser.page().text
    assert "<b>" not in browser.page().text


@pytest.mark.parametrize("answer", ["", "a", "!!!!", "é"])
def test_an_answer_that_is_not_base64_ends_the_login(service, browser, answer):
    service.answer = answer
    with pytest.raises(KintoException, match="cannot be read"):
        authorization(login(service))
    assert browser.page().status_code == 400


def test_a_token_type_that_would_start_another_header_is_refused(service, browser):
    service.answer = base64.b64encode(b'{"access_token": "t0", "token_type": "a\\r\\nX: b"}').decode()
    auth = login(service)
    with pytest.raises(KintoException, match="unusable type"):
        authorization(auth)
    assert auth.token is None


def test_the_success_page_does_not_leave_the_token_behind(service, browser):
    authorization(login(service))
    page = browser.page()
    assert page.status_code == 200
    assert "Login successful" in page.text
    assert "s3cr3t" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_nothing_is_printed(service, browser, capfd):
    """The request line of the callback holds the token."""
    authorization(login(service))
    browser.page()
    assert capfd.readouterr() == ("", "")


def test_other_paths_are_404_and_do_not_end_the_login(service, monkeypatch):
    statuses = []

    def open_others_first(url):
        callback = parse_qs(urlsplit(url).query)["callback"][0]
        root = callback.removesuffix("/auth/")
        statuses.extend(requests.get(root + path, timeout=30).status_code for path in ("/", "/favicon.ico", "/auth"))
        statuses.append(requests.get(url, timeout=30).status_code)

    monkeypatch.setattr(webbrowser, "open", open_others_first)
    assert authorization(login(service)) == "Bearer s3cr3t"
    assert statuses == [404, 404, 404, 200]


def callback_port(url) -> int:
    return urlsplit(parse_qs(urlsplit(url).query)["callback"][0]).port


def test_it_listens_on_loopback_only_and_on_both_addresses_of_localhost(service, monkeypatch):
    reached = {}

    def look_around(url):
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for host in ("127.0.0.1", "::1", "127.0.0.2", *addresses):
            try:
                socket.create_connection((host, callback_port(url)), timeout=30).close()
            except OSError:
                reached[host] = False
            else:
                reached[host] = True
        requests.get(url, timeout=30)

    monkeypatch.setattr(webbrowser, "open", look_around)
    authorization(login(service))
    with_ipv6 = has_ipv6_loopback()
    assert (reached.pop("127.0.0.1"), reached.pop("::1")) == (True, with_ipv6)
    assert len(reached) >= 1
    assert not any(reached.values())


def has_ipv6_loopback() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(("errors", "tries"), [([errno.EADDRINUSE], 2), ([errno.EADDRNOTAVAIL], 1)])
def test_a_port_that_another_program_has_on_ipv6_is_not_used(service, browser, monkeypatch, errors, tries):
    """Half of the browsers would hand the token to it; a machine without IPv6 is no obstacle."""
    asked = []

    class Server6(loopback._Server6):
        def server_bind(self):
            asked.append(self.server_address[1])
            if errors:
                raise OSError(errors.pop(), "as if")
            super().server_bind()

    monkeypatch.setattr(loopback, "_Server6", Server6)
    assert authorization(login(service)) == "Bearer s3cr3t"
    assert len(asked) == tries
    assert callback_port(browser.urls[0]) == asked[-1]


def test_connections_opened_ahead_do_not_hold_it_up(service, monkeypatch):
    """Browsers open some and say nothing."""
    idle = []

    def open_ahead(url):
        idle.extend(socket.create_connection(("127.0.0.1", callback_port(url))) for _ in range(3))
        requests.get(url, timeout=30)

    monkeypatch.setattr(webbrowser, "open", open_ahead)
    started = time.monotonic()
    assert authorization(login(service)) == "Bearer s3cr3t"
    assert time.monotonic() - started < 30
    for connection in idle:
        connection.close()


def test_the_listener_is_gone_after_the_login(service, browser):
    authorization(login(service))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", callback_port(browser.urls[0])), timeout=30)


def test_a_user_who_does_not_log_in_is_a_timeout(service, monkeypatch):
    urls = []
    monkeypatch.setattr(webbrowser, "open", urls.append)
    with pytest.raises(KintoException, match=r"not completed within 0\.05 seconds"):
        authorization(login(service, timeout=0.05))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", callback_port(urls[0])), timeout=30)


def test_without_a_browser_the_user_is_told_the_url(service, monkeypatch, caplog):
    urls = []
    monkeypatch.setattr(webbrowser, "open", lambda url: urls.append(url) or False)
    with pytest.raises(KintoException, match="not completed"):
        authorization(login(service, timeout=0.05))
    assert urls[0] in caplog.text


def in_threads(number, function) -> list[object]:
    """What each call gave or raised; all begin before the first ends."""
    barrier, outcomes = threading.Barrier(number), []

    def call():
        barrier.wait()
        try:
            outcomes.append(function())
        except KintoException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_many_threads_share_one_login(service, browser):
    auth = login(service)
    assert in_threads(20, lambda: authorization(auth)) == ["Bearer s3cr3t"] * 20
    assert len(browser.urls) == 1


def open_when_joined(auth, number, monkeypatch) -> list[str]:
    """The time for a login begins when so many wait for it; the URLs that a user is shown, who does nothing."""
    urls, joined, begin = [], [], auth._one_login.begin

    def begin_and_count(*args):
        run = begin(*args)
        joined.append(run)
        return run

    def open_url(url):
        urls.append(url)
        until(lambda: len(joined) == number)

    monkeypatch.setattr(auth._one_login, "begin", begin_and_count)
    monkeypatch.setattr(webbrowser, "open", open_url)
    return urls


def test_many_threads_share_one_failure_and_the_next_request_tries_again(service, monkeypatch, browser):
    auth = login(service, timeout=0.5)
    urls = open_when_joined(auth, 10, monkeypatch)
    outcomes = in_threads(10, lambda: authorization(auth))
    assert [type(outcome) for outcome in outcomes] == [KintoException] * 10
    assert all("not completed within 0.5 seconds" in str(outcome) for outcome in outcomes)
    assert len(urls) == 1
    monkeypatch.setattr(webbrowser, "open", browser.open)
    assert authorization(auth) == "Bearer s3cr3t"


def test_a_forgotten_token_leads_to_a_login(service, browser):
    auth = login(service)
    authorization(auth)
    auth.forget()
    assert auth.token is None
    service.answer = base64.b64encode(b'{"access_token": "t1", "token_type": "Bearer"}').decode()
    assert authorization(auth) == "Bearer t1"
    assert len(browser.urls) == 2


def test_a_late_refusal_of_an_old_token_does_not_cost_the_new_one():
    auth = BrowserOAuth()
    auth.set_jwt_token({"access_token": "new", "token_type": "Bearer"})
    auth.forget(refused="Bearer old")
    assert auth.token == "new"
    auth.forget(refused="Bearer new")
    assert auth.token is None


def test_forgetting_does_not_wait_for_a_login_under_way(service, monkeypatch):
    auth = login(service)

    def forget_meanwhile(url):
        started = time.monotonic()
        auth.forget("Bearer old")
        assert time.monotonic() - started < 30
        requests.get(url, timeout=30)

    monkeypatch.setattr(webbrowser, "open", forget_meanwhile)
    assert authorization(auth) == "Bearer s3cr3t"


def test_a_token_may_be_set_by_hand():
    auth = BrowserOAuth("first")
    auth.set_jwt_token({"access_token": "t0", "token_type": "Bearer+OIDC"})
    assert authorization(auth) == "Bearer+OIDC t0"
    with pytest.raises(KintoException, match="invalid_grant"):
        auth.set_jwt_token({"error": "invalid_grant"})
    assert auth.token == "t0"


def test_the_token_is_not_shown():
    auth = BrowserOAuth("first")
    assert repr(auth) == "BrowserOAuth(provider='first', token=None)"
    auth.set_jwt_token(TOKEN)
    assert repr(auth) == "BrowserOAuth(provider='first', token='***')"


class Guarded:
    """A service that takes the tokens of its own logins, until it drops them."""

    def __init__(self):
        self.valid = set()
        self.logins = 0
        self.brings_valid_tokens = True
        self.gate = threading.Event()  # the user
        self.gate.set()

    def __call__(self, seen):
        if seen.path == "/v1/":
            return Reply(json={"capabilities": {"openid": {"providers": [{"name": "p", "auth_path": "/login"}]}}})
        if seen.path == "/v1/login":
            self.gate.wait(PATIENCE)
            self.logins += 1
            if self.brings_valid_tokens:
                self.valid.add(f"Bearer t{self.logins}")
            token = base64.b64encode(json.dumps({"access_token": f"t{self.logins}"}).encode()).decode()
            return Reply(307, headers={"Location": seen.query["callback"][0] + quote(token)})
        if seen.headers.get("Authorization") not in self.valid:
            return Reply(401, json={"code": 401, "errno": 104, "message": "Please authenticate yourself"})
        return Reply(json={"data": {"id": "r", "sent": seen.json() if seen.body else None}})


@pytest.fixture
def guarded():
    return Guarded()


@pytest.fixture
def guarded_url(guarded):
    with serve(guarded) as server:
        guarded.server = server
        yield f"{server.url}/v1"


@pytest.fixture(params=["sync", "async"])
def client(request, guarded_url, browser):
    """A client with a login, whose calls block in the test, whichever way they are made."""
    auth = BrowserOAuth()
    settings = {"server_url": guarded_url, "auth": auth, "bucket": "b", "collection": "c"}
    if request.param == "sync":
        with Client(**settings) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        client = AsyncClient(**settings)

        class Blocking:
            session = client.session

            def __getattr__(self, name):
                return lambda *args, **kwargs: runner.run(awaiting(getattr(client, name), args, kwargs))

        yield Blocking()
        runner.run(client.aclose())


async def awaiting(function, args, kwargs):
    return await function(*args, **kwargs)


def test_a_refused_token_is_replaced_and_the_request_sent_again(client, guarded, browser):
    client.get_record("r")
    assert (guarded.logins, len(browser.urls)) == (1, 1)
    guarded.valid.clear()
    created = client.create_record("r", data={"n": 1})
    assert created["data"]["sent"] == {"data": {"n": 1}}
    assert guarded.logins == 2
    client.get_record("r")
    assert guarded.logins == 2


def test_a_token_that_a_login_has_just_brought_is_not_replaced_by_another_login(client, guarded):
    """Or a server that takes none of them opens one page after the other."""
    guarded.brings_valid_tokens = False
    with pytest.raises(KintoException, match="401") as caught:
        client.get_record("r")
    assert caught.value.response.status_code == 401
    assert guarded.logins == 1
    guarded.brings_valid_tokens = True
    client.get_record("r")  # perhaps the user logs in as somebody else
    assert guarded.logins == 2


def test_a_request_that_is_refused_again_after_the_login_is_an_error(client, guarded):
    client.get_record("r")
    guarded.valid.clear()
    guarded.brings_valid_tokens = False
    with pytest.raises(KintoException, match="401"):
        client.get_record("r")
    assert guarded.logins == 2


def test_a_token_set_by_hand_is_used_and_replaced_when_it_has_expired(client, guarded):
    guarded.valid.add("Bearer by-hand")
    client.session.auth.set_jwt_token({"access_token": "by-hand"})
    client.get_record("r")
    assert guarded.logins == 0
    guarded.valid.clear()
    client.get_record("r")
    assert guarded.logins == 1


def test_a_login_that_fails_is_the_error_of_the_request(client, guarded, browser, monkeypatch):
    client.session.auth.timeout = 0.05
    monkeypatch.setattr(webbrowser, "open", lambda url: True)
    with pytest.raises(KintoException, match="not completed within"):
        client.get_record("r")
    client.session.auth.timeout = 300.0
    monkeypatch.setattr(webbrowser, "open", browser.open)
    client.get_record("r")


def test_the_token_does_not_go_to_another_origin_nor_is_there_a_login_for_it(client, guarded):
    with serve([Reply(json={"data": []})]) as other:
        guarded_root = client.session.server_url
        client.session.auth.set_jwt_token({"access_token": "t"})
        client.session.auth.forget()
        Client(session=client.session).run(asking(f"{other.url}/x"))
        assert guarded.logins == 0
        client.session.auth.set_jwt_token({"access_token": "t"})
        Client(session=client.session).run(asking(f"{other.url}/x"))
    assert [seen.headers.get("Authorization") for seen in other.requests] == [None, None]
    assert client.session.auth.server_url == guarded_root


def asking(url):
    yield CoreRequest("GET", url)


def test_a_login_shared_by_clients_of_two_servers_does_not_take_the_token_along(browser):
    auth = BrowserOAuth()
    Client(server_url="http://one.test/v1", auth=auth)
    auth.set_jwt_token({"access_token": "t"})
    Client(server_url="http://one.test/v2", auth=auth)
    assert auth.token == "t"
    Client(server_url="http://two.test/v1", auth=auth)
    assert auth.token is None
    auth.set_jwt_token({"access_token": "t"})
    with pytest.raises(KintoException, match=r"another BrowserOAuth for http://one\.test"):
        requests.Request("GET", "http://one.test/v1/", auth=auth).prepare()


def run_async(main):
    asyncio.run(main())


def test_the_event_loop_and_its_threads_are_free_while_the_user_logs_in(guarded, guarded_url, browser):
    guarded.gate.clear()

    async def main():
        async with AsyncClient(server_url=guarded_url, auth=BrowserOAuth(), bucket="b", collection="c") as client:
            calls = [asyncio.create_task(client.get_record(f"r{number}")) for number in range(50)]
            async with asyncio.timeout(PATIENCE / 2):  # the user waits longer
                for _ in range(20):
                    await asyncio.sleep(0.01)
                    await asyncio.to_thread(time.sleep, 0.0)  # where names are resolved and files written
            assert not any(call.done() for call in calls)
            guarded.gate.set()
            assert len(await asyncio.gather(*calls)) == 50

    run_async(main)
    assert guarded.logins == 1


def test_with_a_token_no_thread_is_needed(guarded, guarded_url, browser):
    async def main():
        async with AsyncClient(server_url=guarded_url, auth=BrowserOAuth(), bucket="b", collection="c") as client:
            await client.get_record("r")
            used_up = ThreadPoolExecutor()
            used_up.shutdown()
            asyncio.get_running_loop().set_default_executor(used_up)
            await client.get_record("r")

    run_async(main)


def test_many_tasks_that_are_refused_together_lead_to_one_login(guarded, guarded_url, browser):
    async def main():
        async with AsyncClient(server_url=guarded_url, auth=BrowserOAuth(), bucket="b", collection="c") as client:
            await client.get_record("r")
            guarded.valid.clear()
            await asyncio.gather(*(client.get_record("r") for _ in range(30)))

    run_async(main)
    assert guarded.logins == 2


def test_many_tasks_share_one_failure(guarded, guarded_url, monkeypatch):
    auth = BrowserOAuth(timeout=0.2)
    opened = open_when_joined(auth, 10, monkeypatch)

    async def main():
        async with AsyncClient(server_url=guarded_url, auth=auth, bucket="b", collection="c") as client:
            calls = (client.get_record("r") for _ in range(10))
            return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert all("not completed within 0.2 seconds" in str(outcome) for outcome in outcomes)
    assert {type(outcome) for outcome in outcomes} == {KintoException}
    assert len(opened) == 1


def test_a_cancelled_call_does_not_cost_the_others_the_login(guarded, guarded_url, browser):
    guarded.gate.clear()

    async def main():
        async with AsyncClient(server_url=guarded_url, auth=BrowserOAuth(), bucket="b", collection="c") as client:
            first = asyncio.create_task(client.get_record("r"))
            await asyncio.sleep(0.2)
            second = asyncio.create_task(client.get_record("r"))
            await asyncio.sleep(0.1)
            first.cancel()
            await asyncio.sleep(0.1)
            guarded.gate.set()
            assert (await second)["data"]["id"] == "r"

    run_async(main)
    assert (guarded.logins, len(browser.urls)) == (1, 1)


class ProviderHandler(BaseHTTPRequestHandler):
    """An OpenID provider that knows one user, who is logged in already."""

    def do_GET(self):
        url, issuer = urlsplit(self.path), f"http://127.0.0.1:{self.server.server_port}"
        if url.path == "/authorize":
            query = parse_qs(url.query)
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri'][0]}?code=c0de&state={query['state'][0]}")
            self.end_headers()
        elif url.path == "/userinfo":
            assert self.headers["Authorization"] == "Bearer from-the-provider"
            self.send_json({"sub": "1", "email": "ada@example.org"})
        else:
            assert url.path == "/.well-known/openid-configuration"
            names = ("authorization", "token", "userinfo")
            paths = {f"{name}_endpoint": f"{issuer}/{name.replace('ization', 'ize')}" for name in names}
            self.send_json({"issuer": issuer, "jwks_uri": f"{issuer}/keys", **paths})

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert form["code"] == ["c0de"]
        self.send_json({"access_token": "from-the-provider", "token_type": "Bearer", "expires_in": 3600})

    def send_json(self, document):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *args):
        pass


def test_a_login_at_the_real_kinto(browser):
    provider = ThreadingHTTPServer(("127.0.0.1", 0), ProviderHandler)
    issuer = f"http://127.0.0.1:{provider.server_port}"
    with running(provider), kinto_server(openid_issuer=issuer) as kinto:
        auth = BrowserOAuth("openid")
        auth.server_url = kinto.url
        root = requests.get(f"{kinto.url}/", auth=auth, timeout=10).json()
    assert root["user"]["id"] == "openid:ada@example.org"
    assert browser.page().status_code == 200


def test_the_handler_can_be_used_with_a_callback_alone():
    """As published: `(*args, set_jwt_token_callback=None, **kwargs)`."""
    tokens = []

    def handler(*args):
        return RequestHandler(*args, set_jwt_token_callback=tokens.append)

    answer = quote(base64.b64encode(json.dumps(TOKEN).encode()).decode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with running(server):
        url = f"http://127.0.0.1:{server.server_port}"
        assert requests.get(f"{url}/auth/e30=", timeout=30).status_code == 400
        assert tokens == []
        assert requests.get(f"{url}/auth/{answer}", timeout=30).status_code == 200
    assert tokens == [TOKEN]


def test_a_session_of_its_own_says_where_to_log_in():
    auth = BrowserOAuth()
    Session("http://h/v1", auth=auth)
    assert auth.server_url == "http://h/v1"
