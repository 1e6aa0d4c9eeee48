"""Processes that share a saved login whose refresh token rotates, and are killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from restwright.errors import LoginExpired
from restwright.oauth2 import FileStore, OAuth2, TokenSet
from restwright.testing import Reply, serve

# Forks workers from a process without threads, which is quick, and reports their number.
WORKERS = """
import os, random, signal, sys, time
from restwright.oauth2 import FileStore, OAuth2
import oauthlib.oauth2, filelock, http.client

url, path, count, kills = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
over = path + ".over"

def issued():
    return int(FileStore(path).load().access_token.partition("-")[2] or 0)

def work():
    login = OAuth2(url, "app", store=FileStore(path), within=30.0, parameters={"worker": str(os.getpid())})
    try:
        while True:
            login.run(login.tokens())
            if not kills or os.path.exists(over):
                return 0
    except BaseException as error:
        print("worker:", repr(error), file=sys.stderr, flush=True)
        return 1

def start():
    pid = os.fork()
    if pid == 0:
        os._exit(work())
    return pid

chance = random.Random()
alive, killed = {start() for _ in range(count)}, 0
while killed < kills or (kills and issued() < 20):
    time.sleep(chance.uniform(0.0, 0.05))
    victim = chance.choice(sorted(alive))
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    alive.remove(victim)
    killed += 1
    alive.add(start())
open(over, "w").close()
failed = sum(os.waitpid(pid, 0)[1] != 0 for pid in alive)
print(killed, failed)
"""


class Rotating:
    """Refuses a refresh token that was used: at once if `strict`, else as soon as one of its successors was.

    The latter is what providers do that care for clients whose network fails (a "reuse leeway" or "grace period").
    """

    def __init__(self, *, strict, expires_in, delay=0.0):
        self.strict = strict
        self.expires_in = expires_in
        self.delay = delay
        self.issued = 0
        self.live = {"refresh-0": ""}  # each with the one that it follows
        self.used = set()
        self.refused = []
        self.active = set()
        self.overlaps = []
        self.lock = threading.Lock()

    def __call__(self, request):
        if request.path != "/token":
            url = f"http://{request.headers['Host']}"
            return Reply(json={"issuer": url, "token_endpoint": f"{url}/token"})
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        worker = form.get("worker", "0")
        with self.lock:
            others = [*self.active]
            self.active.add(worker)
        self.overlaps += [(other, worker) for other in others if not is_dead(other)]
        time.sleep(self.delay)
        reply = self.refresh(form["refresh_token"], worker)
        time.sleep(self.delay)
        with self.lock:
            self.active.discard(worker)
        return reply

    def refresh(self, token, worker):
        with self.lock:
            if token in self.live:
                before = self.live[token]
                self.used = set() if self.strict else {token}
                self.live = {other: follows for other, follows in self.live.items() if follows != before}
            elif token not in self.used:
                if not is_dead(worker):  # else nobody hears of it
                    self.refused.append(token)
                return Reply(400, json={"error": "invalid_grant", "error_description": "it was used"})
            self.issued += 1
            self.live[f"refresh-{self.issued}"] = token
            answer = {"access_token": f"access-{self.issued}", "token_type": "Bearer", "expires_in": self.expires_in}
            return Reply(json={**answer, "refresh_token": f"refresh-{self.issued}"})


def is_dead(pid, within=5):
    """A process that is killed may take its time to be gone."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.005)
    return False


@pytest.fixture
def store(tmp_path):
    store = FileStore(tmp_path / "tokens.json")
    store.save(TokenSet("expired", expires_at=0.0, refresh_token="refresh-0"))
    return store


def run_workers(url, store, count, kills):
    arguments = [sys.executable, "-W", "error", "-c", WORKERS, url, str(store.path), str(count), str(kills)]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    killed, failed = map(int, done.stdout.split())
    return killed, failed


def test_eight_processes_with_an_expired_token_cause_one_refresh(store):
    provider = Rotating(strict=True, expires_in=3600, delay=0.05)
    with serve(provider) as server:
        assert run_workers(server.url, store, 8, 0) == (0, 0)
    assert provider.issued == 1
    assert provider.refused == []
    assert store.load().refresh_token == "refresh-1"


def test_eight_processes_that_are_killed_at_random_never_lose_the_login(store):
    """At any point: while they wait for the lock, ask, are answered, write."""
    provider = Rotating(strict=False, expires_in=0.02, delay=0.004)
    with serve(provider) as server:
        killed, failed = run_workers(server.url, store, 8, 50)
        assert failed == 0
        assert killed >= 50
        assert provider.refused == []
        assert provider.overlaps == []
        assert provider.issued > 10
        login = OAuth2(server.url, "app", store=FileStore(store.path), within=30.0)
        assert login.run(login.refresh()).refresh_token in provider.live


KILLED = """
import os, signal, sys
from pathlib import Path
from restwright.oauth2 import FileStore, OAuth2

url, path, point = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

login = OAuth2(url, "app", store=FileStore(path), within=30.0)
match point:
    case "before it asks":
        login.keeper._send = die
    case "when it is answered":
        FileStore.save = die
    case "when it has written":
        Path.replace = die
    case "when it has saved":
        save = FileStore.save
        FileStore.save = lambda self, tokens: (save(self, tokens), die())
login.run(login.tokens())
"""


@pytest.mark.parametrize(
    ("point", "is_kept"),
    [
        ("before it asks", True),
        ("when it is answered", False),  # the gap that no client can close, see FileStore
        ("when it has written", True),
        ("when it has saved", True),
    ],
)
def test_where_a_process_may_be_killed_though_the_provider_is_strict(store, point, is_kept):
    provider = Rotating(strict=True, expires_in=3600)
    with serve(provider) as server:
        arguments = [sys.executable, "-c", KILLED, server.url, str(store.path), point]
        assert subprocess.run(arguments, check=False, timeout=200).returncode == -9
        login = OAuth2(server.url, "app", store=FileStore(store.path), within=30.0)
        if is_kept:
            assert login.run(login.tokens()).refresh_token == "refresh-1"
            assert provider.issued == 1
        else:
            with pytest.raises(LoginExpired, match="it was used"):
                login.run(login.tokens())
