"""The pages of the sandbox's OpenID provider as people use them, in Chromium."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page

from rest_tools.server import (
    OpenIDCookieHandlerMixin,
    OpenIDLoginHandler,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
)
from rest_tools.utils.pkce import challenge_of, new_verifier
from restwright.sandbox import IdentityProvider, identity_provider
from restwright.testing import Reply, serve

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
PHONE = {"width": 360, "height": 640}


@pytest.fixture(scope="module")
def server() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def idp(server: IdentityProvider) -> IdentityProvider:
    server.reset()
    return server


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page on a small phone; whatever its console complains about is a failure."""
    context = chromium.new_context(viewport=PHONE)
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [text for text in complaints if "the server responded with a status" not in text] == []


def log_in(page: Page, name: str = "alice", password: str = "wonderland") -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def fits_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_person_logs_in_with_the_keyboard_alone(idp, page):
    verifier = new_verifier()
    with serve(lambda request: Reply(text="welcome back")) as application:
        back = f"{application.url}/callback"
        query = {
            "client_id": "app",
            "response_type": "code",
            "redirect_uri": back,
            "scope": "openid profile",
            "state": "s",
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        page.goto(f"{idp.url}/authorize?{urlencode(query)}")
        assert page.title() == "Log in"
        assert fits_the_screen(page)
        page.keyboard.type("alice")  # the first field has the focus
        page.keyboard.press("Tab")
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        assert "Wrong name or password" in page.get_by_role("alert").inner_text()
        assert page.title() == "Error: Log in"
        page.keyboard.type("wonderland")  # the name is there already
        page.keyboard.press("Enter")
        page.wait_for_url(f"{back}?*")
        assert page.inner_text("body") == "welcome back"
        returned = parse_qs(urlsplit(page.url).query)
        assert "Referer" not in application.requests[0].headers
    assert (returned["state"], returned["iss"]) == (["s"], [idp.issuer])
    form = {
        "grant_type": "authorization_code",
        "code": returned["code"][0],
        "redirect_uri": back,
        "client_id": "app",
        "code_verifier": verifier,
    }
    tokens = requests.post(f"{idp.url}/token", form, timeout=30).json()
    assert tokens["scope"] == "openid profile"


def test_a_person_connects_a_device(idp, page):
    form = {"client_id": "app", "scope": "openid read"}
    device = requests.post(f"{idp.url}/device_authorization", form, timeout=30).json()
    page.goto(device["verification_uri"])
    assert page.title() == "Connect a device"
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    assert "There is no such code" in page.get_by_role("alert").inner_text()
    page.get_by_label("Code").fill(device["user_code"].lower().replace("-", " "))
    page.get_by_role("button", name="Continue").click()
    log_in(page, "bob", "builder")
    assert page.get_by_role("heading").inner_text() == "Connect Sample app?"
    assert page.locator("p.code").inner_text() == device["user_code"]
    assert page.get_by_role("listitem").all_inner_texts() == ["openid", "read"]
    assert fits_the_screen(page)
    page.get_by_role("button", name="Connect").click()
    assert page.get_by_role("heading").inner_text() == "Connected"
    poll = {"grant_type": DEVICE_CODE, "client_id": "app", "device_code": device["device_code"]}
    assert requests.post(f"{idp.url}/token", poll, timeout=30).json()["scope"] == "openid read"


def test_the_style_sheet_is_there_and_what_has_the_focus_is_seen(idp, page):
    page.goto(f"{idp.url}/device")
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "416px"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Continue"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    height = page.get_by_role("button", name="Continue").bounding_box()["height"]
    assert height >= 44  # for thumbs


class Welcome(OpenIDCookieHandlerMixin, RestHandler):
    @authenticated
    def get(self) -> None:
        self.write({"user": self.auth_data["preferred_username"], "roles": self.auth_data["realm_access"]["roles"]})


@contextmanager
def application(idp: IdentityProvider, secret: str | None) -> Iterator[str]:
    """A server whose users log in at the provider; it is the client `web`, or `app` if it has no secret."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> RestServer:
        found = RestServer(cookie_secret="00" * 32)
        found.startup(address="127.0.0.1", port=0)  # for its port: the log-in has to know its own URL
        url = f"http://127.0.0.1:{found.port}"
        await found.stop(drain=0)
        server = RestServer(cookie_secret="00" * 32, login_url=f"{url}/login")
        setup = RestHandlerSetup({"auth": {"openid_url": idp.url}})
        client = {"oauth_client_id": "web" if secret else "app", "oauth_client_secret": secret}
        server.add_route("/login", OpenIDLoginHandler, setup | client)
        server.add_route("/welcome", Welcome, setup)
        server.startup(address="127.0.0.1", port=found.port)
        return server

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(drain=0), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.mark.parametrize("secret", ["web-secret", None])
def test_our_own_server_logs_people_in(idp, page, secret):
    with application(idp, secret) as url:
        assert requests.get(f"{url}/welcome", timeout=30).status_code == 403
        page.goto(f"{url}/login?next=/welcome")
        assert urlsplit(page.url).netloc == urlsplit(idp.url).netloc
        log_in(page)
        page.wait_for_url(f"{url}/welcome")
        assert '"user": "alice"' in page.inner_text("body")
        assert idp.count("token", grant_type="authorization_code", status=200) == 1
        page.context.clear_cookies()
        page.goto(f"{url}/login?next=/welcome")
        page.get_by_role("button", name="Cancel").click()
        page.wait_for_url(f"{url}/login?*")
        assert "the user said no" in page.inner_text("body")
