"""The real server, seen with plain `requests`: what we promise of it, and that it never outlives us."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from tests.timing import until

from restwright.testing.kinto import kinto_server


def is_listening(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0


def test_it_has_the_plugins_we_promise(kinto):
    capabilities = requests.get(f"{kinto.url}/", timeout=10).json()["capabilities"]
    assert capabilities.keys() >= {
        "accounts",
        "attachments",
        "default_bucket",
        "flush_endpoint",
        "history",
        "permissions_endpoint",
    }


def test_an_account_can_log_in_and_a_wrong_password_cannot(kinto, account):
    user, password = account
    assert requests.get(f"{kinto.url}/", auth=account, timeout=10).json()["user"]["id"] == f"account:{user}"
    url = f"{kinto.url}/buckets/default"
    assert requests.get(url, auth=(user, password + "x"), timeout=10).status_code == 401


def test_a_page_holds_five_objects_when_asked_so(paginated_kinto, paginated_account):
    collection = f"{paginated_kinto.url}/buckets/default/collections/numbers/records"
    with requests.Session() as session:
        session.auth = paginated_account
        for _ in range(6):
            session.post(collection, json={"data": {}}).raise_for_status()
        first = session.get(collection)
        assert len(first.json()["data"]) == 5
        assert len(session.get(first.headers["Next-Page"]).json()["data"]) == 1


def test_an_attached_file_is_served_from_an_origin_of_its_own(kinto, account, bucket):
    with requests.Session() as session:
        session.auth = account
        collection = f"{kinto.url}/buckets/{bucket}/collections/papers"
        session.put(collection).raise_for_status()
        files = {"attachment": ("a.txt", b"content")}
        answer = session.post(f"{collection}/records/one/attachment", files=files)
    location = answer.json()["location"]
    assert location.startswith(kinto.attachments_url)
    assert urlsplit(location).netloc != urlsplit(kinto.url).netloc
    assert requests.get(location, timeout=10).content == b"content"


def test_settings_reach_kinto_and_flush_forgets_everything():
    with kinto_server(settings={"kinto.backoff": 30, "kinto.eos": "2999-01-01"}) as server:
        server.create_account("alice", "secret")
        url = f"{server.url}/buckets/default"
        answer = requests.get(url, auth=("alice", "secret"), timeout=10)
        assert answer.headers["Backoff"] == "30"
        assert json.loads(answer.headers["Alert"])["code"] == "soft-eol"
    with kinto_server() as server:
        server.create_account("alice", "secret")
        assert requests.get(f"{server.url}/buckets", auth=("alice", "secret"), timeout=10).status_code == 200
        server.flush()
        assert requests.get(f"{server.url}/buckets", auth=("alice", "secret"), timeout=10).status_code == 401


class Provider(BaseHTTPRequestHandler):
    """The three pages of an OpenID provider that Kinto reads."""

    def do_GET(self):
        issuer = f"http://{self.headers['Host']}"
        names = ("authorization", "token", "userinfo")
        pages = {
            "/.well-known/openid-configuration": {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/jwks",
                **{f"{name}_endpoint": f"{issuer}/{name}" for name in names},
            },
            "/userinfo": {"sub": "1", "email": "ann@example.org"},
        }
        known = self.path != "/userinfo" or self.headers["Authorization"] == "Bearer good"
        body = json.dumps(pages[self.path]).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay silent."""


def test_bearer_tokens_of_an_openid_provider_are_accepted():
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as provider:
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        try:
            with kinto_server(openid_issuer=f"http://127.0.0.1:{provider.server_port}") as server:
                root = requests.get(f"{server.url}/", headers={"Authorization": "Bearer good"}, timeout=10).json()
                bad = {"Authorization": "Bearer bad"}
                refused = requests.get(f"{server.url}/buckets", headers=bad, timeout=10)
        finally:
            provider.shutdown()
    assert root["capabilities"]["openid"]["providers"][0]["name"] == "openid"
    assert root["user"]["id"] == "openid:ann@example.org"
    assert refused.status_code == 401


def test_nothing_is_left_of_it_after_the_block():
    with kinto_server() as server:
        assert is_listening(server.url)
    assert not is_listening(server.url)
    assert not server.directory.exists()


def test_it_ends_when_its_parent_is_killed():
    script = (
        "from restwright.testing.kinto import kinto_server\n"
        "with kinto_server() as server:\n"
        "    print(server.url, server.directory, flush=True)\n"
        "    input()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        url, directory = parent.stdout.readline().split()
        assert is_listening(url)
        parent.kill()
    until(lambda: not Path(directory).exists() and not is_listening(url))


def test_a_server_that_cannot_start_shows_its_log():
    bad = {"kinto.storage_backend": "nosuch.backend"}
    with (
        pytest.raises(RuntimeError, match=r"did not start(?s:.)*No module named 'nosuch'"),
        kinto_server(settings=bad),
    ):
        pass


def test_a_server_that_takes_too_long_is_given_up(monkeypatch, tmp_path):
    """This one would never begin."""
    asleep = tmp_path / "asleep.py"
    asleep.write_text("import time; time.sleep(200)")
    monkeypatch.setattr("restwright.testing.kinto.PROCESS", asleep)
    with pytest.raises(RuntimeError, match=r"within 0\.01 s"), kinto_server(start_timeout=0.01):
        pass


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "kinto_attachment", None)
    with pytest.raises(ImportError, match=r"kinto_attachment not found.*restwright\[kinto\]"), kinto_server():
        pass


def test_it_listens_where_it_is_told_with_accounts_from_the_start():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with kinto_server(port=port, accounts={"alice": "pw", "bob": "pw2"}) as server:
        assert server.url == f"http://127.0.0.1:{port}/v1"
        for account in (("alice", "pw"), ("bob", "pw2")):
            user = requests.get(f"{server.url}/", auth=account, timeout=10).json()["user"]
            assert user["id"] == f"account:{account[0]}"


def test_a_port_in_use_is_told_at_once(monkeypatch):
    """No Kinto is started for it."""
    monkeypatch.setattr(subprocess, "Popen", None)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="Address already in use"),
        kinto_server(port=taken.getsockname()[1]),
    ):
        pass


def test_it_listens_with_ipv6():
    with kinto_server(address="::1", accounts={"alice": "pw"}) as server:
        assert server.url.startswith("http://[::1]:")
        assert server.attachments_url.startswith("http://[::1]:")
