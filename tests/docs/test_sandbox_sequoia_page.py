"""docs/sandbox-sequoia.md: its commands are given, its examples run from top to bottom, and its tables are whole."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields

import requests
from tests.docs import pages

from restwright.sandbox.sequoia import Misbehaviour, Settings, sequoia_service
from restwright.sandbox.sequoia.kinds import SERVICES

PAGE = "docs/sandbox-sequoia.md"
TEXT = pages.text_of(PAGE)


def curl(command: str, locations: dict[str, str], token: str) -> requests.Response:
    """What the command would do, at other ports and with another token."""
    for port, name in {8791: "identity", 8792: "metadata"}.items():
        command = command.replace(f"http://127.0.0.1:{port}", locations[name])
    words = shlex.split(command.replace("Bearer ...", f"Bearer {token}"))
    given = {
        flag: [words[place + 1] for place, word in enumerate(words) if word == flag] for flag in ("-d", "-H", "-u")
    }
    form = dict(one.split("=", 1) for one in given["-d"])
    headers = dict(one.split(": ", 1) for one in given["-H"])
    auth = tuple(given["-u"][0].split(":")) if given["-u"] else None
    return requests.request("POST" if form else "GET", words[-1], data=form, headers=headers, auth=auth, timeout=30)


def test_the_commands_answer_what_the_page_shows():
    asked = re.findall(r"^\$ (curl .*)\n(\{.*\})$", TEXT, re.MULTILINE)
    assert len(asked) == TEXT.count("$ curl ") == 2
    token = ""
    with sequoia_service() as sequoia:
        for command, promised in asked:
            answer = curl(command, sequoia.locations, token)
            assert re.fullmatch(re.escape(promised).replace(r"\.\.\.", ".+"), answer.text)
            token = token or answer.json()["access_token"]


def test_the_examples_print_what_they_say(capsys):
    with pages.played(PAGE, capsys) as namespace, sequoia_service(sample=False) as sequoia:
        namespace["test_a_content_is_stored"](sequoia)


def test_every_setting_kind_and_misbehaviour_is_named():
    assert {field.name for field in fields(Settings)} - pages.named_in_tables(TEXT) == set()
    assert [name for name in Misbehaviour.__annotations__ if f"`{name}`" not in TEXT] == []
    for service in SERVICES:
        assert f"| `{service.name}` | {', '.join(f'`{kind.name}`' for kind in service.kinds)} |" in TEXT


def test_every_option_of_the_command_is_in_the_table():
    options = pages.options_of("sequoia")
    settings = {f"--{field.name.replace('_', '-')}" for field in fields(Settings)}
    assert len(options) == 18
    assert options - settings - pages.named_in_tables(TEXT) == set()
    assert settings - options == {
        "--clients",
        "--services",
        "--tls-names",
        "--certificates",
    }  # of which two are written in Python, and others are repeated


def test_the_settings_in_the_table_are_those_that_there_are():
    for field in fields(Settings):
        if isinstance(field.default, str | float | int):
            row = re.search(rf"^\| [^|]*`{field.name}`[^|]* \|.*\| (.*) \|$", TEXT, re.MULTILINE)
            assert row is not None
            default = f"{field.default:g}" if type(field.default) is float else str(field.default)
            assert row[1].partition(",")[0].strip("`") == default
