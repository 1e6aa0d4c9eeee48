"""docs/logins.md: its examples run from top to bottom, with a provider and a service that takes its tokens."""

from __future__ import annotations

import re

from tests.docs import pages

from rest_tools.utils import OpenIDAuth
from restwright import errors
from restwright.sandbox import identity_provider
from restwright.testing import Reply, serve

PAGE = "docs/logins.md"
TEXT = pages.text_of(PAGE)


def test_the_examples_print_what_they_say(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with identity_provider(device_interval=0.1) as idp:
        auth = OpenIDAuth(idp.url)

        def whoami(request):
            claims = auth.validate(request.headers["Authorization"].removeprefix("Bearer "))
            return Reply(json={"client": claims["client_id"], "scope": claims["scope"]})

        with serve(whoami) as api, pages.played(PAGE, capsys, idp=idp, api=api):
            pass
    assert (tmp_path / ".fruits" / "token").stat().st_mode & 0o777 == 0o600


def test_the_errors_of_the_page_are_there():
    named = re.findall(r"^\| `(\w+Error|Login\w+)` \|", TEXT, re.MULTILINE)
    assert len(named) == 6
    assert all(issubclass(getattr(errors, name), errors.RestwrightError) for name in named)
