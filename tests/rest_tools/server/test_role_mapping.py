from __future__ import annotations

import pytest

from rest_tools.server.role_mapping import NameMapping, claim_at

CLAIMS = {"a": {"b": {"c": 1}, "n": None}, "s": "text", "l": ["x", "y1", 7, None, ["x"]], "scope": "one two:three"}


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.b.c", 1), ("a.b", {"c": 1}), ("a.x", None), ("s.x", None), ("a.n.x", None), ("l.0", None), ("", None)],
)
def test_claim_at(path, found):
    assert claim_at(CLAIMS, path) == found


@pytest.mark.parametrize(
    ("expressions", "names"),
    [
        ({"r": ["s=text"]}, {"r"}),
        ({"r": ["s=tex"]}, set()),
        ({"r": ["s=ext"]}, set()),
        ({"r": ["s=nothing", "l=x"]}, {"r"}),
        ({"r": ["missing=.*"], "q": ["a.b.c=1"], "p": ["a.n.x=.*"]}, set()),
        ({"r": ["scope=one"], "q": ["scope=one two:three"]}, {"r"}),
        ({r"\1-x": [r"l=(y\d)", r"scope=two:(\w+)"]}, {"y1-x", "three-x"}),
        ({r"\g<n>/": [r"l=(?P<n>.)"]}, {"x/"}),
        ({"a-b": ["s=(x)?text"]}, {"a-b"}),
        ({r"\1-": ["s=(x)?text"]}, {"-"}),
        ({"r": ["s=a=b"]}, set()),
        ({"r": []}, set()),
        ({}, set()),
    ],
)
def test_names(expressions, names):
    assert NameMapping(expressions).names(CLAIMS) == names


def test_an_expression_is_split_at_the_first_equals_sign():
    assert NameMapping({"r": ["s=a=b"]}).names({"s": "a=b"}) == {"r"}


@pytest.mark.parametrize(
    ("expressions", "text"),
    [
        ({"r": ["groups"]}, "claim.path=REGEX"),
        ({"r": ["groups=("]}, "groups=("),
        ({r"\2": ["groups=(x)"]}, "does not fit"),
        ({r"\g<n>": ["groups=(x)"]}, "does not fit"),
        ({"\\": ["groups=(x)"]}, "does not fit"),
        ({"r": "groups=x"}, "list"),
    ],
)
def test_a_wrong_one_is_refused_at_once(expressions, text):
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        NameMapping(expressions)
    assert text in str(raised.value)
