"""`python -m restwright.sandbox identity`, as a process."""

from __future__ import annotations

import json
import signal
import time
from functools import partial

import pytest
import requests
from tests.restwright.sandbox import commands

from restwright.sandbox import identity_provider

running = partial(commands.running, "identity", "--port", "0")
refused = partial(commands.refused, "identity")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_tells_where_it_is_and_stops(number):
    begin = time.monotonic()
    with running("--json", "--control", "--lifetime-access", "7", "--redirect-uri", "https://a.example/cb") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert time.monotonic() - begin < 30  # half a second where nothing else runs
        assert told["users"] == {"alice": "wonderland", "bob": "builder"}
        assert told["clients"] == {
            "web": "web-secret",
            "app": None,
            "service": "service-secret",
            "restwright": "not a secret",
        }
        assert requests.get(f"{told['control']}/requests", timeout=30).json() == {"requests": []}
        auth = "service", told["clients"]["service"]
        answer = requests.post(f"{told['url']}/token", {"grant_type": "client_credentials"}, auth=auth, timeout=30)
        assert answer.json()["expires_in"] == 7
        query = "client_id=web&response_type=code&redirect_uri=https://a.example/cb"
        assert requests.get(f"{told['issuer']}/authorize?{query}", timeout=30).status_code == 200
        process.send_signal(number)
        rest, talk = process.communicate(timeout=200)
        assert (process.returncode, rest) == (0, "")
        assert talk.startswith("This is for tests only.")
        assert "alice" in talk
        assert "Traceback" not in talk


def test_users_and_clients_may_come_from_a_file(tmp_path):
    file = tmp_path / "identity.json"
    file.write_text('{"users": [{"name": "eve", "password": "pw"}]}')
    with running("--json", "--config", str(file)) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
    assert told["users"] == {"eve": "pw"}
    assert "web" in told["clients"]


def test_it_is_honest_about_being_for_tests_and_prints_the_logins():
    with running() as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(12)]
        assert lines[0].startswith("This is for tests only.")
        table = dict(line.split(None, 1) for line in lines[3:] if line.strip())
        assert table["provider"].startswith("http://127.0.0.1:")
        assert ["user", "alice", "password:", "wonderland"] in [line.split() for line in lines]


def test_requests_are_logged_on_demand_without_secrets():
    with running("--json", "--verbose") as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        requests.get(f"{url}/authorize?client_id=x&state=s3cr3t", timeout=30)
        process.terminate()
        talk = process.communicate(timeout=200)[1]
        assert "400 GET /authorize?client_id=x&state=***" in talk


def test_a_port_in_use_is_a_clear_error():
    with identity_provider() as idp:
        port = idp.url.rpartition(":")[2]
        talk = refused("--port", port)
    assert f"cannot listen on 127.0.0.1 port {port}: the port is in use" in talk
    assert "Traceback" not in talk


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "65536"], "--port must be 0 to 65535, got 65536"),
        (["--address", "192.0.2.1"], "can be reached from other machines, which needs --expose"),
        (["--address", "192.0.2.1", "--expose"], "cannot listen on 192.0.2.1 port 8780"),
        (["--address", "0.0.0.0", "--expose"], "needs --issuer"),
        (["--issuer", "login.example"], "issuer must be a URL"),
        (["--lifetime-access", "0"], "lifetime_access must be a number of seconds, more than 0"),
        (["--algorithm", "HS256"], "invalid choice"),
        (["--redirect-uri", "/callback"], "redirect URIs must be absolute"),
        (["--config", "/nowhere.json"], "--config /nowhere.json: there is no such file"),
        (["--config", __file__], "is not JSON"),
    ],
)
def test_misuse_is_told(arguments, words):
    assert words in refused(*arguments)
