"""People log in with Chromium, to the end: what they were asked for is done with the token that came of it."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from kinto_http import BrowserOAuth, Client, KintoException
from restwright.errors import LoginDenied
from restwright.oauth2 import FileStore, OAuth2
from restwright.sandbox import IdentityProvider, identity_provider
from restwright.testing.kinto import KintoServer, kinto_server


@pytest.fixture(scope="module")
def server() -> Iterator[IdentityProvider]:
    with identity_provider(device_interval=0.2) as provider:
        yield provider


@pytest.fixture(scope="module")
def kinto(server: IdentityProvider) -> Iterator[KintoServer]:
    with kinto_server(openid_issuer=server.issuer) as kinto:
        yield kinto


@pytest.fixture
def idp(server: IdentityProvider) -> IdentityProvider:
    server.reset()
    server.adjust(device_interval=0.2)
    return server


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


class Shown:
    """What a program shows to a person; the program runs in a thread, the person's browser in this one."""

    def __init__(self) -> None:
        self._shown: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(1)

    def __call__(self, what: Any) -> bool:
        self._shown.put(what)
        return True

    def wait(self) -> Any:
        return self._shown.get(timeout=20)

    def begin(self, program: Callable[[], Any]) -> Future[Any]:
        return self._pool.submit(program)


@pytest.fixture
def shown() -> Iterator[Shown]:
    shown = Shown()
    yield shown
    shown._pool.shutdown()


def log_in(page: Page, name: str = "alice", password: str = "wonderland") -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_record_is_written_to_kinto_with_the_token_of_a_browser(idp, kinto, page, shown, monkeypatch):
    monkeypatch.setattr("webbrowser.open", shown)
    with Client(server_url=kinto.url, auth=BrowserOAuth(timeout=30), bucket="default", collection="tasks") as client:
        writing = shown.begin(lambda: client.create_record(id="milk", data={"title": "Buy milk"}))
        page.goto(shown.wait())
        log_in(page)
        page.get_by_role("heading", name="Login successful").wait_for()
        assert writing.result(10)["data"]["title"] == "Buy milk"
        assert client.server_info()["user"]["id"] == "openid:alice@example.com"
        assert [record["id"] for record in client.get_records()] == ["milk"]
        assert client.session.auth.token not in page.content()
    assert idp.count("token", grant_type="authorization_code", status=200) == 1


def test_a_person_who_does_not_want_to_log_in_to_kinto_is_no_traceback(idp, kinto, page, shown, monkeypatch):
    monkeypatch.setattr("webbrowser.open", shown)
    with Client(server_url=kinto.url, auth=BrowserOAuth(timeout=3)) as client:
        asking = shown.begin(client.server_info)
        page.goto(shown.wait())
        page.get_by_role("button", name="Cancel").click()
        with pytest.raises(KintoException, match=r"login"):
            asking.result(10)


def test_a_program_gets_tokens_by_the_browser_of_this_machine(idp, page, shown):
    login = OAuth2(idp.url, "app", scopes=["openid", "read"])
    waiting = shown.begin(lambda: login.run(login.browser_login(open=shown, timeout=30)))
    page.goto(shown.wait())
    log_in(page, "bob", "builder")
    page.get_by_role("heading", name="Login successful").wait_for()
    assert waiting.result(10).scope == "openid read"
    assert "code" not in page.url  # nor in the history of the browser
    assert idp.count("token", status=200) == 1


def test_a_person_says_no_and_both_sides_are_told(idp, page, shown):
    login = OAuth2(idp.url, "app", scopes=["openid"])
    waiting = shown.begin(lambda: login.run(login.browser_login(open=shown, timeout=30)))
    page.goto(shown.wait())
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="Login failed").wait_for()
    with pytest.raises(LoginDenied, match="access_denied"):
        waiting.result(10)


def test_a_terminal_is_logged_in_with_a_phone_and_stays_so(idp, page, shown, tmp_path):
    store = FileStore(tmp_path / "token")
    login = OAuth2(idp.url, "app", scopes=["openid", "offline_access"], store=store)
    waiting = shown.begin(lambda: login.run(login.device_login(show=shown)))
    code = shown.wait()
    page.goto(code.verification_uri)
    page.get_by_label("Code").fill(code.user_code)
    page.get_by_role("button", name="Continue").click()
    log_in(page)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("heading", name="Connected").wait_for()
    first = waiting.result(10)
    idp.behave(clock_skew=10)
    later = OAuth2(idp.url, "app", store=FileStore(tmp_path / "token"))  # the program's next start
    assert later.run(later.refresh()).access_token != first.access_token
    assert idp.count("device_authorization") == 1
