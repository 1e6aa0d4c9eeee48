"""The documentation of `rest-tools` (tests/seeds/rest_tools.txt): its two server snippets run as they are.

The text has lost its indentation, so for each line it is said here how deep it was.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from rest_tools.server import RestServer

LINES = (Path(__file__).parents[1] / "seeds" / "rest_tools.txt").read_text(encoding="utf-8").splitlines()

# What the first one needs of the world: the name of its site, and a port that is free.
SITE = """
import socket
resolve = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kwargs):
    return resolve(*(("127.0.0.1", 0) if (host, port) == ("my.site.here", 8080) else (host, port)), *args, **kwargs)
socket.getaddrinfo = getaddrinfo
"""

# How deep the lines of the second one are.
DEPTHS = "00122222222122222343442222"


def snippet(first: str, depths: str) -> str:
    """As many lines as there are digits, from the line `first`, each as deep as its digit says."""
    begin = LINES.index(first)
    lines = LINES[begin : begin + len(depths)]
    return "\n".join("    " * int(depth) + line for depth, line in zip(depths, lines, strict=True))


def test_the_server():
    code = snippet("import asyncio", "0001220000")
    assert code.endswith("run_forever()")
    command = [sys.executable, "-W", "error", "-c", SITE + code]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.fullmatch(r"listening on my\.site\.here port (\d+)\n", line)
            assert found, line + process.stderr.read()
            url = f"http://127.0.0.1:{found[1]}"
            answer = requests.post(f"{url}/fruits", json={"name": "banana"}, timeout=30)
            assert (answer.status_code, answer.json()) == (200, {})
            missing = requests.get(f"{url}/fruits/apple", timeout=30)
            assert missing.json() == {"code": 404, "error": "Not Found"}
        finally:
            process.terminate()


class Basket:
    """What the second one leaves to its reader."""

    def __init__(self):
        self.calls = []

    def get_fruit(self, *args):
        self.calls.append(args)
        return {"name": args[0]}

    def add_to_basket(self, *args):
        self.calls.append(args)


@pytest.fixture
def basket():
    return Basket()


@pytest.fixture
def fruits(serving, basket):
    """The URL of the second one's fruits."""
    code = snippet("from rest_tools.server import RestHandler, ArgumentHandler, ArgumentSource", DEPTHS)
    assert code.split() == " ".join(LINES[-len(DEPTHS) :]).split()  # to the end of the text
    names = {"get_fruit": basket.get_fruit, "add_to_basket": basket.add_to_basket}
    exec(compile(code, "seed", "exec"), names)
    server = RestServer()
    server.add_route("/fruits", names["Fruits"])
    with serving(server) as url:
        yield f"{url}/fruits"


QUERIES = [
    ("name=apple&amount=2.5", ("apple", [], False, 2.5)),
    ("name=apple&amount=2&alias=a&alias=b&is-citrus=yes", ("apple", ["a", "b"], True, 2.0)),
    ("name=-apple&amount=-1e5", ("-apple", [], False, -1e5)),
    ("name=&amount=0&alias=", ("", [""], False, 0.0)),
]


@pytest.mark.parametrize(("query", "arguments"), QUERIES)
def test_arguments_of_the_query(fruits, basket, query, arguments):
    assert requests.get(f"{fruits}?{query}", timeout=30).status_code == 200
    assert basket.calls == [arguments]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "the following arguments are required: name, amount"),
        ("name=apple", "the following arguments are required: amount"),
        ("name=apple&amount=two", "argument amount: invalid type"),
        ("name=apple&amount=2&is-citrus=perhaps", "argument is-citrus: invalid type"),
        ("name=apple&amount=2&colour=red", "unrecognized arguments: colour"),
        ("nam=apple&amount=2", "the following arguments are required: name"),
    ],
)
def test_what_is_wrong_with_the_query_is_said(fruits, basket, query, text):
    answer = requests.get(f"{fruits}?{query}", timeout=30)
    assert answer.status_code == 400
    assert answer.json().items() >= {"code": 400, "error": text}.items()
    assert basket.calls == []


def test_arguments_of_the_body(fruits, basket):
    body = {"name": "apple", "supply": {"now": 5}, "country_code": "USA"}
    assert requests.post(fruits, json=body, timeout=30).status_code == 200
    more = {**body, "other-names": ["a", "b"], "country_code": "MEX"}
    assert requests.post(fruits, json=more, timeout=30).status_code == 200
    assert basket.calls == [
        ("apple", [], {"now": 5}, "United States of America"),
        ("apple", ["a", "b"], {"now": 5}, "Mexico"),
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"country_code": "XXX"}, "argument country_code: invalid type"),
        ({"supply": 7}, "argument supply: invalid type"),
        ({"colour": "red"}, "unrecognized arguments: colour"),
    ],
)
def test_what_is_wrong_with_the_body_is_said(fruits, basket, change, text):
    body = {"name": "apple", "supply": {"now": 5}, "country_code": "USA", **change}
    answer = requests.post(fruits, data=json.dumps(body), timeout=30)
    assert answer.json().items() >= {"code": 400, "error": text}.items()
    assert basket.calls == []
