"""A small provider whose answers are scripted, and logins at it that block or are awaited."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from urllib.parse import parse_qs

import pytest

from restwright.oauth2 import OAuth2
from restwright.testing import Reply, serve


class Provider:
    """Answers each path with what is scripted for it, one after the other, the last again and again.

    `/token` issues new tokens unless it is scripted, and rotates refresh tokens: a used one counts no more.
    """

    def __init__(self):
        self.scripts = {}
        self.forms = []  # of requests to any endpoint, in order
        self.headers = []
        self.granted = 0
        self.expires_in = 3600
        self.live = set()  # refresh tokens that count
        self.busy = 0
        self.busiest = 0  # most token requests at a time
        self.lock = threading.Lock()
        self.server = serve(self)
        self.url = self.server.url
        self.metadata = {
            "issuer": self.url,
            "token_endpoint": f"{self.url}/token",
            "authorization_endpoint": f"{self.url}/authorize",
            "device_authorization_endpoint": f"{self.url}/device",
            "revocation_endpoint": f"{self.url}/revoke",
        }

    def script(self, path, *answers):
        self.scripts[path] = deque(answers)

    def count(self, path):
        return sum(request.path == path for request in self.server.requests)

    def __call__(self, request):
        if request.method == "POST":
            self.forms.append({name: values[0] for name, values in parse_qs(request.body.decode()).items()})
            self.headers.append(request.headers)
        script = self.scripts.get(request.path)
        if script:
            answer = script.popleft() if len(script) > 1 else script[0]
            return answer(request) if callable(answer) else answer
        if request.path == "/.well-known/openid-configuration":
            return Reply(json=self.metadata)
        if request.path == "/token":
            with self.lock:
                self.busy += 1
                self.busiest = max(self.busiest, self.busy)
            try:
                return self.grant(self.forms[-1])
            finally:
                with self.lock:
                    self.busy -= 1
        return Reply(404)

    def grant(self, form):
        with self.lock:
            if form["grant_type"] == "refresh_token":
                if form["refresh_token"] not in self.live:
                    return Reply(400, json={"error": "invalid_grant", "error_description": "Token is not active"})
                self.live.discard(form["refresh_token"])
            self.granted += 1
            answer = {"access_token": f"access-{self.granted}", "expires_in": self.expires_in, "token_type": "Bearer"}
            if form["grant_type"] != "client_credentials":
                answer["refresh_token"] = f"refresh-{self.granted}"
                self.live.add(answer["refresh_token"])
            return Reply(json=answer)


@pytest.fixture
def provider():
    provider = Provider()
    with provider.server:
        yield provider


@pytest.fixture(params=["sync", "async"])
def drive(request):
    """Runs a plan of a login, the one way or the other."""
    if request.param == "sync":
        yield lambda login, plan: login.run(plan)
        return
    with asyncio.Runner() as runner:
        yield lambda login, plan: runner.run(login.run_async(plan))


@pytest.fixture
def login(provider):
    """A login of the client `app`, which has no secret."""
    return OAuth2(provider.url, "app", scopes=["openid", "offline_access"], within=30.0)


@pytest.fixture
def service(provider):
    """A login of the client `app` itself, by its secret."""
    return OAuth2(provider.url, "app", "s3cr3t", grant="client_credentials", within=30.0)


@pytest.fixture
def keyring(monkeypatch, tmp_path):
    """A keyring in memory in the place of the system's, which a test machine has not."""
    import keyring
    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringError

    class Keyring(KeyringBackend):
        priority = 1
        fails = False

        def __init__(self):
            super().__init__()
            self.passwords = {}

        def get_password(self, service, username):
            if self.fails:
                raise KeyringError("canary")
            return self.passwords.get((service, username))

        def set_password(self, service, username, password):
            if self.fails:
                raise KeyringError("canary")
            self.passwords[service, username] = password

        def delete_password(self, service, username):
            del self.passwords[service, username]

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    before, given = keyring.get_keyring(), Keyring()
    keyring.set_keyring(given)
    yield given
    keyring.set_keyring(before)
