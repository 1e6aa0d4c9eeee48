"""docs/server.md and docs/server-exchanges.md answer what they say.

Their programs run as processes, their other examples from top to bottom.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.docs import pages

import rest_tools.server
from rest_tools.server import RestServer
from rest_tools.server.arguments import Argument
from rest_tools.server.conditional import check_preconditions
from rest_tools.server.idempotency import idempotent
from rest_tools.server.rate_limit import RateLimiter

PAGE = "docs/server.md"
TEXT = pages.text_of(PAGE)


BLOCKS = list(pages.blocks_of(PAGE))
PROGRAMS = [block for block in BLOCKS if re.search(r"\n(asyncio\.run|server\.run)\(.*\)\n\Z", block.source)]
SERVING = next(block for block in BLOCKS if "def serving(" in block.source)

EXCHANGES = "docs/server-exchanges.md"
PROGRAM, *EXAMPLES = pages.blocks_of(EXCHANGES)

# The page says port 8080; what runs at the same time has the same page, so each program gets a free one.
FREE_PORT = """
import socket
resolve = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kwargs):
    return resolve(host, 0 if (host, port) == ("localhost", 8080) else port, *args, **kwargs)
socket.getaddrinfo = getaddrinfo
"""


@contextlib.contextmanager
def running(program: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of a program, and its URL."""
    command = [sys.executable, "-W", "error", "-c", FREE_PORT + program]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.fullmatch(r"listening on localhost port (\d+)\n", line)
            assert found, line + process.stderr.read()
            yield process, f"http://127.0.0.1:{found[1]}"
        finally:
            process.kill()


def test_the_first_program_answers_what_the_page_shows():
    asked = re.findall(r"^\$ curl 'http://localhost:8080(\S+)'\n(.*)$", TEXT, re.MULTILINE)
    assert len(asked) == TEXT.count("$ curl ") == 3
    with running(PROGRAMS[0].source) as (_, url):
        for path, answer in asked:
            assert requests.get(url + path, timeout=30).text == answer


def test_the_ten_lines_are_about_ten():
    lines = [line for line in PROGRAMS[0].source.splitlines() if line]
    assert len(lines) <= 14


def test_the_second_program_answers_what_was_asked_and_stops():
    answers: list[requests.Response] = []
    with running(PROGRAMS[1].source) as (process, url):

        def ask() -> None:
            headers = {"X-Forwarded-For": "192.0.2.7"}
            with requests.Session() as session:
                answers.extend(session.get(f"{url}/fruits", headers=headers, timeout=30) for _ in range(2))

        assert requests.post(f"{url}/fruits", data=b"x" * 1_000_001, timeout=30).status_code == 413
        assert requests.get(f"{url}/health/ready", timeout=30).json() == {"status": "ready", "checks": {"store": "ok"}}
        assert 'route="/health/ready"' in requests.get(f"{url}/metrics", timeout=30).text
        client = threading.Thread(target=ask)
        client.start()
        time.sleep(0.2)  # of the half second that the answer takes
        os.kill(process.pid, signal.SIGTERM)
        client.join()
        assert process.wait(200) == 0
    assert [answer.json() for answer in answers] == [{"address": "192.0.2.7", "apples": 3}] * 2
    assert answers[0].headers["Server"] == "Fruits/1.0"
    assert answers[1].headers["Connection"] == "close"


def test_the_example_that_it_names_has_a_page_and_a_token_that_counts():
    path = re.findall(r"`python (examples/\S+)`", TEXT)[0]
    command = [sys.executable, "-W", "error", str(Path(__file__).parents[2] / path), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            page, token = process.stdout.readline().strip(), process.stdout.readline().split()[-1]
            assert "swagger-ui" in requests.get(page, timeout=30).text
            headers = {"Authorization": f"Bearer {token}"}
            answer = requests.get(page.replace("/docs", "/me"), headers=headers, timeout=30)
            assert answer.json() == {"user": "alice", "role": "gardener"}
            process.send_signal(signal.SIGINT)
            assert process.wait(200) == 0
        finally:
            process.kill()


def test_the_program_with_a_stream_answers_what_the_page_shows():
    text = (Path(__file__).parents[2] / EXCHANGES).read_text(encoding="utf-8")
    path, answer = re.findall(r"^\$ curl 'http://localhost:8080(\S+)'\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    assert text.count("$ curl ") == 1
    with running(PROGRAM.source) as (_, url):
        answered = requests.get(url + path, timeout=30)
    assert answered.text == answer
    assert answered.headers["RateLimit-Policy"] == '"default";q=100;w=60'


@pytest.mark.parametrize(
    ("page", "examples"),
    [(PAGE, [block for block in BLOCKS if block not in PROGRAMS]), (EXCHANGES, EXAMPLES)],
    ids=[PAGE, EXCHANGES],
)
def test_the_other_examples_print_what_they_say(capsys, monkeypatch, page, examples):
    monkeypatch.setattr(os, "environ", os.environ.copy())
    assert len(PROGRAMS) == 2
    with pages.played(page, capsys, blocks=[SERVING, *examples]):
        pass


def rows(page: str = PAGE) -> set[str]:
    return pages.named_in_tables(pages.text_of(page))


def test_every_option_of_an_argument_is_in_the_table():
    assert set(inspect.signature(Argument).parameters) - {"name", "aliases"} - rows() == set()


def test_every_setting_of_a_server_is_in_the_table():
    assert set(inspect.signature(RestServer).parameters) - {"kwargs"} - rows() == set()
    assert set(inspect.signature(RestServer.add_standard_routes).parameters) - {"self"} - rows() == set()


def test_every_argument_of_run_is_in_the_table():
    assert set(inspect.signature(RestServer.run).parameters) - {"self"} - rows() == set()


def test_the_defaults_of_time_limits_are_as_the_page_says():
    told = dict(re.findall(r"^\| `(\w+)` \| (\d+)(?: s)? \|", TEXT, re.MULTILINE))
    parameters = inspect.signature(RestServer).parameters
    assert {name: str(int(parameters[name].default)) for name in told} == told
    assert len(told) == 5


def test_every_decorator_is_in_the_table():
    decorators = {name for name in rest_tools.server.__all__ if name.endswith(("_auth", "_authorization"))}
    assert len(decorators) == 4
    assert decorators - rows() == set()


@pytest.mark.parametrize("function", [check_preconditions, idempotent, RateLimiter])
def test_every_option_of_an_exchange_is_in_its_table(function):
    assert set(inspect.signature(function).parameters) - {"handler", "clock"} - rows(EXCHANGES) == set()
