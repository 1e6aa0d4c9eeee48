"""Whatever is sent: what was meant comes out, and what goes wrong is a 400."""

from __future__ import annotations

import argparse
import json
from urllib.parse import quote_from_bytes, urlencode

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from rest_tools.server.arghandler import ArgumentHandler, ArgumentSource
from rest_tools.server.arguments import Argument, Arguments, ArgumentsError
from rest_tools.server.handler import RestHandler
from rest_tools.server.server import RestServer

# No time limit per example, for the machine may be busy; no files of examples in the project.
settings.register_profile("arguments", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("arguments")

QUERY, JSON = ArgumentSource.QUERY_ARGUMENTS, ArgumentSource.JSON_BODY_ARGUMENTS
TYPES = [None, str, int, float, bool, list, dict]

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: not name.startswith("-") and name != "help"
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
options = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES),
        "nargs": st.sampled_from([None, "?", "*", "+", 1, 2]),
        "action": st.sampled_from(["store", "append"]),
        "choices": st.lists(values, max_size=3) | st.just({"a", 1}),
        "default": values.filter(lambda value: not isinstance(value, str)),
        "strict": st.booleans(),
        "max_items": st.integers(0, 3),
        "max_length": st.integers(0, 3),
    },
)


class Handler:
    def __init__(self, query: str = "", body=None) -> None:
        self.request = HTTPServerRequest(
            headers=HTTPHeaders({"Host": "a"}), start_line=RequestStartLine("GET", f"/?{query}", "HTTP/1.1")
        )
        self.json_body_arguments = body or {}


def parse_or_400(declared: Arguments, handler: Handler) -> argparse.Namespace | None:
    try:
        return declared.parse(handler)
    except ArgumentsError as error:
        check(error)
        return None


def check(error: ArgumentsError) -> None:
    assert error.status_code == 400
    assert error.errors
    for entry in error.errors:
        assert set(entry) == {"field", "message"}
        assert all(text.isprintable() for text in entry.values())  # no lone surrogates either
    assert error.error.isprintable()
    assert error.reason is None or (error.reason == error.error and error.reason.isascii())


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
    result = declared.parse(Handler(urlencode(sent), sent))
    assert vars(result) == sent
    assert [type(value) for value in vars(result).values()] == [int, float, bool]


@given(st.dictionaries(names, values, max_size=5))
def test_json_comes_as_it_was_sent(sent):
    declared = Arguments(JSON, *[Argument(name, dest=name) for name in sent])
    assert vars(declared.parse(Handler(body=sent))) == sent


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from("abcd"), options, max_size=4),
    st.dictionaries(st.sampled_from("abcd") | st.text(), values, max_size=5),
)
def test_any_json_fits_or_is_a_400(declared, sent):
    arguments = Arguments(JSON, *[Argument(name, **given_options) for name, given_options in declared.items()])
    result = parse_or_400(arguments, Handler(body=sent))
    assert result is None or set(vars(result)) == set(declared)


@settings(max_examples=300)
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
        return error.error, error.errors


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


json_bodies = st.dictionaries(st.sampled_from("abc") | st.text(), values, max_size=4).map(json.dumps).map(str.encode)
form_bodies = st.lists(st.tuples(st.sampled_from("abc"), st.binary()), max_size=4).map(urlencode).map(str.encode)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]) | st.binary(), st.binary()), max_size=5),
    st.binary() | json_bodies | form_bodies,
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]),
)
def test_a_server_answers_200_or_400(url, query, body, content_type):
    with requests.Session() as session:
        for method in ("GET", "POST"):
            headers = {"Content-Type": content_type}
            answer = session.request(method, url, params=query, data=body, headers=headers, timeout=10)
            assert answer.status_code in {200, 400}
            assert answer.status_code == 200 or answer.reason.isascii()
