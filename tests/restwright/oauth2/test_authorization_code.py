from __future__ import annotations

import asyncio
import threading
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from restwright.errors import LoginDenied, LoginError, LoginExpired, TransportError
from restwright.oauth2 import OAuth2, ProviderMetadata
from restwright.plan import Join, Work
from restwright.testing import Reply
from restwright.testing.faults import hang_before, html


class Browser:
    """Comes back with the answer that is made of what it was sent with; in a thread, as browsers do."""

    def __init__(self, **answer):
        self.answer = answer
        self.sent = {}
        self.url = ""
        self.page = None
        self._thread = None

    def __call__(self, url):
        self.url = url
        self.sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        answer = {"code": "the-code", "state": self.sent["state"], **self.answer}
        query = urlencode({name: value for name, value in answer.items() if value is not None}, doseq=True)
        self._thread = threading.Thread(target=self._come_back, args=(f"{self.sent['redirect_uri']}?{query}",))
        self._thread.start()

    def _come_back(self, url):
        self.page = requests.get(url, timeout=10)

    def told(self):
        self._thread.join(10)
        return self.page


def failed(drive, login, browser, kind=LoginError, **settings):
    with pytest.raises(LoginError) as caught:
        drive(login, login.browser_login(open=browser, timeout=5.0, **settings))
    assert type(caught.value) is kind
    page = browser.told()
    assert page.status_code == 400
    assert "<h1>Login failed</h1>" in page.text
    return str(caught.value)


def test_a_person_logs_in(provider, login, drive):
    browser = Browser()
    tokens = drive(login, login.browser_login(open=browser, timeout=5.0))
    assert tokens.access_token == "access-1"
    assert browser.told().status_code == 200
    assert "Login successful" in browser.page.text
    assert drive(login, login.tokens()) == tokens
    assert browser.url.startswith(f"{provider.url}/authorize?")
    challenge = browser.sent.pop("code_challenge")
    state, redirect_uri = browser.sent.pop("state"), browser.sent.pop("redirect_uri")
    assert len(state) >= 32
    assert urlsplit(redirect_uri).hostname == "127.0.0.1"  # RFC 8252, 7.3
    assert browser.sent == {
        "response_type": "code",
        "client_id": "app",
        "scope": "openid offline_access",
        "code_challenge_method": "S256",
    }
    verifier = provider.forms[0].pop("code_verifier")
    assert urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode() == challenge  # RFC 7636, 4.6
    assert 43 <= len(verifier) <= 128
    assert provider.forms == [
        {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": redirect_uri, "client_id": "app"}
    ]


def test_a_confidential_client_says_who_it_is(provider, drive):
    login = OAuth2(provider.url, "app", "s3cr3t", parameters={"resource": "https://api"}, within=30.0)
    browser = Browser()
    drive(login, login.browser_login(open=browser, timeout=5.0))
    assert browser.sent["resource"] == provider.forms[0]["resource"] == "https://api"
    assert "client_id" not in provider.forms[0]
    assert provider.headers[0]["Authorization"] == "Basic YXBwOnMzY3IzdA=="


def test_each_login_has_its_own_state_and_verifier(provider, login, drive):
    browsers = [Browser(), Browser()]
    for browser in browsers:
        drive(login, login.browser_login(open=browser, timeout=5.0))
    assert browsers[0].sent["state"] != browsers[1].sent["state"]
    assert browsers[0].sent["code_challenge"] != browsers[1].sent["code_challenge"]


def test_an_authorization_endpoint_may_have_a_query(provider, login, drive):
    """RFC 6749, 3.1: it must be retained."""
    provider.metadata["authorization_endpoint"] += "?realm=a"
    browser = Browser()
    drive(login, login.browser_login(open=browser, timeout=5.0))
    assert browser.sent["realm"] == "a"


@pytest.mark.parametrize("state", ["other", "", None, "\u00e4"])
def test_an_answer_with_another_state_is_not_ours(provider, login, drive, state):
    said = failed(drive, login, Browser(state=state))
    assert "the browser came back with another state than it was sent with" in said
    assert provider.forms == []


@pytest.mark.parametrize("error", ["access_denied", "server_error"])
def test_an_error_with_another_state_is_not_ours_either(provider, login, drive, error):
    assert "another state" in failed(drive, login, Browser(state="other", error=error, code=None))


def test_a_parameter_that_comes_twice_is_refused(provider, login, drive):
    assert "a parameter twice" in failed(drive, login, Browser(code=["one", "two"]))


@pytest.mark.parametrize("issuer", ["https://evil.example", "", "provider/"])
def test_an_answer_of_another_issuer_is_refused(provider, login, drive, issuer):
    """RFC 9207, 2.4: exactly the same text; whether the provider said that it sends it or not."""
    said = failed(drive, login, Browser(iss=issuer.replace("provider", provider.url)))
    assert f"expected {provider.url} (RFC 9207)" in said
    assert provider.forms == []


def test_an_answer_of_the_right_issuer_is_taken(provider, login, drive):
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    browser = Browser(iss=provider.url)
    assert drive(login, login.browser_login(open=browser, timeout=5.0)).access_token == "access-1"


def test_a_missing_issuer_is_refused_where_the_provider_sends_it(provider, login, drive):
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert f"without iss, which {provider.url} always sends" in failed(drive, login, Browser())
    assert "without iss" in failed(drive, login, Browser(error="access_denied", code=None))
    assert provider.forms == []


def test_an_issuer_that_cannot_be_compared_is_refused(provider, drive):
    metadata = ProviderMetadata(f"{provider.url}/token", authorization_endpoint=f"{provider.url}/authorize")
    login = OAuth2(metadata, "app", within=30.0)
    assert "expected none: say which in ProviderMetadata(issuer=...)" in failed(drive, login, Browser(iss=provider.url))


@pytest.mark.parametrize(
    ("error", "kind"),
    [("access_denied", LoginDenied), ("server_error", LoginError), ("temporarily_unavailable", LoginError)],
)
def test_an_error_is_told_here_and_in_the_browser(provider, login, drive, error, kind):
    browser = Browser(code=None, error=error, error_description="You may <not>")
    assert failed(drive, login, browser, kind) == f"no login: {error}: You may <not>"
    assert f"{error}: You may &lt;not&gt;" in browser.page.text


@pytest.mark.parametrize("code", [None, ""])
def test_an_answer_without_a_code_is_refused(provider, login, drive, code):
    assert "without a code" in failed(drive, login, Browser(code=code))


def test_a_code_that_was_used_before_has_expired(provider, login, drive):
    answer = {"error": "invalid_grant", "error_description": "the-code was used"}
    provider.script("/token", Reply(400, json=answer))
    said = failed(drive, login, Browser(), LoginExpired)
    assert said.endswith("no token: invalid_grant: *** was used")


@pytest.mark.parametrize(
    ("answer", "said"),
    [(html(200), "no JSON object"), (html(500), "500"), (Reply(json={}), "missing_token")],
    ids=["html", "500", "empty"],
)
def test_a_token_endpoint_that_fails_fails_the_login(provider, login, drive, answer, said):
    provider.script("/token", answer)
    assert said in failed(drive, login, Browser())


def test_a_token_endpoint_that_is_blocked_ends_it_in_time(provider, drive):
    provider.script("/token", hang_before())
    login, browser = OAuth2(ProviderMetadata(**provider.metadata), "app", within=0.3), Browser()
    with pytest.raises(TransportError):
        drive(login, login.browser_login(open=browser, timeout=30.0))
    assert browser.told().status_code == 400


def test_a_person_who_does_nothing_has_no_more_than_the_time_given(login, drive):
    with pytest.raises(LoginExpired, match=r"the login in the browser was not completed within 0\.05 seconds"):
        drive(login, login.browser_login(open=lambda url: None, timeout=0.05))


def test_a_provider_without_browser_logins_is_named(provider, login, drive):
    del provider.metadata["authorization_endpoint"]
    with pytest.raises(LoginError, match="has no authorization_endpoint: it does not offer this"):
        drive(login, login.browser_login(open=lambda url: None))


def test_a_browser_that_cannot_be_opened_is_an_error(login, drive):
    def fail(url):
        raise OSError("no display")

    with pytest.raises(OSError, match="no display"):
        drive(login, login.browser_login(open=fail))


def test_a_login_that_is_cancelled_tells_the_browser(provider, login):
    asked = threading.Event()

    def hang(request):
        asked.set()
        return hang_before()

    provider.script("/token", hang)
    browser = Browser()

    async def main():
        task = asyncio.create_task(login.run_async(login.browser_login(open=browser)))
        assert await asyncio.to_thread(asked.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert "The program gave it up." in browser.told().text


def test_waiting_for_the_person_holds_no_thread_of_the_pool(provider, login):
    """One pool thread opens the browser and is free again."""

    async def main():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        opened = asyncio.Event()
        loop = asyncio.get_running_loop()
        browser = Browser()
        urls = []

        def open_later(url):
            urls.append(url)
            loop.call_soon_threadsafe(opened.set)

        task = asyncio.create_task(login.run_async(login.browser_login(open=open_later)))
        await opened.wait()
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 2) == "free"
        browser(urls[0])
        await task

    asyncio.run(main())


def test_the_plan_by_hand(provider, login):
    login.run(login._registration())
    plan = login.browser_login(open=print)
    listening = next(plan)
    assert isinstance(listening, Work)
    listening.call()
    opening = next(plan)
    assert isinstance(opening, Work)
    waiting = next(plan)
    assert isinstance(waiting, Join)
    assert waiting.seconds == 300.0
    plan.close()
