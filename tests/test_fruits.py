"""The fruit shop of examples/fruits: its server and its client, each as a program of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

FRUITS = Path(__file__).parents[1] / "examples" / "fruits"
PYTHON = [sys.executable, "-W", "error"]


def token(role: str) -> str:
    command = [*PYTHON, FRUITS / "server.py", "token", "alice", role]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=200).stdout.strip()


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    command = [*PYTHON, FRUITS / "server.py"]
    environment = os.environ | {"FRUITS_PORT": "0"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr is not None
        found = re.fullmatch(r"listening on localhost port (\d+)\n", server.stderr.readline())
        assert found
        yield f"http://localhost:{found[1]}"
        server.send_signal(signal.SIGTERM)
        assert server.wait(200) == 0
        assert "Traceback" not in server.stderr.read()


def test_the_client_plants_looks_and_picks(shop):
    command = [*PYTHON, FRUITS / "client.py", shop, token("gardener")]
    first = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    *fruits, colour = first.stdout.splitlines()
    assert sorted(fruits) == ["apple     2.50 EUR", "banana    1.80 EUR", "lemon     3.20 EUR", "pear      2.90 EUR"]
    assert colour == "red"
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    assert "fig: there is such a fruit already" in again.stdout
    assert "lemon:" not in again.stdout  # it was picked


def test_who_is_no_gardener_may_only_look(shop):
    guest = {"Authorization": f"Bearer {token('guest')}"}
    offer = {"name": "kiwi", "price": 1.5}
    assert requests.post(f"{shop}/fruits", json=offer, headers=guest, timeout=30).status_code == 403
    assert requests.get(f"{shop}/fruits/apple", timeout=30).json()["colour"] == "red"
    assert requests.get(f"{shop}/fruits/kiwi", timeout=30).json() == {"code": 404, "error": "there is no such fruit"}


def test_what_does_not_fit_is_told_field_by_field(shop):
    gardener = {"Authorization": f"Bearer {token('gardener')}"}
    answer = requests.post(f"{shop}/fruits", json={"price": "much", "colour": "blue"}, headers=gardener, timeout=30)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["price", "colour", "name"]


def test_it_documents_itself(shop):
    document = requests.get(f"{shop}/openapi.json", timeout=30).json()
    assert list(document["paths"]) == ["/fruits", "/fruits/{name}"]
    assert document["paths"]["/fruits"]["post"]["summary"] == "Offer a fruit; for gardeners"
    assert requests.get(f"{shop}/docs/", timeout=30).status_code == 200
