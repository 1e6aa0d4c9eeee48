"""The real Kinto logs people in at the provider."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pytest
import requests

from kinto_http import BrowserOAuth, Client
from restwright.sandbox import identity_provider
from restwright.testing.kinto import kinto_server


@pytest.fixture(scope="module")
def places():
    with identity_provider() as idp, kinto_server(openid_issuer=idp.issuer) as kinto:
        yield idp, kinto


def test_our_kinto_client_logs_in_with_a_browser(places, monkeypatch):
    idp, kinto = places

    def browser(url: str) -> bool:
        to_provider = requests.get(url, timeout=30, allow_redirects=False).headers["Location"]
        back = idp.authorize(to_provider, user="bob")
        threading.Thread(target=requests.get, args=(back,), kwargs={"timeout": 5}).start()
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    with Client(server_url=kinto.url, auth=BrowserOAuth(timeout=20)) as client:
        assert client.server_info()["user"]["id"] == "openid:bob@example.com"
    assert idp.count("token", grant_type="authorization_code", status=200) == 1


def test_kinto_takes_a_token_and_refuses_a_wrong_one(places):
    idp, kinto = places
    token = idp.issue("alice", client="restwright", scope="openid email")["access_token"]
    root = requests.get(f"{kinto.url}/", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert root.json()["user"]["id"] == "openid:alice@example.com"
    wrong = requests.get(f"{kinto.url}/buckets", headers={"Authorization": "Bearer x"}, timeout=30)
    assert wrong.status_code == 401
    assert urlsplit(kinto.url).port != urlsplit(idp.url).port
