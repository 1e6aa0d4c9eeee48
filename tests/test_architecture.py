"""What keeps the house in order, beside the arrows that import-linter watches."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import kinto_http
import restwright

SRC = Path(__file__).parent.parent / "src"
FILES = sorted(SRC.rglob("*.py"))
ENGINES = {"aiohttp", "urllib3", "socket", "yarl", "http.client", "selectors", "ssl"}
# The wire and what stands on it, the test tools, what listens for a browser to come back from a login, and the format
# of multipart fields, which is no I/O.
MAY_KNOW_ENGINES = (
    "restwright/wire/",
    "restwright/testing/",
    "restwright/adapter.py",
    "restwright/multipart.py",
    "restwright/loopback.py",
    "restwright/sandbox/",  # servers with faults
    "sequoia/certificates.py",  # tries files, and sends nothing
    "rest_tools/server/",
    "rest_tools/client/session.py",  # the retries of a `requests.Session` are urllib3's
    "keystone_client/httpx_transport.py",  # an adapter, which answers as `requests` wants it: with an answer of urllib3
)


def name_of(file: Path) -> str:
    return file.relative_to(SRC).as_posix()


def imports_of(file: Path) -> set[str]:
    """All modules that are imported anywhere in the file, with the packages they are in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names | {name.partition(".")[0] for name in names}


def packages() -> list[ModuleType]:
    found = pkgutil.walk_packages(restwright.__path__, "restwright.")
    return [restwright, *(importlib.import_module(info.name) for info in found if info.ispkg)]


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.__name__)
def test_all_is_sorted_and_complete(package):
    names = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }
    listed = getattr(package, "__all__", [])
    assert set(listed) == names
    assert listed == sorted(listed, key=lambda name: (not name.isupper(), name))


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_engines_are_known_to_the_wire_only(file):
    found = imports_of(file) & ENGINES
    assert not found or name_of(file).startswith(MAY_KNOW_ENGINES)


def test_the_import_test_sees_imports_of_all_kinds():
    assert imports_of(SRC / "restwright/wire/paced.py") >= {"urllib3", "socket", "http.client"}
    assert "restwright.plan" in imports_of(SRC / "restwright/drivers/sync.py")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_module_is_too_long(file):
    assert len(file.read_text().splitlines()) <= 450


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_module_is_a_drawer_for_everything(file):
    named_by_the_contract = {"kinto_http/utils.py", "kinto_http/cli_utils.py", "rest_tools/client/utils.py"}
    assert name_of(file) in named_by_the_contract or file.stem not in {"utils", "helpers", "common", "misc"}


def test_types_are_shipped():
    for package in (restwright, kinto_http):
        assert package.__file__ is not None
        assert (Path(package.__file__).parent / "py.typed").exists()
