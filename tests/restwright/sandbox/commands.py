"""`python -m restwright.sandbox`, as a process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence

PROGRAM = [sys.executable, "-W", "error", "-m", "restwright.sandbox"]


@contextlib.contextmanager
def running(*arguments: str, program: Sequence[str] = PROGRAM) -> Iterator[subprocess.Popen[str]]:
    # In a group of its own, as in a terminal: Ctrl+C is for all processes of it.
    with subprocess.Popen(
        [*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def refused(*arguments: str) -> str:
    """What is said of a misuse."""
    run = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=200, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert "Traceback" not in run.stderr.partition("Its log ends with")[0]
    return run.stderr
