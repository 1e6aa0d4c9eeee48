"""Real daemons, started by a script as users have one."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.timing import until

from rest_tools.utils import Daemon

SCRIPT = """
import os, signal, sys, time
from rest_tools.utils import Daemon

def work():
    print("works in", os.getcwd(), "of session", os.getsid(0), flush=True)
    {work}

daemon = Daemon("daemon.pid", work, stdout={out!r}, stderr={out!r}, chdir={directory!r})
getattr(daemon, sys.argv[1])()
"""
SLEEP = "time.sleep(300)"
STUBBORN = "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGQUIT, signal.SIG_IGN); " + SLEEP


class Script:
    def __init__(self, directory):
        self.directory = directory
        self.pidfile = directory / "daemon.pid"
        self.out = directory / "out.txt"
        self.work = SLEEP

    def __call__(self, command):
        elsewhere = self.directory / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        text = SCRIPT.format(work=self.work, out=str(self.out), directory=str(elsewhere))
        return subprocess.run(
            [sys.executable, "-c", text, command],
            check=False,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=200,
        )

    def start(self):
        assert self("start").returncode == 0
        assert until(lambda: self.out.exists() and "works" in self.out.read_text())
        return self.pid()

    def pid(self):
        return Daemon(str(self.pidfile), print).getpid()[0]


def is_alive(pid):
    with contextlib.suppress(OSError, IndexError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


@pytest.fixture
def script(tmp_path):
    script = Script(tmp_path)
    yield script
    pid = script.pid()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


LISTENER = """try:
        time.sleep(300)
    except KeyboardInterrupt:
        os.write(1, b"asked to end")
        raise"""


def test_a_daemon_runs_on_its_own_until_it_is_stopped(script):
    script.work = LISTENER
    pid = script.start()
    assert is_alive(pid)
    assert os.getsid(pid) != os.getsid(0)
    assert os.getsid(pid) != pid  # no leader: it never gets a terminal
    assert script.pidfile.read_text() == f"{pid} {os.getpgid(pid)}\n"
    assert stat.S_IMODE(script.pidfile.stat().st_mode) == 0o644
    assert f"works in {script.directory / 'elsewhere'}" in script.out.read_text()
    began = time.monotonic()
    assert script("stop").returncode == 0
    assert time.monotonic() - began < 60
    assert not is_alive(pid)
    assert not script.pidfile.exists()
    assert "asked to end" in script.out.read_text()


def test_a_daemon_that_is_done_removes_its_pid_file(script):
    script.work = "time.sleep(0.1)"
    script.start()
    assert until(lambda: not script.pidfile.exists())


def test_a_child_of_the_daemon_leaves_the_pid_file(script):
    script.work = "os.fork() or sys.exit(0); os.wait(); time.sleep(0.2); print('went on', flush=True); " + SLEEP
    script.start()
    assert until(lambda: "went on" in script.out.read_text())
    assert script.pidfile.exists()


def test_there_is_one_daemon_at_a_time(script):
    pid = script.start()
    second = script("start")
    assert second.returncode == 1
    assert f"process {pid} runs already" in second.stderr
    assert is_alive(pid)


@pytest.mark.parametrize("content", ["", "\n", "text", "7", "0 0\n", "-1 -1\n"])
def test_a_pid_file_without_a_process_is_none(script, content):
    script.pidfile.write_text(content)
    assert Daemon(str(script.pidfile), print).getpid() == (None, None)
    script.start()


@pytest.mark.parametrize("command", ["stop", "kill", "hardkill"])
def test_nothing_to_end(script, command):
    done = script(command)
    assert done.returncode == 0
    assert "does not exist" in done.stderr


@pytest.mark.parametrize("command", ["kill", "hardkill"])
def test_an_end_without_asking(script, command):
    pid = script.start()
    assert script(command).returncode == 0
    assert until(lambda: not is_alive(pid))
    assert not script.pidfile.exists()


def test_a_daemon_that_does_not_listen_is_killed(script):
    script.work = STUBBORN
    pid = script.start()
    assert script("hardkill").returncode == 0
    assert until(lambda: not is_alive(pid))


def test_one_that_does_not_listen_is_asked_and_then_killed(script, monkeypatch):
    script.work = STUBBORN
    pid = script.start()
    monkeypatch.setattr("rest_tools.utils.daemon._ASKED", 2)
    Daemon(str(script.pidfile), print).stop()
    assert until(lambda: not is_alive(pid))
    assert not script.pidfile.exists()


def test_restart(script):
    first = script.start()
    assert script("restart").returncode == 0
    assert until(lambda: script.pid() not in (None, first))
    assert not is_alive(first)


def test_misuse():
    with pytest.raises(TypeError, match="pidfile"):
        Daemon(7, print)
    with pytest.raises(TypeError, match="runner"):
        Daemon("x.pid", "print")
