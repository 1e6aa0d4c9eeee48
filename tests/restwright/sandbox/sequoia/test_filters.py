"""`with<Field>=<value>`, `q` and `sort`, on both databases: as a model in plain Python has it, and the client."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restwright import where
from restwright.sandbox.sequoia.filters import Malformed, parse
from restwright.sandbox.sequoia.values import as_moment, as_number
from sequoia.criteria.filters import filters

FILMS = (
    {"name": "a", "title": "Alpha", "year": 1924, "tags": ["x", "y"], "at": "2026-01-02", "deep": {"er": [{"n": 1}]}},
    {"name": "b", "title": "Beta%", "year": 1930.5, "tags": ["y"], "at": "2026-01-02T12:00:00+02:00", "ok": True},
    {
        "name": "c",
        "title": "alphabet",
        "year": "1924",
        "tags": [],
        "at": "soon",
        "ok": False,
        "deep": {"er": [{"n": 2}]},
    },
    {"name": "d", "title": "\u00c9t\u00e9_", "year": -3, "tags": None, "deep": {}},
    {"name": "e", "title": "Gamma " + "g" * 500, "year": [5, 2000], "ISBN": "1-2"},
)


@pytest.fixture
def films(api_everywhere):
    api_everywhere.make("contents", *FILMS)
    return api_everywhere


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"withRef": "o:b"}, "b"),
        ({"withTitle": "Alpha"}, "a"),
        ({"withTitle": "!Alpha"}, "bcde"),
        ({"withTitle": "Al*"}, "a"),
        ({"withTitle": "al*"}, "c"),
        ({"withTitle": "\u00c9*"}, "d"),
        ({"withTitle": "!Al*"}, "bcde"),
        ({"withTitle": "Alpha||alphabet||nothing"}, "ac"),
        ({"withTitle": "!Alpha||al*"}, "bde"),
        ({"withTitle": "Gamma " + "g" * 500}, "e"),
        ({"withTitle": "Beta%"}, "b"),
        ({"withTitle": "B_ta*"}, ""),
        ({"withTags": "y"}, "ab"),
        ({"withTags": "!x"}, "bcde"),
        ({"withTags": "*"}, "ab"),
        ({"withTags": "!*"}, "cde"),
        ({"withYear": "1924"}, "ac"),
        ({"withYear": "1924.0"}, "a"),
        ({"withYear": "1924/1931"}, "abc"),
        ({"withYear": "1924/"}, "abce"),
        ({"withYear": "!/1924"}, "be"),
        ({"withYear": "/1924"}, "acde"),
        ({"withYear": "!1924/"}, "de"),
        ({"withYear": "!0/1999"}, "de"),
        ({"withYear": "10/20"}, "c"),
        ({"withAt": "2026-01-02"}, "a"),
        ({"withAt": "2026-01-02T10:00:00Z"}, "b"),
        ({"withAt": "2026-01-02/2026-01-02T11:00:00Z"}, "ab"),
        ({"withAt": "!/2026-01-02"}, "bc"),
        ({"withAt": "2026/2027"}, "ab"),
        ({"withAt": "2026*"}, "ab"),
        ({"withDeep.er.n": "2"}, "c"),
        ({"withDeep.er.n": "1/"}, "ac"),
        ({"withDeep": "*"}, "acd"),
        ({"withDeep.er": "*"}, "ac"),
        ({"withOk": "true"}, "b"),
        ({"withOk": "!false"}, "abde"),
        ({"withISBN": "1-2"}, "e"),
        ({"withNothing": "!x"}, "abcde"),
        ({"withYear": "1924", "withTags": "x"}, "a"),
        ({"q": "ALPHA"}, "ac"),
        ({"q": "alpha bet"}, "c"),
        ({"q": "\u00e9T\u00c9"}, "d"),
        ({"q": "%"}, "b"),
        ({"q": "_"}, "d"),
        ({"q": "1924"}, "c"),
        ({"sort": "title"}, "abecd"),
        ({"sort": "-title"}, "dceba"),
        ({"sort": "year"}, "deabc"),
        ({"sort": "-year"}, "baedc"),
        ({"sort": "at,-name"}, "abced"),
        ({"sort": "-at,name"}, "bacde"),
        ({"sort": "tags,-name"}, "abedc"),
    ],
)
def test_what_is_found(films, query, names):
    found = films.names(**query)
    assert ("".join(found) if "sort" in query else "".join(sorted(found))) == names


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"withTitle": ""}, "withTitle= cannot be read: it is empty"),
        ({"withTitle": "!"}, "withTitle=! cannot be read: it is empty"),
        ({"withTitle": "!!a"}, "more than one !"),
        ({"withTitle": "a*b"}, "a * is at the end"),
        ({"withTitle": "**"}, "before * there is a text"),
        ({"withTitle": "a||"}, "beside || and before * there is a text"),
        ({"withTitle": "a||b/c"}, "/ and || do not go together"),
        ({"withTitle": "/"}, "a range has a bound"),
        ({"withTitle": "a/b/c"}, "a range has one /"),
        ({"withTitle": "a*/b"}, "the bounds of a range have no *"),
        ({"withTitle": ["a", "b"]}, "withTitle is given more than once"),
        ({"withTitle": b"\xff"}, "withTitle is not UTF-8"),
        ({"withTitle": "\0"}, "withTitle has the character U+0000"),
        ({"with": "a"}, "there is no parameter 'with' here"),
        ({"without": "a"}, "there is no parameter 'without' here"),
        ({"limit": "5"}, "there is no parameter 'limit' here"),
        ({"q": " "}, "q is empty"),
        ({"sort": "a,"}, "sort must be names with commas between them, got 'a,'"),
        ({"sort": "-"}, "sort must be names"),
        ({"count": "yes"}, "count must be true or false, got 'yes'"),
        ({"fields": ""}, "fields is empty"),
        ({"page": "0"}, "page must be a number, 1 to 1000000000000, got '0'"),
        ({"page": "1", "continue": "true"}, "page is given beside continue"),
        ({"perPage": "1001"}, "perPage must be a number, 1 to 1000, got '1001'"),
        ({"perPage": "\u0663"}, "perPage must be a number"),
        ({"continue": "nonsense"}, "continue must be true, or of the link of the page before, got 'nonsense'"),
        ({"include": "films"}, "include has 'films', but contents can include categories, assets, offers"),
        ({"assets.fields": "a"}, "there is no parameter 'assets.fields' here"),
    ],
)
def test_what_cannot_be_read_is_told_by_name(api, query, words):
    assert words in api.refused(400, api.get("/data/contents", **query))


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        (where("year") == 1924, "ac"),
        (where("year") != 1924, "bde"),
        (where("year") > 1924, "be"),
        (where("year") < 0, "d"),
        (where("year").between(1900, 1950), "abc"),
        (where("at") >= datetime.date(2026, 1, 2), "abc"),
        (where("at") <= datetime.datetime(2026, 1, 2, 11, tzinfo=datetime.UTC), "ab"),
        (where("title").is_in(["Alpha", "alphabet"]), "ac"),
        (where("title").starts_with("Al"), "a"),
        (where("ok") == True, "b"),  # noqa: E712
        (where("ok").is_missing(), "ade"),
        (where("deep.er.n").is_present(), "ac"),
    ],
)
def test_criteria_of_the_client_mean_what_they_say(films, criteria, names):
    assert "".join(films.names(**filters(criteria))) == names


# --- a model of the grammar, against both databases ---

_owners = itertools.count()
_texts = st.text(st.sampled_from("ab1.-Z\u00e9\U0001f600"), min_size=1, max_size=3)
_dates = st.sampled_from(
    ["2026-01-02", "2026-01-02T00:00:00Z", "2026-01-02T01:00:00+01:00", "2026-02-30", "1969-12-31"]
)
_numbers = st.integers(-3, 12) | st.floats(-2, 2, allow_nan=False).map(
    lambda number: round(number, 1) + 0.0
)  # not -0.0
_scalars = st.none() | st.booleans() | _numbers | _texts | _dates
_values = _scalars | st.lists(_scalars, max_size=3) | st.fixed_dictionaries({"b": _scalars})
_words = _texts | _dates | _numbers.map(str) | st.sampled_from(["true", "false"])
_queries = st.tuples(
    st.sampled_from(["", "!"]),
    st.one_of(
        st.just("*"),
        _words,
        _words.map("{}*".format),
        _words.map("{}/".format),
        _words.map("/{}".format),
        st.tuples(_words, _words).map("/".join),
        st.lists(_words | _words.map("{}*".format), min_size=2, max_size=3).map("||".join),
    ),
).map("".join)


def members(value):
    return [one for inner in value for one in members(inner)] if isinstance(value, list) else [value]


def order(value, bound):
    """Below, at or above; None if they cannot be compared."""
    if isinstance(value, (bool, dict)):
        return None
    if isinstance(value, str):
        mine, other = as_moment(value), as_moment(bound)
        if mine is None or other is None:
            mine, other = value, bound
    else:
        mine, other = value, as_number(bound)
    return None if other is None else (mine > other) - (mine < other)


def equals(value, text):
    if isinstance(value, dict):
        return False
    if isinstance(value, bool):
        return text == str(value).lower()
    return value == text or order(value, text) == 0


def shown(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ""
    return value if isinstance(value, str) else f"{value:g}"


def matches(value, query):
    """What the documentation says, in the plainest words."""
    values = [one for one in members(value) if one is not None]
    negated, body = query.startswith("!"), query.removeprefix("!")
    if body == "*":
        return bool(values) != negated
    if "/" in body:
        low, high = body.split("/")
        orders = [(order(one, low) if low else 1, order(one, high) if high else -1) for one in values]
        if negated:
            return any((low and a is not None and a < 0) or (high and b is not None and b > 0) for a, b in orders)
        return any(a is not None and b is not None and a >= 0 >= b for a, b in orders)
    parts = body.split("||")
    found = any(
        shown(one).startswith(part[:-1]) if part.endswith("*") else equals(one, part)
        for one in values
        for part in parts
    )
    return found != negated


@given(data=st.data())
@settings(max_examples=12)
def test_filters_are_those_of_the_model(everywhere, api_everywhere, data):
    owner = f"o{next(_owners)}"  # each example has one of its own, which is quicker than a reset
    values = data.draw(st.lists(_values, min_size=1, max_size=12))
    everywhere.load("metadata", "contents", ({"name": str(n), "a": one} for n, one in enumerate(values)), owner=owner)
    for query in data.draw(st.lists(_queries, min_size=5, max_size=20)):
        expected = [str(n) for n, one in enumerate(values) if matches(one, query)]
        assert api_everywhere.names(owner=owner, withA=query) == expected, (query, values)


@given(st.text(st.sampled_from("ab!*/|"), max_size=8))
def test_a_value_has_a_meaning_or_is_malformed(text):
    try:
        meant = parse(text)
    except Malformed:
        return
    assert meant.negated == text.startswith("!")
