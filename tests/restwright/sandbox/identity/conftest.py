"""A client with plain `requests`, which follows nothing by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
import requests

from rest_tools.utils.pkce import challenge_of, new_verifier
from restwright.sandbox import IdentityProvider

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CALLBACK = "http://127.0.0.1:49152/callback"
WEB, SERVICE = ("web", "web-secret"), ("service", "service-secret")

Form: TypeAlias = dict[str, str]


class Wire:
    """Asks the provider; `auth` is HTTP Basic."""

    def __init__(self, identity: IdentityProvider) -> None:
        self.identity = identity
        self.url = identity.url
        self.verifier = new_verifier()

    def post(self, path: str, form: Form, auth: tuple[str, str] | None = None, **how) -> requests.Response:
        return requests.post(self.url + path, form, auth=auth, timeout=30, allow_redirects=False, **how)

    def token(self, auth: tuple[str, str] | None = None, **form: str) -> requests.Response:
        return self.post("/token", form, auth)

    def authorize_url(self, client_id: str = "app", **parameters: str | None) -> str:
        query = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid profile read",
            "state": "a state",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        given = {name: value for name, value in {**query, **parameters}.items() if value is not None}
        return f"{self.url}/authorize?{urlencode(given)}"

    def login_page(self) -> requests.Response:
        return requests.get(self.authorize_url(), timeout=30)

    def code(self, client_id: str = "app", **parameters: str | None) -> str:
        back = self.identity.authorize(self.authorize_url(client_id, **parameters))
        return dict(parse_qsl(urlsplit(back).query))["code"]

    def exchange(self, code: str, auth: tuple[str, str] | None = None, **form: str | None) -> requests.Response:
        own = {"client_id": "app"} if auth is None else {}
        whole = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
            **own,
            **form,
        }
        return self.post("/token", {name: value for name, value in whole.items() if value is not None}, auth)

    def login(self, **parameters: str) -> dict[str, object]:
        """The tokens of alice."""
        return self.exchange(self.code(**parameters)).json()

    def refresh(self, token: object, **form: str) -> requests.Response:
        return self.token(**{"grant_type": "refresh_token", "client_id": "app", "refresh_token": str(token), **form})

    def userinfo(self, token: object) -> requests.Response:
        return requests.get(self.url + "/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def device(self, **form: str) -> dict[str, str]:
        return self.post("/device_authorization", {"client_id": "app", **form}).json()

    def poll(self, device_code: str, **form: str) -> requests.Response:
        return self.token(**{"grant_type": DEVICE_CODE, "client_id": "app", "device_code": device_code, **form})


class Browser:
    """A person at a browser without scripts, who fills in the form of the page that is shown."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.page = requests.Response()

    def open(self, url: str) -> requests.Response:
        self.page = self.session.get(url, timeout=30, allow_redirects=False)
        return self.page

    def press(self, action: str, **fields: str) -> requests.Response:
        found = re.search(r'name="_xsrf" value="([^"]+)"', self.page.text)
        assert found, self.page.text
        target = re.search(r'<form method="post" action="([^"]+)"', self.page.text)
        url = urljoin(self.page.url, target[1]) if target else self.page.url
        form = {"_xsrf": found[1], "action": action, **fields}
        self.page = self.session.post(url, form, timeout=30, allow_redirects=False)
        return self.page

    def log_in(self, username: str = "alice", password: str = "wonderland") -> requests.Response:
        return self.press("login", username=username, password=password)

    def back(self) -> dict[str, str]:
        """What the redirect that was answered carries back to the client."""
        assert self.page.status_code == 303, self.page.text
        where, _, query = self.page.headers["Location"].partition("?")
        assert where == CALLBACK
        return dict(parse_qsl(query))


@pytest.fixture
def browser() -> Iterator[Browser]:
    browser = Browser()
    with browser.session:
        yield browser


Refused: TypeAlias = Callable[..., None]


@pytest.fixture
def wire(identity: IdentityProvider) -> Wire:
    return Wire(identity)


def is_refused(answer: requests.Response, error: str, words: str, status: int = 400) -> None:
    """The answer is this refusal, in the shape of RFC 6749, 5.2, and says why in these words."""
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert words in answer.json()["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.fixture
def refused() -> Refused:
    return is_refused
