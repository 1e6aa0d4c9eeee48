"""A login in a real browser: Chromium goes to the provider, comes back, and shows how it ended."""

from __future__ import annotations

import subprocess
from urllib.parse import parse_qs, urlencode

import pytest

from restwright.errors import LoginDenied
from restwright.oauth2 import OAuth2
from restwright.testing import Reply, serve

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]


class Browser:
    """Opens a page in the background, as a desktop does."""

    def __init__(self, profile):
        self.arguments = [*CHROMIUM, "--disable-background-networking", f"--user-data-dir={profile}"]
        self.process = None

    def __call__(self, url):
        self.process = subprocess.Popen([*self.arguments, url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def page(self):
        return self.process.communicate(timeout=30)[0].decode()


class Provider:
    """Sends the browser back with `answer` at once; its code counts once."""

    def __init__(self, **answer):
        self.answer = answer
        self.server = serve(self)
        self.url = self.server.url

    def __call__(self, request):
        if request.path == "/authorize":
            answer = {**self.answer, "state": request.query["state"][0], "iss": self.url}
            return Reply(302, headers={"Location": f"{request.query['redirect_uri'][0]}?{urlencode(answer)}"})
        if request.path == "/token":
            code = parse_qs(request.body.decode())["code"][0]
            if code == self.answer.pop("code", None):
                return Reply(json={"access_token": "abc", "token_type": "Bearer"})
            return Reply(400, json={"error": "invalid_grant"})
        endpoints = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in ENDPOINTS.items()}
        return Reply(json={"issuer": self.url, **endpoints})


ENDPOINTS = {"authorization": "authorize", "token": "token"}


@pytest.fixture
def browser(tmp_path):
    return Browser(tmp_path)


def test_a_person_logs_in_and_is_told_so(browser):
    provider = Provider(code="the-code")
    with provider.server:
        login = OAuth2(provider.url, "app")
        assert login.run(login.browser_login(open=browser, timeout=30.0)).access_token == "abc"
        page = browser.page()
    assert "<h1>Login successful</h1><p>You may close this page.</p>" in page
    assert "the-code" not in page


def test_a_person_who_says_no_is_told_so_too(browser):
    provider = Provider(error="access_denied", error_description="You said <no>")
    with provider.server:
        login = OAuth2(provider.url, "app")
        with pytest.raises(LoginDenied, match="You said <no>"):
            login.run(login.browser_login(open=browser, timeout=30.0))
        assert "<h1>Login failed</h1><p>no login: access_denied: You said &lt;no&gt;</p>" in browser.page()
