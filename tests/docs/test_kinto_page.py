"""docs/kinto.md cannot drift from the package."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import kinto_http
from kinto_http import AsyncClient, Client, exceptions, patch_type
from kinto_http.constants import ALL_PARAMETERS
from restwright.operation import listing, operation

TEXT = (Path(__file__).parents[2] / "docs" / "kinto.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"\w+", "\n".join(re.findall(r"`([^`\n]+)`", TEXT))))
IN_CODE = set(re.findall(r"\w+", "\n".join(re.findall(r"^```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))))


def operations_of(client: type) -> set[str]:
    declared = {name: inspect.getattr_static(client, name) for name in dir(client) if not name.startswith("_")}
    own = {name for name in vars(client) if not name.startswith("_")}
    return {name for name, value in declared.items() if isinstance(value, (operation, listing)) or name in own}


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_operation_is_named(client):
    operations = operations_of(client)
    assert {"get_record", "records", "batch"} <= operations
    assert operations - NAMED == set()


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_method_that_is_named_is_there(client):
    called = set(re.findall(r"\b(\w+)\(\)", "\n".join(re.findall(r"^\|.*\|$", TEXT, re.MULTILINE))))
    known = {"BrowserOAuth", "close", "aclose", "run", "pages"}
    assert {name for name in called - known if not hasattr(client, name)} == set()


def test_every_setting_is_named():
    settings = set(inspect.signature(Client).parameters) | set(inspect.signature(kinto_http.Session).parameters)
    assert settings - NAMED - {"self"} == set()


def test_every_exception_is_in_the_table():
    classes = {name for name, value in vars(exceptions).items() if inspect.isclass(value) and name[0] != "_"}
    mine = {name for name in classes if issubclass(getattr(exceptions, name), exceptions.KintoException)}
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \|(.*)\|$", TEXT, re.MULTILINE))
    assert mine - set(rows) == set()
    for name in mine:
        also = rows[name].strip("` ").removeprefix("requests.").removeprefix("exceptions.")
        assert also in {"", *(base.__name__ for base in getattr(exceptions, name).__mro__)}, name


def test_every_public_name_and_option_is_named():
    assert set(kinto_http.__all__) - NAMED - IN_CODE - {"Endpoints"} == set()
    assert {name for name in vars(patch_type) if name.endswith("Patch")} <= IN_CODE
    for options in ALL_PARAMETERS[1:]:
        assert any(f"`{option}`" in TEXT for option in options), options
