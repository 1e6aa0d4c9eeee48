import subprocess
import sys

import pytest

from kinto_http.slugs import is_changed_by_slugify, slugify


@pytest.mark.parametrize("valid", ["a", "0", "Draft_1", "A-b-", "c6894b2c-1856-11e6-9415-3c970ede22b0"])
def test_a_valid_id_stays(valid):
    assert slugify(valid) == valid
    assert not is_changed_by_slugify(valid)


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        ("a.b c", "ab-c"),
        ("é/x", "ex"),
        ("北京", "bei-jing"),
        ("Ünïcode Straße", "unicode-strasse"),
        ("  a  -  b  ", "a-b"),
        ("a\n", "a"),
        ("A\n", "a"),
        ("a\x00b", "ab"),
        ("../../etc", "etc"),
        ("a?b#c%2F", "abc2f"),
        (".", ""),
    ],
)
def test_anything_else_is_folded(value, slug):
    assert slugify(value) == slug
    assert is_changed_by_slugify(value)


@pytest.mark.parametrize(("value", "slug"), [(0, "0"), (42, "42"), (True, "True"), (1.5, "15")])
def test_what_is_not_text_becomes_text(value, slug):
    assert slugify(value) == slug


def test_an_invalid_id_may_come_through_unchanged():
    """The server will refuse it; that the path names another object is no danger."""
    assert slugify("_a") == "_a"
    assert not is_changed_by_slugify("_a")


def test_the_tables_are_loaded_for_invalid_ids_only():
    script = (
        "import sys; from kinto_http.slugs import slugify; slugify('a'); before = 'unidecode' in sys.modules;"
        "slugify('é'); print(before, 'unidecode' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
