"""A UNIX daemon: a process of its own session that survives its terminal, known by a pid file."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

_ASKED: Final = 10
"""How often a daemon is asked to end, once a second, before it is made to."""
_LOOK_EVERY: Final = 0.05  # seconds


class Daemon:
    """Runs a function in the background.

    Args:
        pidfile: Where the daemon writes its process id and its process group.
        runner: What it does.
        stdin: File that is its standard input; `stdout` and `stderr` are appended to.
        chdir: Its working directory.
        umask: Permissions that its files, the pid file too, do not get.

    Raises:
        TypeError: `pidfile` is no text, or `runner` cannot be called.
    """

    def __init__(
        self,
        pidfile: str,
        runner: Callable[[], object],
        stdin: str = "/dev/null",
        stdout: str = "/dev/null",
        stderr: str = "/dev/null",
        chdir: str = "/",
        umask: int = 0o022,
    ) -> None:
        if not isinstance(cast("Any", pidfile), str):
            raise TypeError(f"pidfile must be the path of a file, not a {type(pidfile).__name__}")
        if not callable(cast("Any", runner)):
            raise TypeError(f"runner must be a function, not a {type(runner).__name__}")
        self.pidfile = str(Path(pidfile).absolute())  # for the working directory will change
        self.runner = runner
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.chdir = chdir
        self.umask = umask

    def start(self) -> None:
        """Start the daemon; returns in the daemon only, once `runner` is done.  This process exits.

        Raises:
            RuntimeError: The pid file tells of a daemon already.
        """
        pid, _ = self.getpid()
        if pid is not None:
            state = "runs already" if _is_alive(pid) else "ended without removing its pid file"
            raise RuntimeError(f"pidfile {self.pidfile} exists: process {pid} {state}")
        self._daemonize()
        self.runner()

    def stop(self) -> None:
        """Ask the daemon to end (SIGINT), for 10 seconds; then make it (SIGQUIT, SIGKILL)."""
        pid, group = self._running()
        if pid is None or group is None:
            return
        for _ in range(_ASKED):
            _signal(pid, signal.SIGINT)
            if _has_ended(pid, within=1.0):
                break
        else:
            _signal(pid, signal.SIGQUIT)
            if not _has_ended(pid, within=1.0):
                _signal_group(group, signal.SIGKILL)
        self._clear(pid)

    def kill(self) -> None:
        """Make the daemon end: SIGQUIT to it, SIGTERM to its group."""
        pid, group = self._running()
        if pid is None or group is None:
            return
        _signal(pid, signal.SIGQUIT)
        if not _has_ended(pid, within=1.0):
            _signal_group(group, signal.SIGTERM)
        self._clear(pid)

    def hardkill(self) -> None:
        """Kill the daemon and its group."""
        pid, group = self._running()
        if pid is None or group is None:
            return
        _signal_group(group, signal.SIGKILL)
        self._clear(pid)

    def restart(self) -> None:
        """Stop, then start."""
        self.stop()
        self.start()

    def delpid(self) -> None:
        """Remove the pid file, if there is one."""
        Path(self.pidfile).unlink(missing_ok=True)

    def getpid(self) -> tuple[int, int] | tuple[None, None]:
        """Process id and process group as in the pid file; (None, None) if it is missing, empty or damaged."""
        try:
            pid, group = map(int, Path(self.pidfile).read_text().split())
        except (FileNotFoundError, ValueError):
            return None, None
        # 0 and less mean groups of processes to kill(2), up to all that there are.
        return (pid, group) if pid > 1 and group > 1 else (None, None)

    def _running(self) -> tuple[int, int] | tuple[None, None]:
        found = self.getpid()
        if found == (None, None):
            sys.stderr.write(f"pidfile {self.pidfile} does not exist: is the daemon running?\n")
        return found

    def _clear(self, pid: int) -> None:
        """Remove the pid file of a daemon that could not do it."""
        if _has_ended(pid, within=1.0) and self.getpid()[0] == pid:
            self.delpid()

    def _daemonize(self) -> None:
        """Go on in a grandchild: no leader of its session, so it never gets a terminal again."""
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            sys.exit(0)
        os.chdir(self.chdir)
        os.setsid()
        os.umask(self.umask)
        if os.fork():
            os._exit(0)
        self._redirect()
        pid = os.getpid()
        atexit.register(self._at_exit, pid)
        Path(self.pidfile).write_text(f"{pid} {os.getpgrp()}\n")

    def _redirect(self) -> None:
        for path, flags, target in (
            (self.stdin, os.O_RDONLY, 0),
            (self.stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 1),
            (self.stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 2),
        ):
            opened = os.open(path, flags, 0o666)
            os.dup2(opened, target)
            os.close(opened)

    def _at_exit(self, pid: int) -> None:
        if os.getpid() == pid:  # not in a child of the daemon
            self.delpid()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # not Linux, or gone in this moment
        return True
    return state != "Z"  # ended, but in a container it may take long until somebody takes notice


def _has_ended(pid: int, *, within: float) -> bool:
    """Whether the process is gone, or gets so within so many seconds."""
    end = time.monotonic() + within
    while _is_alive(pid):
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK_EVERY)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
