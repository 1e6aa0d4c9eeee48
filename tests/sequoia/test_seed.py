"""The documentation of the SDK (tests/seeds/sequoia.txt): its snippets run, each against the addresses that it names.

The text has lost the line breaks of its code, so they are put back before a statement; and `...` stands there for
arguments that it leaves out, of which the credentials are put in.  Certificates are at /certs, for which there is a
folder of the test's.  Nothing else is changed.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import backoff
import pytest
from tests.sequoia.asking import CONTENTS, DOMAIN, asked

from sequoia import criteria
from sequoia.auth import AuthType
from sequoia.client import Client
from sequoia.criteria import Criteria, Inclusion, StringExpressionFactory

TEXT = (Path(__file__).parents[1] / "seeds" / "sequoia.txt").read_text(encoding="utf-8")
AUTH = {"grant_client_id": "clientId", "grant_client_secret": "clientSecret"}
STATEMENT = re.compile(r"(?:\w+ = |for \w+ in |endpoint\.)")
# A line is code if it begins so; one of prose has no such beginning.
CODE = re.compile(r"\w+ = |for \w+ in |endpoint\.|Criteria\(|StringExpressionFactory\.|\{")


def lines(code):
    """The code with its line breaks: before each statement that is in no bracket, deeper after each colon."""
    found, depth, start, indent = [], 0, 0, ""
    for index, char in enumerate(code):
        depth += (char in "([{") - (char in ")]}")
        if (
            char == " "
            and depth == 0
            and STATEMENT.match(code, index + 1)
            and not code[:index].endswith(("=", ",", " in"))
        ):
            found.append(indent + code[start:index])
            indent += "    " if code[index - 1] == ":" else ""
            start = index + 1
    return "\n".join([*found, indent + code[start:]])


def snippets():
    for line in TEXT.splitlines():
        if CODE.match(line):
            code = line.partition(" -- request headers")[0]
            code = re.sub(r", \.\.\.(?= \w)", ", **auth,", code)
            code = re.sub(r",\s*\.\.\.\s*\)?(?= endpoint|$)", ")", code)
            yield code


@pytest.fixture
def names(documented):
    with Client(f"https://registry-sandbox.{DOMAIN}/services/testmock", **AUTH) as client:
        yield {
            "AuthType": AuthType,
            "Client": Client,
            "Criteria": Criteria,
            "Inclusion": Inclusion,
            "StringExpressionFactory": StringExpressionFactory,
            "auth": AUTH,
            "backoff": backoff,
            "client": client,
            "criteria": criteria,
            "endpoint": client.metadata.contents,
            "json": '[{"name": "new"}]',
            "owner": "testmock",
            "ref": "testmock:c1",
            "self": SimpleNamespace(owner="test"),
        }


@pytest.mark.parametrize("snippet", list(dict.fromkeys(snippets())))
def test_a_snippet_runs(snippet, names, documented, tmp_path):
    code = lines(snippet).replace("/certs/", f"{tmp_path}/")
    if "criteria)" in code:
        names["criteria"] = Criteria()
    if "linked(" in code:  # "Let's assume a browse of contents is performed with assets resource as an inclusion."
        browse, assets = names["endpoint"].browse, Criteria().add(inclusion=Inclusion.resource("assets"))
        names["endpoint"] = SimpleNamespace(browse=lambda owner: browse(owner, assets))
    before = names["client"]
    tree = ast.parse(code)
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        assert eval(code, names) is not None
    else:
        exec(compile(tree, "tests/seeds/sequoia.txt", "exec"), names)
    for name in ("response", "response1", "response2"):
        if name in names:
            assert names[name].resources
    if "linked(" in code:
        assert names["asset_name"].startswith("sampleContent-")
    if names["client"] is not before:
        assert names["client"].metadata.contents.read("testmock", "testmock:c1").resources
        assert ("authorization" in asked(documented)[-1].headers) == ("AuthType.MUTUAL" not in code)
        names["client"].close()


def test_no_code_of_the_text_is_left_out():
    code = "\n".join(snippets())
    assert code.count("endpoint.browse(") == TEXT.count("endpoint.browse(") - 1  # one is told twice, to compare ids
    for mark in ("Client(", "add_criterion(", "linked(", "endpoint.store(", "endpoint.read("):
        assert code.count(mark) >= TEXT.count(mark) > 0
    assert len(list(snippets())) == 28


def test_line_breaks_are_put_back():
    assert lines("for a in f(x = 1, y): for b in a: c = b d = 2") == (
        "for a in f(x = 1, y):\n    for b in a:\n        c = b\n        d = 2"
    )


def seen_id(documented):
    return asked(documented, CONTENTS)[-1].headers["x-correlation-id"]


def test_ids_are_those_of_the_text(names, documented):
    url = f"https://registry-sandbox.{DOMAIN}/services/testmock"
    with Client(url, **AUTH, correlation_id="custom_correlation_id_1234") as client:
        client.metadata.contents.browse("testmock")
    assert seen_id(documented) == "custom_correlation_id_1234"
    with Client(url, **AUTH, user_id="user123", application_id="app101") as client:
        client.metadata.contents.browse("testmock")
    assert re.fullmatch(r"user123/app101/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", seen_id(documented))


def test_the_query_is_that_of_the_text(names, documented):
    both = Criteria().add_inclusion(Inclusion.resource("categories")).add_inclusion(Inclusion.resource("assets"))
    both.add_criterion(StringExpressionFactory.field("ref").equal_to("test:c0007"))
    names["client"].metadata.contents.browse("test", both)
    request = asked(documented, CONTENTS)[-1]
    assert request.target.endswith("contents?include=assets%2Ccategories&owner=test&withRef=test%3Ac0007")
