"""docs/sandbox.md: its commands are given, its examples run from top to bottom, and its tables are whole."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from itertools import takewhile

import pytest
import requests
from tests.docs import pages

from restwright.sandbox import identity_provider
from restwright.sandbox.identity import (
    ENDPOINTS,
    SAMPLE_CLIENTS,
    SAMPLE_USERS,
    Client,
    Misbehaviour,
    Settings,
)
from restwright.sandbox.identity.configuration import read_configuration

PAGE = "docs/sandbox.md"
TEXT = pages.text_of(PAGE)


def curl(command: str, url: str, device_code: str) -> requests.Response:
    """What the command would do, at another port."""
    words = shlex.split(command.replace("http://127.0.0.1:8780", url).replace("device_code=...", device_code))
    data = [words[place + 1] for place, word in enumerate(words) if word == "-d"]
    auth = next((tuple(words[place + 1].split(":")) for place, word in enumerate(words) if word == "-u"), None)
    return requests.post(words[-1], dict(one.split("=", 1) for one in data), auth=auth, timeout=30)


def test_the_commands_answer_what_the_page_shows():
    asked = re.findall(r"^\$ (curl .*)\n(\{.*\})$", TEXT.replace("\\\n", ""), re.MULTILINE)
    assert len(asked) == TEXT.count("$ curl ") == 3
    device: dict[str, str] = {}
    with identity_provider() as idp:
        for command, promised in asked:
            answer = curl(command, idp.url, f"device_code={device.get('device_code')}").json()
            if "user_code" in answer:
                device = answer
                idp.allow_device(device["user_code"])
            pattern = re.escape(promised.replace("http://127.0.0.1:8780", idp.url)).replace(r"\.\.\.", ".+")
            assert re.fullmatch(pattern, json.dumps(answer))


def test_the_examples_print_what_they_say(capsys):
    with pages.played(PAGE, capsys) as namespace, identity_provider() as identity:
        namespace["test_a_service_gets_a_token"](identity)


def test_every_setting_misbehaviour_and_sample_is_in_a_table():
    names = {
        *(field.name for field in fields(Settings)),
        *Misbehaviour.__annotations__,
        *(user.name for user in SAMPLE_USERS),
        *(client.id for client in SAMPLE_CLIENTS),
    }
    assert names - pages.named_in_tables(TEXT) == set()


def test_every_endpoint_and_every_option_of_a_client_is_named():
    options = {field.name for field in fields(Client)} - {"id", "secret", "redirect_uris", "registration_token"}
    assert [name for name in (*ENDPOINTS, *options) if f"`{name}`" not in TEXT] == []


def test_every_option_of_the_command_is_in_the_table():
    settings = {f"--{field.name.replace('_', '-')}" for field in fields(Settings)}
    options = pages.options_of("identity") - settings - {"--no-registration"}
    assert len(options) == 11
    assert options - pages.named_in_tables(TEXT) == set()


@pytest.mark.parametrize(("arguments", "count"), [([], 9), (["kinto"], 8)], ids=["all", "kinto"])
def test_every_option_of_the_other_commands_is_in_a_table(arguments, count):
    command = [sys.executable, "-m", "restwright.sandbox", *arguments, "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200).stdout
    options = set(re.findall(r"(?<=^  )--[\w-]+", told, re.MULTILINE))
    assert len(options) == count
    assert options - pages.named_in_tables(TEXT) == set()


def test_the_table_of_all_services_is_as_in_the_page():
    command = [sys.executable, "-m", "restwright.sandbox", "--free-ports"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = "".join(takewhile(lambda line: not line.startswith("Stop it"), process.stdout))
        process.terminate()
    found = re.search(
        r"^\$ python -m restwright.sandbox\n(This is for tests only.*?)^Stop it", TEXT, re.MULTILINE | re.DOTALL
    )
    assert found is not None
    assert re.sub(r":\d+", ":PORT", said) == re.sub(r":\d+", ":PORT", found[1])


def test_the_settings_in_the_table_are_those_that_there_are():
    for field in fields(Settings):
        row = re.search(rf"^\| `{field.name}` \|.*\| (.*) \|$", TEXT, re.MULTILINE)
        assert row is not None
        default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        assert row[1].strip("`") == default


def test_the_file_in_the_page_is_read(tmp_path):
    found = re.search(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None
    file = tmp_path / "identity.json"
    file.write_text(found[1])
    users, clients = read_configuration(str(file))
    assert (users[0].name, clients[0].id) == ("eve", "tool")
