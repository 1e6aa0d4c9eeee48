"""`python -m restwright.sandbox keystone`, as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from typing import Any

import pytest
import requests
from tests.restwright.sandbox import commands

running = partial(commands.running, "keystone", "--port", "0")


def test_it_starts_tells_where_it_is_and_stops(tmp_path):
    database = f"sqlite:///{tmp_path / 'k.db'}"
    options = ["--json", "--control", "--database", database, "--staff", "boss:s3cr3t", "--user-rate", "2/hour"]
    with running(*options, "--seed", "5", "--session-age", "60", "--version", "0.9.9") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["users"] == {"boss": "s3cr3t", "user": "user-secret"}
        assert (told["era"], told["version"], told["database"]) == ("session", "0.9.9", database)
        body = {"username": "boss", "password": "s3cr3t"}
        with requests.Session() as session:
            answer = session.post(f"{told['url']}/authentication/login/", json=body, timeout=30)
            assert "Max-Age=60;" in answer.headers["Set-Cookie"]
            codes = [session.get(f"{told['url']}/allocations/allocations/", timeout=30).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert len(requests.get(f"{told['control']}/requests", timeout=30).json()["requests"]) == 4
        process.terminate()
        rest, talk = process.communicate(timeout=200)
        assert (process.returncode, rest) == (0, "")
        assert talk.startswith("This is for tests only.")
        assert "What is in the database stays there." in talk
        assert "boss  password: s3cr3t" in talk
        assert "Traceback" not in talk


def test_the_jwt_era_without_a_sample_as_the_real_service_throttles_it():
    with running("--era", "jwt", "--no-sample", "--throttle", "--access-lifetime", "7") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(8)]
        assert "All that it knows is gone when it stops." in lines[1]
        url = next(line.split()[1] for line in lines if line.split()[:1] == ["keystone"])
        body = {"username": "admin", "password": "admin-secret"}
        tokens = requests.post(f"{url}/authentication/new/", json=body, timeout=30).json()
        headers = {"Authorization": f"Bearer {tokens['access']}"}
        assert requests.get(f"{url}/allocations/requests/", headers=headers, timeout=30).json() == []


MISUSE = {
    "keystone --era golden": "invalid choice: 'golden'",
    "keystone --database mysql://localhost/x": "a database is SQLite or PostgreSQL, got mysql",
    "keystone --database nonsense": "a database is named by a URL",
    "keystone --database postgresql://nobody:s3cr3t@127.0.0.1:1/x": "cannot be used",
    "keystone --database sqlite:////nowhere/k.db": "sqlite:////nowhere/k.db cannot be used: unable to open",
    "keystone --staff boss": "an account is written as NAME:PASSWORD, got 'boss'",
    "keystone --user-rate many": "a rate is written as 120/min",
    "keystone --access-lifetime 0": "access_lifetime has to be more than 0 seconds",
    "keystone --address 192.0.2.1": "needs --expose",
    "nonsense": "there is no service 'nonsense'",
}
MISUSED = """
import contextlib, io, json, sys
from restwright.sandbox.__main__ import main
told = {}
for line in json.load(sys.stdin):
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        try:
            code = main(line.split())
        except SystemExit as exit:
            code = exit.code
    told[line] = [code, stderr.getvalue()]
json.dump(told, sys.stdout)
"""


@pytest.fixture(scope="module")
def misused() -> dict[str, list[Any]]:
    """Exit status and words by command line; all in one process, which is quicker."""
    command = [sys.executable, "-W", "error", "-c", MISUSED]
    run = subprocess.run(
        command, input=json.dumps(list(MISUSE)), capture_output=True, text=True, timeout=200, check=True
    )
    return json.loads(run.stdout)


@pytest.mark.parametrize("line", MISUSE)
def test_misuse_is_told(misused, line):
    code, words = misused[line]
    assert code == 2
    assert MISUSE[line] in words
    assert "Traceback" not in words
    assert "s3cr3t" not in words


def test_without_the_extra_it_says_what_to_install():
    """And the other services run."""
    script = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'sqlalchemy' else find(name, *more)\n"
        "from restwright.sandbox.__main__ import main\n"
        "main(sys.argv[1:])\n"
    )
    for service, words in (
        ("keystone", "to run a Keystone: pip install 'restwright[sandbox]'"),
        ("identity", "usage:"),
    ):
        command = [sys.executable, "-c", script, service, *([] if service == "keystone" else ["--help"])]
        run = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert words in run.stderr + run.stdout
        assert "Traceback" not in run.stderr


def test_a_test_gets_a_service_that_remembers_nothing_of_others(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        'pytest_plugins = ["restwright.sandbox.pytest_plugin"]\n'
        '@pytest.fixture(scope="session")\n'
        'def keystone_options(): return {"sample": False, "version": "1.2.3"}\n'
    )
    (tmp_path / "test_it.py").write_text(
        "import pytest, requests\n"
        '@pytest.mark.parametrize("time", [1, 2])\n'
        "def test_it(keystone, time):\n"
        "    assert keystone.requests == []\n"
        '    assert requests.get(f"{keystone.url}/version/", timeout=30).text == "1.2.3"\n'
        '    token = {"Authorization": f"Token {keystone.token(keystone.settings.staff)}"}\n'
        '    url = f"{keystone.url}/allocations/clusters/"\n'
        '    assert requests.post(url, json={"name": "c"}, headers=token, timeout=30).json()["id"] == 1\n'
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    quick = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=quick, capture_output=True, text=True, timeout=200, check=False)
    assert "2 passed" in run.stdout, run.stdout + run.stderr
