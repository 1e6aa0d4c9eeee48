"""`python -m restwright.sandbox kinto`, as a process."""

from __future__ import annotations

import json
import signal
import socket
from functools import partial

import pytest
import requests
from tests.restwright.sandbox import commands

running = partial(commands.running, "kinto", "--port", "0")
refused = partial(commands.refused, "kinto")


def test_it_starts_with_its_accounts_and_settings_and_stops():
    with running("--json", "--paginate-by", "7", "--setting", "kinto.backoff=30") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["users"] == {"alice": "p4ssw0rd", "bob": "p4ssw0rd"}
        answer = requests.get(f"{told['url']}/", auth=("bob", "p4ssw0rd"), timeout=30)
        assert answer.json()["user"]["id"] == "account:bob"
        assert answer.headers["Backoff"] == "30"
        for name in "abcdefgh":
            url = f"{told['url']}/buckets/default/collections/c/records/{name}"
            assert requests.put(url, auth=("bob", "p4ssw0rd"), timeout=30).ok
        page = requests.get(url.rpartition("/")[0], auth=("bob", "p4ssw0rd"), timeout=30).json()["data"]
        assert len(page) == 7
        process.send_signal(signal.SIGINT)
        rest, talk = process.communicate(timeout=200)
    assert (process.returncode, rest) == (0, "")
    assert talk.startswith("This is for tests only.")
    assert "alice  password: p4ssw0rd" in talk


def test_a_port_in_use_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"kinto cannot listen on 127.0.0.1 port {port}: the port is in use" in refused("--port", str(port))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--setting", "kinto.backoff"], "a setting is written as NAME=VALUE, got 'kinto.backoff'"),
        (["--paginate-by", "0"], "--paginate-by must be 1 or more, got 0"),
        (["--port", "0", "--setting", "kinto.storage_backend=nosuch.backend"], "No module named 'nosuch'"),
        (["--openid-authority", "nowhere.pem"], "kinto: openid_authority: there is no file 'nowhere.pem'"),
        (["--control"], "unrecognized arguments: --control"),
    ],
)
def test_misuse_is_told(arguments, words):
    assert words in refused(*arguments)
