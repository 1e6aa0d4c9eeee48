"""The fixtures as users have them: in a run of their own."""

from __future__ import annotations

import os
import subprocess
import sys

CONFTEST = 'pytest_plugins = ["restwright.sandbox.pytest_plugin"]\n'
TESTS = """
import requests

def test_one(identity):
    identity.behave(status=500)
    assert requests.get(f"{identity.url}/jwks", timeout=30).status_code == 500

def test_other(identity, identity_server):
    assert identity is identity_server
    assert identity.count() == 0
    assert requests.get(f"{identity.url}/jwks", timeout=30).status_code == 200
"""


def test_a_test_gets_a_provider_that_remembers_nothing_of_others(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    quick = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=quick, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout
