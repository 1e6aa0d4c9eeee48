from __future__ import annotations

import pytest

from restwright.headers import ETag, parse_etag, parse_etags, quote_etag


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ('"1533762576015"', ETag("1533762576015")),
        ('W/"1"', ETag("1", weak=True)),
        ('""', ETag("")),
        (' "a"\t', ETag("a")),
        ('"a\\b,\xe9"', ETag("a\\b,\xe9")),
    ],
)
def test_entity_tags(value, tag):
    assert parse_etag(value) == tag
    assert str(tag) == value.strip()


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "1",
        '"',
        '"a',
        'a"',
        'w/"a"',
        'W/ "a"',
        "W/a",
        '"a"b"',
        '"a", "b"',
        '"a b"',
        '"\x00"',
        '"\u20ac"',
        "*",
        '"a\r\nX: y"',
        '"\ud800"',
        '"' * 1_000_000,
        '"' + "a" * 1_000_000,
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_garbage(value):
    assert parse_etag(value) is None


# RFC 9110, 8.8.3.2: the table of the standard.
@pytest.mark.parametrize(
    ("one", "other", "strongly", "weakly"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', 'W/"1"', False, True),
        ('"1"', '"1"', True, True),
    ],
)
def test_comparison(one, other, strongly, weakly):
    assert parse_etag(one).matches_strongly(parse_etag(other)) is strongly
    assert parse_etag(one).matches_weakly(parse_etag(other)) is weakly


def test_quoting():
    assert quote_etag("42") == '"42"'
    assert quote_etag("42", weak=True) == 'W/"42"'
    assert quote_etag("") == '""'


@pytest.mark.parametrize("quoted", ['"42"', 'W/"42"'])
def test_what_is_quoted_stays(quoted):
    assert quote_etag(quoted) == quoted


@pytest.mark.parametrize("value", ['a"b', "a b", "a\r\nX-Injected: 1", "\x7f", "\u20ac", '"a"\n', '"'])
def test_what_cannot_be_quoted(value):
    with pytest.raises(ValueError, match="an entity tag holds"):
        quote_etag(value)


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"1"', [ETag("1")]),
        ('"1", W/"2"\t,"3"', [ETag("1"), ETag("2", weak=True), ETag("3")]),
        (' ,, "1" , ,"a,b",', [ETag("1"), ETag("a,b")]),
        ('""', [ETag("")]),
        ("*", None),
        ("", None),
        (" , ", None),
        ("1", None),
        ('"1" "2"', None),
        ('"1", 2', None),
        ('"1', None),
        ('w/"1"', None),
        ('"a b"', None),
    ],
)
def test_lists_of_entity_tags(value, tags):
    assert parse_etags(value) == tags


def test_a_long_list_takes_time_by_its_length():
    assert len(parse_etags(",".join(['"1"'] * 100_000))) == 100_000
    assert parse_etags(" ," * 500_000 + "x") is None
