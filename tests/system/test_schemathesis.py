"""Schemathesis reads our document, asks for all that it promises and for all that it rules out, and judges answers."""

from __future__ import annotations

import argparse
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from examples.orchard import gardener, orchard

from rest_tools.server import ArgumentSource, RestHandler, RestHandlerSetup, RestServer, authenticated
from rest_tools.server.arguments import Argument, Arguments, takes

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."
QUERY, BODY = ArgumentSource.QUERY_ARGUMENTS, ArgumentSource.JSON_BODY_ARGUMENTS

OF_BOTH = [
    Argument("text", type=str, max_length=5),
    Argument("whole", type=int),
    Argument("number", type=float, default=1.5),
    Argument("truth", type=bool, default=True),
    Argument("anything", default=None),
    Argument("short", max_length=3, max_items=2, default=None),
    Argument("pair", type=int, nargs=2, default=[1, 2]),
    Argument("some", type=float, nargs="+", default=[]),
    Argument("many", type=bool, nargs="*"),
    Argument("perhaps", type=int, nargs="?", default=7),
    Argument("few", type=int, choices=[3, 5], default=3),
    Argument("range", type=int, choices=range(-5, 6), default=0),
    Argument("word", type=str, choices=["red", "gr\u00fcn", "a b&c"], default="red"),
    Argument("added", type=str, action="append", default=["x"]),
    Argument("extended", type=int, action="extend", nargs="+", max_items=3, default=[]),
    Argument("left-out", type=int, default=argparse.SUPPRESS),
]
OF_BODIES = [
    Argument("items", type=list, max_items=3, default=[]),
    Argument("members", type=dict, max_items=3, default={}),
    Argument("lists", type=list, nargs="*", default=[]),
]


def echo(source: ArgumentSource, *arguments: Argument, strict: bool) -> type[RestHandler]:
    class Echo(RestHandler):
        @takes(Arguments(source, *arguments, strict=strict))
        def post(self, given, *path):
            self.write({"path": path, **vars(given)})

    return Echo


class Members(RestHandler):
    """The unknown are answered with 403 here, as it is unless somebody asks for 401."""

    @authenticated
    def get(self, first, second=None):
        self.write({"path": [first, second]})

    def options(self, first, second=None):
        self.set_header("Allow", "GET, OPTIONS")
        self.set_status(204)


SETTINGS = """
[[operations]]  # what is not strict takes more than the document says, so that one check is not for it
include-path-regex = "^/(orders|parrot|loose)"
[operations.checks]
negative_data_rejection.enabled = false

[[operations]]  # answers 403 to those without a token, as clients of old expect it, where RFC 9110 has 401
include-path-regex = "^/members"
[operations.checks]
missing_required_header.enabled = false
"""


def attack(url: str, token: str, folder: Path) -> tuple[int, str]:
    """The exit status of a run with all checks, on valid and on invalid requests, and what it says."""
    (folder / "settings.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "settings.toml", "run", f"{url}/openapi.json"]
    options = ["--header", f"Authorization: Bearer {token}", "--max-examples", "30", "--no-color"]
    ended = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, timeout=170, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.timeout(180)
def test_all_that_the_document_says_is_true(serving, tmp_path, caplog):
    caplog.set_level(logging.ERROR)  # what it asks is mostly wrong, and each answer is logged
    server = orchard(SECRET)
    for strict, name in ((True, "strict"), (False, "loose")):
        server.add_route(f"/{name}/query", echo(QUERY, *OF_BOTH, strict=strict))
        server.add_route(f"/{name}/body/([^/]*)/([a-f]+)", echo(BODY, *OF_BOTH, *OF_BODIES, strict=strict))
    setup = RestHandlerSetup({"auth": {"secret": SECRET, "issuer": "orchard"}})
    server.add_route(r"/members/(?P<first>\d{1,3})(?:/(?P<second>.+))?", Members, setup)
    with serving(server) as url:
        status, said = attack(url, gardener(SECRET), tmp_path)
    assert status == 0, said
    assert re.search(r"Operations: +15 selected / 15 total", said)
    assert caplog.records == []  # no 5xx


class Liar(RestHandler):
    @takes(Arguments(QUERY, Argument("number", type=int)))
    def get(self, given):
        self.write({"inverse": 1 / given.number})

    @takes(Arguments(BODY, Argument("number", type=int)))  # not strict
    def post(self, given):
        self.write(vars(given))


def test_a_lie_is_found(serving, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    server = RestServer()
    server.add_route("/liar", Liar)
    server.add_standard_routes()
    with serving(server) as url:
        status, said = attack(url, "", tmp_path)
    assert status == 1, said
    assert {"Server error", "Schema-violating request accepted"} <= set(
        re.findall(r"^- ST\d+ (.*)$", said, re.MULTILINE)
    )
