"""Whatever is sent: what was meant comes out, and what goes wrong is a 400."""

from __future__ import annotations

import argparse
import enum
import json
import math
import re
from functools import cached_property
from urllib.parse import quote_from_bytes, urlencode

import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import HTTPError

from rest_tools.server.arghandler import ArgumentHandler, ArgumentSource
from rest_tools.server.arguments import MAX_ITEMS, Argument, Arguments, ArgumentsError
from rest_tools.server.handler import RestHandler
from rest_tools.server.server import RestServer
from rest_tools.utils.json_util import JSONConverters

QUERY, JSON = ArgumentSource.QUERY_ARGUMENTS, ArgumentSource.JSON_BODY_ARGUMENTS


class Colour(enum.Enum):
    RED = "red"


def fails(value):
    raise RecursionError(value)


def objects(value):
    raise argparse.ArgumentTypeError(f"{value!r}\n is \x00 not wanted")


TYPES = [None, str, int, float, bool, list, dict, Colour, len, ord, math.sqrt, json.loads, fails, objects]

any_text = st.text(st.characters())  # JSON can have lone surrogates, which UTF-8 cannot
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: not name.startswith("-") and name != "help"
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)
marks = st.tuples(st.sampled_from(["__jsonclass__", "a"]), st.sampled_from([*JSONConverters, "repr"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.dates().map(str),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(any_text, inner)
        | st.builds(
            lambda mark, payload: {mark[0]: [mark[1], payload]}, marks, inner | st.lists(st.tuples(inner, inner))
        )
    ),
    max_leaves=10,
)
options = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES),
        "nargs": st.sampled_from([None, "?", "*", "+", 1, 2]),
        "action": st.sampled_from(["store", "append", "extend"]),
        "choices": st.lists(values, max_size=3) | st.sampled_from([{"a", 1}, range(3), "abc"]),
        "default": values.filter(lambda value: not isinstance(value, str)),
        "strict": st.booleans(),
        "max_items": st.integers(0, 3),
        "max_length": st.integers(0, 3),
    },
).filter(lambda given_options: given_options.get("action") != "extend" or given_options.get("nargs") not in {None, "?"})


class Handler:
    """What the parser knows of a request, with the reading of its body as handlers have it."""

    def __init__(self, query: str = "", body: bytes = b"") -> None:
        self.request = HTTPServerRequest(
            headers=HTTPHeaders({"Host": "a"}), start_line=RequestStartLine("GET", f"/?{query}", "HTTP/1.1"), body=body
        )

    json_body_arguments = cached_property(RestHandler.json_body_arguments.func)


def parse_or_400(declared: Arguments, handler: Handler) -> argparse.Namespace | None:
    try:
        return declared.parse(handler)
    except ArgumentsError as error:
        check(error)
        return None
    except HTTPError as error:
        if error.status_code == 400:  # no JSON object at all
            return None
        raise


def check(error: ArgumentsError) -> None:
    assert error.status_code == 400
    assert error.errors
    for entry in error.errors:
        assert set(entry) == {"field", "message"}
        assert all(text.isprintable() for text in entry.values())  # no lone surrogates either
    assert error.error.isprintable()
    assert error.reason == error.error


@given(st.dictionaries(names, st.lists(texts, min_size=1, max_size=5), max_size=5))
def test_texts_come_as_they_were_sent(sent):
    declared = Arguments(QUERY, *[Argument(name, dest=name, nargs="+") for name in sent])
    assert vars(declared.parse(Handler(urlencode(sent, doseq=True)))) == sent


@given(
    st.fixed_dictionaries(
        {"int": st.integers(), "float": st.floats(allow_nan=False, allow_infinity=False), "bool": st.booleans()}
    ),
    st.sampled_from([QUERY, JSON]),
    st.booleans(),
)
def test_numbers_and_truths_come_as_they_were_sent(sent, source, strict):
    declared = Arguments(source, *[Argument(kind.__name__, type=kind) for kind in (int, float, bool)], strict=strict)
    result = declared.parse(Handler(urlencode(sent), json.dumps(sent).encode()))
    assert vars(result) == sent
    assert [type(value) for value in vars(result).values()] == [int, float, bool]


@given(
    st.fixed_dictionaries(
        {
            "str": st.lists(texts, min_size=1),
            "int": st.lists(st.integers(), min_size=1),
            "float": st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1),
            "bool": st.lists(st.booleans(), min_size=1),
        }
    ),
    st.sampled_from([QUERY, JSON]),
    st.booleans(),
)
def test_lists_come_as_they_were_sent(sent, source, strict):
    kinds = (str, int, float, bool)
    declared = Arguments(source, *[Argument(kind.__name__, type=kind, nargs="*") for kind in kinds], strict=strict)
    result = vars(declared.parse(Handler(urlencode(sent, doseq=True), json.dumps(sent).encode())))
    assert result == sent
    assert all(type(value) is kind for kind in kinds for value in result[kind.__name__])


@given(st.dictionaries(names, json_values, max_size=5), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_json_comes_as_it_was_sent(sent, encoding):
    declared = Arguments(JSON, *[Argument(name, dest=name) for name in sent], strict=True)
    assert vars(declared.parse(Handler(body=json.dumps(sent, ensure_ascii=False).encode(encoding)))) == sent


@given(st.lists(json_values), st.dictionaries(texts, json_values))
def test_lists_and_objects_come_as_they_were_sent(items, members):
    declared = Arguments(JSON, Argument("items", type=list), Argument("members", type=dict), strict=True)
    sent = {"items": items, "members": members}
    assert vars(declared.parse(Handler(body=json.dumps(sent).encode()))) == sent


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from("abcd"), options, max_size=4),
    st.dictionaries(st.sampled_from("abcd") | st.text(), values, max_size=5),
)
def test_any_json_fits_or_is_a_400(declared, sent):
    arguments = Arguments(JSON, *[Argument(name, **given_options) for name, given_options in declared.items()])
    result = parse_or_400(arguments, Handler(body=json.dumps(sent).encode()))
    assert result is None or set(vars(result)) == set(declared)


json_bodies = st.dictionaries(st.sampled_from("abc") | any_text, values, max_size=4).map(json.dumps).map(str.encode)
form_bodies = st.lists(st.tuples(st.sampled_from("abc"), st.binary()), max_size=4).map(urlencode).map(str.encode)


@st.composite
def damaged_bodies(draw):
    """JSON with something cut out and something put in."""
    body = draw(json_bodies | values.map(json.dumps).map(str.encode))
    start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    return body[:start] + draw(st.binary(max_size=4)) + body[end:]


@settings(max_examples=200)
@given(options, options, st.binary() | damaged_bodies() | st.text().map(lambda text: text.encode("utf-16")))
@example({"default": 0}, {"default": 0}, b'{"__jsonclass__": ["OrderedDict", [[1, 2], [null, 3]]]}')
@example({}, {}, b'{"a": 1, "a": 2, "b": {"x": 1, "x": 2}}')
@example({"type": int}, {"type": float}, b'{"a": ' + b"9" * 5000 + b', "b": 1e999}')
def test_any_body_fits_or_is_a_400(first, second, body):
    arguments = Arguments(JSON, Argument("a", **first), Argument("b", **second))
    result = parse_or_400(arguments, Handler(body=body))
    assert result is None or set(vars(result)) == {"a", "b"}


@given(options, st.sampled_from([("[", "]"), ('{"a":', "}")]), st.integers(0, 3000) | st.just(100_000), st.booleans())
def test_any_depth_fits_or_is_a_400(declared, brackets, depth, is_closed):
    opening, closing = brackets
    text = '{"a":' + opening * depth + "1" + (closing * depth + "}") * is_closed
    parse_or_400(Arguments(JSON, Argument("a", **declared)), Handler(body=text.encode()))


@pytest.mark.parametrize("source", [QUERY, JSON])
@pytest.mark.parametrize("count", [100_000, 100_001])
def test_a_list_has_at_most_so_many_items(source, count):
    handler = Handler(body=json.dumps({"a": list(range(count))}).encode())
    handler.request.arguments = {"a": [b"%d" % number for number in range(count)]}
    result = parse_or_400(Arguments(source, Argument("a", type=int, nargs="*"), strict=True), handler)
    assert result is None if count > MAX_ITEMS else result.a == list(range(count))


@pytest.mark.parametrize("source", [QUERY, JSON])
def test_of_very_many_unknown_keys_some_are_named(source):
    keys = [f"key{number}" for number in range(100_000)]
    handler = Handler(body=json.dumps(dict.fromkeys(keys)).encode())
    handler.request.arguments = {key: [b""] for key in keys}
    with pytest.raises(ArgumentsError) as raised:
        Arguments(source).parse(handler)
    check(raised.value)
    assert len(raised.value.errors) == 20


@given(st.lists(texts, min_size=2, max_size=5), st.sampled_from([QUERY, JSON]))
def test_a_key_that_is_repeated(sent, source):
    """In a query it is too much, save for lists; of an object's members of the same name the last one counts."""
    query = urlencode([("a", value) for value in sent])
    body = "{" + ",".join(f'"a": {json.dumps(value)}' for value in sent) + "}"
    result = parse_or_400(Arguments(source, Argument("a", type=str)), Handler(query, body.encode()))
    assert result is None if source is QUERY else result.a == sent[-1]


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from("abcd"), options, max_size=4),
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]) | st.binary(), st.binary()), max_size=8),
)
def test_any_query_fits_or_is_a_400(declared, sent):
    arguments = Arguments(QUERY, *[Argument(name, **given_options) for name, given_options in declared.items()])
    query = "&".join(f"{quote_from_bytes(key)}={quote_from_bytes(value)}" for key, value in sent)
    result = parse_or_400(arguments, Handler(query))
    assert result is None or set(vars(result)) == set(declared)


@given(st.text(st.characters(max_codepoint=255)))
def test_any_raw_query_fits_or_is_a_400(query):
    arguments = Arguments(QUERY, Argument("a", type=int, default=0), Argument("b", nargs="*", default=[]))
    parse_or_400(arguments, Handler(query))


@given(options, st.text(max_size=3))
def test_the_handler_says_what_the_collection_says(declared, sent):
    collected = Arguments(QUERY, Argument("a", **declared))
    handler = Handler(urlencode({"a": sent}, errors="replace"))
    argo = ArgumentHandler(QUERY, handler)
    argo.add_argument("a", **declared)
    assert repr(outcome(collected.parse, handler)) == repr(outcome(argo.parse_args))


def outcome(parse, *args):
    try:
        return parse(*args)
    except ArgumentsError as error:
        return re.sub(r"\(\d+\.\d+\)", "(time)", repr((error.error, error.errors)))


@pytest.fixture
def url(serving):
    class Fruits(RestHandler):
        def get(self) -> None:
            self.answer(QUERY)

        def post(self) -> None:
            self.answer(JSON)

        def answer(self, source: ArgumentSource) -> None:
            argo = ArgumentHandler(source, self)
            argo.add_argument("a", type=int, default=0)
            argo.add_argument("b", nargs="*", choices=["x", "y"], default=[])
            argo.add_argument("c", type=dict, default={})
            argo.parse_args()
            self.write({})

    server = RestServer()
    server.add_route("/", Fruits)
    with serving(server) as url:
        yield url


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]) | st.binary(), st.binary()), max_size=5),
    st.binary() | json_bodies | damaged_bodies() | form_bodies,
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]),
)
def test_a_server_answers_200_or_400(url, query, body, content_type):
    with requests.Session() as session:
        for method in ("GET", "POST"):
            headers = {"Content-Type": content_type}
            answer = session.request(method, url, params=query, data=body, headers=headers, timeout=10)
            assert answer.status_code in {200, 400}
            assert answer.status_code == 200 or answer.reason.isascii()
