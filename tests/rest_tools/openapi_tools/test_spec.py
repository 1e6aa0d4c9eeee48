from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from rest_tools.openapi_tools import get_version_vmaj, load_openapi_spec, openapi_available, sdict

METADATA = """Metadata-Version: 2.4
Name: fruits
Version: 7.1
Summary: All about fruits
Author-email: Ann Apple <ann@fruits.example>
Project-URL: Source, https://git.fruits.example
Project-URL: Homepage, https://fruits.example
License-Expression: MIT
Description-Content-Type: text/markdown

# Fruits
"""


def document(**info):
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "2.3.4", **info}, "paths": {}}


@pytest.fixture
def load(tmp_path):
    def load(content, package=""):
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(content))
        return load_openapi_spec(path, package)

    return load


@pytest.fixture
def fruits(tmp_path, monkeypatch):
    folder = tmp_path / "fruits-7.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "fruits"


def test_names():
    assert openapi_available is True
    assert sdict == dict[str, Any]


def test_a_file_is_read_and_left_alone(load):
    spec, content = load(document())
    assert isinstance(spec, OpenAPI)
    assert content == document()
    assert get_version_vmaj(content) == "v2"


def test_yaml_and_references_to_other_files(tmp_path):
    (tmp_path / "size.yaml").write_text("type: integer\n")
    path = tmp_path / "spec.yaml"
    path.write_text(
        "openapi: 3.1.0\ninfo: {title: T, version: '10'}\npaths: {}\ncomponents: {schemas: {Size: {$ref: size.yaml}}}\n"
    )
    spec, content = load_openapi_spec(path, "")
    assert get_version_vmaj(content) == "v10"
    assert (spec.spec / "components" / "schemas" / "Size" / "type").read_str() == "integer"


def test_metadata_of_a_distribution(load, fruits):
    spec, content = load(document(), fruits)
    assert content["info"] == {
        "title": "T",
        "version": "2.3.4",
        "summary": "All about fruits",
        "description": "# Fruits\n",
        "contact": {"name": "Ann Apple", "email": "ann@fruits.example", "url": "https://fruits.example"},
        "license": {"name": "MIT"},
    }
    assert spec.spec.read_value()["info"] == content["info"]


def test_openapi_3_0_has_no_summary(load, fruits):
    _, content = load({**document(), "openapi": "3.0.3"}, fruits)
    assert "summary" not in content["info"]
    assert content["info"]["license"] == {"name": "MIT"}


@pytest.mark.parametrize("name", ["summary", "description", "contact", "license"])
def test_what_is_in_both_places_is_refused(load, fruits, name):
    value = {"name": "x"} if name in {"contact", "license"} else "x"
    with pytest.raises(RuntimeError, match=rf"info\.{name} is in the file"):
        load(document(**{name: value}), fruits)


def test_what_is_there_but_empty_is_filled(load, fruits):
    assert load(document(contact={}), fruits)[1]["info"]["contact"]["name"] == "Ann Apple"


def test_no_such_distribution(load):
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        load(document(), "no-such-fruits")


def test_a_document_that_is_none(load, tmp_path):
    with pytest.raises(OpenAPIValidationError):
        load({**document(), "paths": {"x": 1}})
    with pytest.raises(OSError, match="none"):
        load_openapi_spec(tmp_path / "none.json", "")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=200)


def test_without_openapi_core():
    done = run(
        "import sys; sys.modules['openapi_core'] = None\n"
        "from rest_tools.openapi_tools import load_openapi_spec, openapi_available, validate_request\n"
        "assert openapi_available is False\n"
        "for call in (lambda: validate_request(None), lambda: load_openapi_spec('x', '')):\n"
        "    try: call()\n"
        "    except RuntimeError as error: print(error)\n"
    )
    assert done.stdout.splitlines() == ["openapi-core is not installed: pip install 'restwright[openapi]'"] * 2, done


def test_it_is_imported_on_first_use():
    done = run("import sys, rest_tools.server; print('openapi_core' in sys.modules)")
    assert done.stdout == "False\n", done


@pytest.mark.parametrize(("content", "kind"), [("fruits", "str"), ([], "list"), (None, "NoneType")])
def test_a_file_that_holds_no_object_is_told(load, content, kind):
    with pytest.raises(ValueError, match=rf"spec.json is no OpenAPI document: it holds a {kind}, not an object"):
        load(content)
