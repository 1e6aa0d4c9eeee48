"""docs/logins.md: its examples run from top to bottom, with a provider and a service that takes its tokens."""

from __future__ import annotations

import gc
import importlib.util
import re
from pathlib import Path

import pytest

from rest_tools.utils import OpenIDAuth
from restwright import errors
from restwright.sandbox import identity_provider
from restwright.testing import Reply, serve

PAGE = "docs/logins.md"
TEXT = (Path(__file__).parents[2] / PAGE).read_text(encoding="utf-8")

specification = importlib.util.spec_from_file_location("pages", Path(__file__).with_name("test_pages.py"))
assert specification is not None
assert specification.loader is not None
pages = importlib.util.module_from_spec(specification)
specification.loader.exec_module(pages)


def test_the_examples_print_what_they_say(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with identity_provider(device_interval=0.1) as idp:
        auth = OpenIDAuth(idp.url)

        def whoami(request):
            claims = auth.validate(request.headers["Authorization"].removeprefix("Bearer "))
            return Reply(json={"client": claims["client_id"], "scope": claims["scope"]})

        with serve(whoami) as api:
            namespace: dict[str, object] = {"__name__": "__main__", "idp": idp, "api": api}
            for block in pages.blocks_of(PAGE):
                pages.run(block, namespace, PAGE)
                promised = pages.PRINTS.findall(block.source)
                assert capsys.readouterr().out.splitlines() == promised, f"the block at line {block.line + 1}"
            namespace.clear()
            gc.collect()  # what was left open warns here, in the test that left it
    assert (tmp_path / ".fruits" / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "check",
    [
        pages.test_every_print_says_what_it_prints,
        pages.test_links_lead_to_files,
        pages.test_links_within_the_page_lead_to_headings,
        pages.test_the_typography_is_plain,
    ],
)
def test_the_page_is_as_the_others_are(check):
    check(PAGE)


def test_the_errors_of_the_page_are_there():
    named = re.findall(r"^\| `(\w+Error|Login\w+)` \|", TEXT, re.MULTILINE)
    assert len(named) == 6
    assert all(issubclass(getattr(errors, name), errors.RestwrightError) for name in named)
