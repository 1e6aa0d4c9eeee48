from __future__ import annotations

import pytest

from rest_tools.utils.redaction import redact, traceback_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/login?code=abc&state=d%20e&x=1", "/login?code=***&state=***&x=1"),
        ("/login?x=1;CODE=abc", "/login?x=1;CODE=***"),
        ("/x?access_token=a.b-c_d&id_token=1&refresh_token=2&token=3", None),
        ("/x?client_secret=1&password=2&session_state=3&code_verifier=4&nonce=5", None),
        ("code=abc", "code=***"),
        ("/x?%74oken=abc&access%5Ftoken=d&a=1", "/x?%74oken=***&access%5Ftoken=***&a=1"),
        ("/x?postcode=1&statement=2&encode=3", "/x?postcode=1&statement=2&encode=3"),
        ("/code=1/state=2", "/code=1/state=2"),
        ("/x?code=", "/x?code="),
        ("for url: https://a.example/?token=abc (x)", "for url: https://a.example/?token=*** (x)"),
        ("{'Authorization': 'Bearer abcdefgh.ijk'}", "{'Authorization': 'Bearer ***'}"),
        ("Basic YWJjZGVmZ2g=", "Basic ***"),
        ("the bearer of news", "the bearer of news"),
    ],
)
def test_redact(text, shown):
    if shown is None:
        assert redact(text).count("***") == text.count("=")
    else:
        assert redact(text) == shown


def test_a_traceback_has_its_causes_and_no_secrets():
    error = ValueError("Bearer s3cr3ts3cr3t")
    error.__cause__ = KeyError("https://a.example/?state=s3cr3t")
    text = traceback_of(error)
    assert "KeyError: 'https://a.example/?state=***'" in text
    assert "ValueError: Bearer ***" in text
    assert "direct cause" in text
    assert "s3cr3t" not in text
