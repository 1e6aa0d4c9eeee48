"""`python -m restwright.sandbox sequoia`, as a process."""

from __future__ import annotations

import json
from functools import partial

import pytest
import requests
from tests.restwright.sandbox import commands

from restwright.sandbox.sequoia import sequoia_service

running = partial(commands.running, "sequoia", "--port", "0")
refused = partial(commands.refused, "sequoia")


def test_it_starts_tells_where_all_is_and_stops(tmp_path):
    database = f"sqlite:///{tmp_path / 's.db'}"
    options = ["--json", "--control", "--verbose", "--database", database, "--client", "a:b", "--client", "c:d:e"]
    with running(*options, "--tenant", "me", "--token-lifetime", "60") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["clients"] == {"a": "b", "c": "d:e"}
        assert (told["registry"], told["database"]) == (f"{told['url']}/services/me", database)
        services = requests.get(told["registry"], timeout=30).json()["services"]
        assert {one["name"]: one["location"] for one in services} == told["locations"]
        form = {"grant_type": "client_credentials"}
        url = f"{told['locations']['identity']}/oauth/token?x=s3cr3t"
        assert requests.post(url, form, auth=("c", "d:e"), timeout=30).status_code == 400
        answer = requests.post(url.partition("?")[0], form, auth=("c", "d:e"), timeout=30)
        assert answer.json()["expires_in"] == 60
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        url = f"{told['locations']['metadata']}/data/contents?owner=me&withTitle=Metropolis"
        assert [one["year"] for one in requests.get(url, headers=token, timeout=30).json()["contents"]] == [1927]
        assert len(requests.get(f"{told['control']}/requests", timeout=30).json()["requests"]) == 4
        process.terminate()
        rest, talk = process.communicate(timeout=200)
        assert (process.returncode, rest) == (0, "")
        assert talk.startswith("This is for tests only.")
        assert "What is in the database stays there." in talk
        assert "a  secret: b" in talk
        assert "200 GET /services/me" in talk
        assert not any(secret in talk for secret in ("Traceback", answer.json()["access_token"]))


def test_it_prints_a_table_for_people():
    with running("--no-sample", "--no-needs-token", "--linked-per-page", "2", "--linked-pages", "3") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(10)]
        assert "All that it knows is gone when it stops." in lines[1]
        table = dict(line.split(None, 1) for line in lines[3:])
        assert table.keys() == {"registry", "identity", "metadata", "workflow", "validation", "database", "client"}
        assert table["client"].split() == ["clientId", "secret:", "clientSecret"]
        answer = requests.get(f"{table['metadata'].strip()}/data/contents?owner=testmock", timeout=30)
        assert answer.json()["contents"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--client", "a"], "a client is written as ID:SECRET, got 'a'"),
        (["--port", "65535"], "port must be 0 to 65531, for the next ones are needed too, got 65535"),
        (["--token-lifetime", "0"], "token_lifetime has to be more than 0"),
    ],
)
def test_misuse_is_told(arguments, words):
    assert words in refused(*arguments)


def test_a_port_in_use_is_told_also_if_it_is_one_of_the_next():
    with sequoia_service(sample=False) as sequoia:
        port = int(sequoia.locations["metadata"].rpartition(":")[2])
        told = f"cannot listen on 127.0.0.1 ports {port - 2} to {port + 2}: one of them is in use"
        assert told in refused("--port", str(port - 2))
