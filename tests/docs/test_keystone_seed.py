"""The documentation of the Keystone client (tests/seeds/keystone*.txt): its snippets run verbatim, in both eras."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from keystone_client import AsyncKeystoneClient, KeystoneClient

SEEDS = Path(__file__).parents[1] / "seeds"
TEXT = (SEEDS / "keystone_tokens.txt").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
LOGIN = {"username": "username", "password": "password"}


def test_the_snippets_run_as_they_are(keystone, capsys):
    names: dict[str, Any] = {}
    for snippet in SNIPPETS[:-1]:
        exec(snippet, names)
        if ".logout()" in snippet:
            assert not names["client"].is_authenticated
            names["client"].login(**LOGIN)
    assert capsys.readouterr().out.splitlines() == ["200", str(keystone.version.encode())]
    assert names["new_record_data"]["name"] == "New-Cluster"
    assert [each["id"] for each in names["all_cluster_data"]] == [1]
    assert names["cluster_pk_one"] == names["new_record_data"]
    assert names["updated_record_data"]["description"] == "Updated description"
    assert names["client"].retrieve_cluster() == []
    with pytest.raises(requests.HTTPError) as raised:
        exec(SNIPPETS[-1], names)
    assert raised.value.response.status_code == 404
    names["client"].close()


def test_both_documents_have_the_same_code():
    other = (SEEDS / "keystone.txt").read_text(encoding="utf-8")
    assert len(SNIPPETS) == 9
    for snippet in SNIPPETS:
        for line in snippet.splitlines():
            code = line.partition("  #")[0].rstrip()
            assert code in other


@pytest.mark.parametrize("kind", [KeystoneClient, AsyncKeystoneClient])
def test_every_method_of_the_text_is_there(kind):
    for name in re.findall(r"`(http_\w+)`", TEXT):
        assert hasattr(kind, name)
