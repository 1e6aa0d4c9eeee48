"""The fixtures as users have them: in a run of their own."""

from __future__ import annotations

import os
import subprocess
import sys

CONFTEST = """
import pytest

pytest_plugins = ["restwright.sandbox.pytest_plugin"]

@pytest.fixture(scope="session")
def sequoia_options():
    return {"needs_token": False, "sample": False}
"""
TESTS = """
import requests

def test_one(sequoia):
    sequoia.load("metadata", "contents", [{"name": "a"}])
    sequoia.behave(status=500)
    assert requests.get(f"{sequoia.locations['metadata']}/data/contents?owner=testmock", timeout=30).status_code == 500

def test_other(sequoia, sequoia_server):
    assert sequoia is sequoia_server
    assert (sequoia.count(), sequoia.control_url is None) == (0, False)
    answer = requests.get(f"{sequoia.locations['metadata']}/data/contents?owner=testmock", timeout=30)
    assert answer.json()["contents"] == []
"""


def test_a_test_gets_services_that_remember_nothing_of_others(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    quick = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=quick, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout
