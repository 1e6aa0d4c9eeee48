"""docs/sandbox-keystone.md: its commands are given, its examples run from top to bottom, and its tables are whole."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields

import requests
from tests.docs import pages

from restwright.sandbox.keystone import Misbehaviour, Settings, keystone_service

PAGE = "docs/sandbox-keystone.md"
TEXT = pages.text_of(PAGE)


def curl(command: str, url: str, token: str) -> requests.Response:
    """What the command would do, at another port and with another token."""
    words = shlex.split(command.replace("http://127.0.0.1:8000", url).replace("eyJ...", token))
    given = {flag: [words[place + 1] for place, word in enumerate(words) if word == flag] for flag in ("-d", "-H")}
    form = dict(one.split("=", 1) for one in given["-d"])
    headers = dict(one.split(": ", 1) for one in given["-H"])
    return requests.request("POST" if form else "GET", words[-1], data=form, headers=headers, timeout=30)


def test_the_commands_answer_what_the_page_shows():
    asked = re.findall(r"^\$ (curl .*)\n([\[{].*[\]}])$", TEXT, re.MULTILINE)
    assert len(asked) == TEXT.count("$ curl ") == 2
    token = ""
    with keystone_service(era="jwt") as keystone:
        for command, promised in asked:
            answer = curl(command, keystone.url, token)
            assert re.fullmatch(re.escape(promised).replace(r"\.\.\.", ".+"), answer.text)
            token = token or answer.json()["access"]


def test_the_examples_print_what_they_say(capsys):
    with pages.played(PAGE, capsys) as namespace, keystone_service(sample=False) as keystone:
        namespace["test_a_cluster_is_created"](keystone)


def test_every_setting_and_misbehaviour_is_named():
    assert {field.name for field in fields(Settings)} - pages.named_in_tables(TEXT) == set()
    assert [name for name in Misbehaviour.__annotations__ if f"`{name}`" not in TEXT] == []


def test_every_option_of_the_command_is_in_the_table():
    options = pages.options_of("keystone")
    settings = {f"--{field.name.replace('_', '-')}" for field in fields(Settings)}
    assert len(options) == 24
    assert options - settings - pages.named_in_tables(TEXT) == set()
    assert settings - options == {"--trusted-origins", "--tls-names", "--certificates", "--clock"}  # of programs


def test_the_settings_in_the_table_are_those_that_there_are():
    for field in fields(Settings):
        if isinstance(field.default, str | float | int) and field.default != "":
            row = re.search(rf"^\| [^|]*`{field.name}`[^|]* \|.*\| (.*) \|$", TEXT, re.MULTILINE)
            assert row is not None
            default = f"{field.default:g}" if type(field.default) is float else str(field.default)
            assert row[1].partition(",")[0].strip("`") == default.replace("1.2096e+06", "1209600")
