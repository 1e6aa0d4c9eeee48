"""Every row of the contract's tables about arguments, over a real server."""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import re
import time
from collections.abc import Iterator

import pytest
import requests

from rest_tools.server import arghandler
from rest_tools.server.arghandler import ArgumentHandler, ArgumentSource
from rest_tools.server.handler import RestHandler
from rest_tools.server.server import RestServer

QUERY, JSON = ArgumentSource.QUERY_ARGUMENTS, ArgumentSource.JSON_BODY_ARGUMENTS


class Service:
    """A server whose one handler declares what the test says."""

    url: str

    def __init__(self) -> None:
        self.session = requests.Session()
        self.source, self.strict, self.declared = QUERY, False, []
        self.failures: list[Exception] = []

    def declare(self, source: ArgumentSource, *declared, strict: bool = False) -> None:
        self.source, self.strict, self.declared = source, strict, declared

    def ask(self, sent) -> requests.Response:
        """Text is a query, bytes are a body, all else is the JSON body."""
        if isinstance(sent, str):
            return self.session.get(f"{self.url}/?{sent}", timeout=10)
        data = sent if isinstance(sent, bytes) else json.dumps(sent)
        return self.session.post(self.url, data=data, timeout=10)

    def error(self, sent) -> str:
        answer = self.ask(sent)
        assert answer.status_code == 400, answer.text
        assert answer.json()["code"] == 400
        return answer.json()["error"]


@pytest.fixture
def service(serving) -> Iterator[Service]:
    service = Service()

    class Echo(RestHandler):
        def get(self) -> None:
            try:
                handler = ArgumentHandler(service.source, self, strict=service.strict)
                for name, *aliases, options in service.declared:
                    handler.add_argument(name, *aliases, **options)
            except Exception as error:
                service.failures.append(error)
                raise
            self.write({"args": json.loads(json.dumps(vars(handler.parse_args()), default=repr))})

        post = get

    server = RestServer()
    server.add_route("/", Echo)
    with serving(server) as service.url, service.session:
        yield service


def hello(_value):
    raise ValueError("not for the client")


def worded(value):
    raise argparse.ArgumentTypeError(f"no such thing: {value}\nand a second line")


def broken(_value):
    raise KeyError("something inside")


def even(value):
    if int(value) % 2:
        raise TypeError
    return int(value)


ACCEPTED = [
    # source, declared, sent, result
    (QUERY, ("name", {}), "name=x", {"name": "x"}),
    (QUERY, ("name", {}), "name=", {"name": ""}),
    (QUERY, ("name", {}), "name", {"name": ""}),
    (QUERY, ("name", {}), "name=%20+x%20", {"name": "  x "}),
    (QUERY, ("name", {}), "name=gr%C3%B6%C3%9Fe", {"name": "größe"}),
    (QUERY, ("größe", {"type": int}), "gr%C3%B6%C3%9Fe=7", {"größe": 7}),
    (QUERY, ("is-citrus", {"type": bool}), "is-citrus=Yes", {"is_citrus": True}),
    (QUERY, ("a", {"dest": "other", "metavar": "A", "help": "helps"}), "a=1", {"other": "1"}),
    (QUERY, ("a", {"default": None}), "", {"a": None}),
    (QUERY, ("a", {"default": "5", "type": int}), "", {"a": 5}),
    (
        QUERY,
        ("a", {"default": "2020-01-02", "type": datetime.date.fromisoformat}),
        "",
        {"a": "datetime.date(2020, 1, 2)"},
    ),
    (QUERY, ("a", {"default": 5, "type": str}), "", {"a": 5}),
    (QUERY, ("a", {"default": argparse.SUPPRESS}), "", {}),
    (QUERY, ("a", {"type": int, "choices": [1, 2], "default": 9}), "", {"a": 9}),
    (QUERY, ("a", {"type": int, "choices": range(5)}), "a=4", {"a": 4}),
    (QUERY, ("a", {"type": even}), "a=4", {"a": 4}),
    (QUERY, ("a", {"type": float}), "a=nan", {"a": float("nan")}),
    (QUERY, ("a", {"type": float}), "a=-1e5", {"a": -1e5}),
    (QUERY, ("a", {"type": int}), "a=-5", {"a": -5}),
    (QUERY, ("a", {}), "a=-x", {"a": "-x"}),
    (QUERY, ("a", {}), "a=--b=7", {"a": "--b=7"}),
    (QUERY, ("a", {}), "a=--help", {"a": "--help"}),
    (QUERY, ("a", {}), "a=--", {"a": "--"}),
    (QUERY, ("a", {"type": list}), "a=xy", {"a": ["x", "y"]}),
    (QUERY, ("a", {"nargs": "*", "type": int}), "a=1&a=-2", {"a": [1, -2]}),
    (QUERY, ("a", {"nargs": "*", "default": []}), "", {"a": []}),
    (QUERY, ("a", {"nargs": "+"}), "a=1", {"a": ["1"]}),
    (QUERY, ("a", {"nargs": 2, "type": int}), "a=2&a=1", {"a": [2, 1]}),
    (QUERY, ("a", {"nargs": 1}), "a=2", {"a": ["2"]}),
    (QUERY, ("a", {"nargs": "?", "const": "c"}), "a=", {"a": ""}),
    (QUERY, ("a", {"nargs": "?", "default": "d"}), "", {"a": "d"}),
    (QUERY, ("a", {"action": "append"}), "a=v", {"a": ["v"]}),
    (QUERY, ("a", {"action": "append", "default": ["d"]}), "a=v", {"a": ["d", "v"]}),
    (QUERY, ("a", {"action": "append", "nargs": 2}), "a=v&a=w", {"a": [["v", "w"]]}),
    (QUERY, ("a", {"action": "extend", "nargs": "+"}), "a=v&a=w", {"a": ["v", "w"]}),
    (QUERY, ("a", {"action": "extend", "nargs": "+", "default": ["d"]}), "a=v", {"a": ["d", "v"]}),
    (QUERY, ("a", "--zed", {}), "zed=1", {"a": "1"}),
    (QUERY, ("a", "--zed", {"nargs": "*"}), "zed=1&a=2", {"a": ["1", "2"]}),
    (QUERY, ("h", {"type": int}), "h=1", {"h": 1}),
    (JSON, ("a", {}), {"a": None}, {"a": None}),
    (JSON, ("a", {}), {"a": {"b": [1]}}, {"a": {"b": [1]}}),
    (JSON, ("a", {"type": int}), {"a": 5.7}, {"a": 5}),
    (JSON, ("a", {"type": int}), {"a": True}, {"a": 1}),
    (JSON, ("a", {"type": int}), {"a": "5"}, {"a": 5}),
    (JSON, ("a", {"type": str}), {"a": None}, {"a": "None"}),
    (JSON, ("a", {"type": list}), {"a": "ab"}, {"a": ["a", "b"]}),
    (JSON, ("a", {"type": list}), {"a": [1, 2]}, {"a": [1, 2]}),
    (JSON, ("a", {"type": dict}), {"a": [["k", 1]]}, {"a": {"k": 1}}),
    (JSON, ("a", {"nargs": "*", "type": int}), {"a": [1, "2"]}, {"a": [1, 2]}),  # defect 33
    (JSON, ("a", {"nargs": "*", "type": int}), {"a": 3}, {"a": [3]}),
    (JSON, ("a", {"nargs": "*"}), {"a": []}, {"a": []}),
    (JSON, ("a", {"nargs": 2}), {"a": [1, 2]}, {"a": [1, 2]}),
    (JSON, ("a", {"nargs": "?", "type": int}), {"a": 1}, {"a": 1}),
    (JSON, ("a", {"action": "append"}), {"a": 1}, {"a": [1]}),
    (JSON, ("a", "--zed", {}), {"zed": 1}, {"a": 1}),
    (JSON, ("a", {"default": 3}), b"", {"a": 3}),
    (JSON, ("a", {"type": int}), b'{"a": 1, "a": 2}', {"a": 2}),
]
ACCEPTED += [
    (source, ("a", {"type": bool}), sent, {"a": truth})
    for words, truth in (("y yes t true on 1 TRUE oN", True), ("n no f false off 0 False", False))
    for word in words.split()
    for source, sent in ((QUERY, f"a={word}"), (JSON, {"a": word}))
]
ACCEPTED += [
    (JSON, ("a", {"type": bool}), {"a": value}, {"a": truth})
    for value, truth in ((True, True), (7, True), ([0], True), (0, False), (None, False), ([], False), ({}, False))
]


@pytest.mark.parametrize(("source", "declared", "sent", "result"), ACCEPTED)
def test_accepted(service, source, declared, sent, result):
    service.declare(source, declared)
    answer = service.ask(sent)
    assert (answer.status_code, repr(answer.json().get("args"))) == (200, repr(result)), answer.text


INVALID = "argument a: invalid type"
REJECTED = [
    # source, declared, sent, text
    (QUERY, [("name", {}), ("amount", {"type": int})], "", "the following arguments are required: name, amount"),
    (QUERY, [("n-a", {"dest": "x", "metavar": "M"})], "", "the following arguments are required: n-a"),
    (QUERY, [("a", {"default": 1, "required": True})], "", "the following arguments are required: a"),
    (QUERY, [("a", {"default": 1})], "zz=1&a=1&yy=2&zz=3", "unrecognized arguments: zz, yy"),
    (QUERY, [("name", {"default": 1})], "nam=x", "unrecognized arguments: nam"),
    (QUERY, [("name", {"default": 1})], "Name=x", "unrecognized arguments: Name"),
    (QUERY, [("name", {"default": 1})], "help=&h=", "unrecognized arguments: help, h"),
    (QUERY, [("a-b", {"default": 1})], "a_b=1", "unrecognized arguments: a_b"),
    (QUERY, [("a", {})], "a=1&--a=2", "unrecognized arguments: --a"),
    (QUERY, [("a", {"dest": "b"})], "a=1&b=2", "unrecognized arguments: b"),
    (QUERY, [], "%FF=1&b%0Ac=2", "unrecognized arguments: \\xff, b\\nc"),
    (QUERY, [("a", {})], "a=1&a=2", "unrecognized arguments: a"),
    (QUERY, [("a", {"nargs": "?"})], "a=1&a=2", "unrecognized arguments: a"),
    (QUERY, [("a", {"action": "append"})], "a=1&a=2", "unrecognized arguments: a"),
    (QUERY, [("n", {"nargs": 2})], "n=1&n=2&n=3", "unrecognized arguments: n"),
    (QUERY, [("n", {"nargs": 2})], "n=1", "argument n: expected 2 arguments"),
    (QUERY, [("a", {"nargs": "*", "max_items": 2})], "a=1&a=2&a=3", "argument a: more than 2 items"),
    (QUERY, [("a", {"max_length": 3})], "a=1234", "argument a: longer than 3 characters"),
    (QUERY, [("a", {"type": int})], "a=x", INVALID),
    (QUERY, [("a", {"type": int})], "a=1.5", INVALID),
    (QUERY, [("a", {"type": int})], "a=", INVALID),
    (QUERY, [("a", {"type": int})], "a=" + "1" * 5000, INVALID),
    (QUERY, [("a", {"type": float})], "a=", INVALID),
    (QUERY, [("a", {"type": bool})], "a=", INVALID),
    (QUERY, [("a", {"type": bool})], "a=maybe", INVALID),
    (QUERY, [("a", {"type": dict})], "a=x", INVALID),
    (QUERY, [("a", {"type": hello})], "a=x", INVALID),
    (QUERY, [("a", {"type": even})], "a=3", INVALID),
    (QUERY, [("a", {"type": int, "nargs": "*"})], "a=3&a=x", INVALID),
    (QUERY, [("a", {})], "a=%FF", "argument a: invalid UTF-8"),
    (QUERY, [("foo", {"type": worded})], "foo=x", "argument foo: no such thing: x"),
    (QUERY, [("foo", {"type": worded})], "foo=<b>%F0%9F%90%8D", "argument foo: no such thing: <b>\N{SNAKE}"),
    (
        QUERY,
        [("pick", {"choices": ["a", "b"]})],
        "pick=c",
        "argument pick: invalid choice: 'c' (choose from 'a', 'b')",
    ),
    (
        QUERY,
        [("pick", {"choices": (1, 2), "type": int, "nargs": "+"})],
        "pick=1&pick=3",
        "argument pick: invalid choice: 3 (choose from 1, 2)",
    ),
    (QUERY, [("größe", {})], "", "the following arguments are required: größe"),
    # bad values first, in order of arrival; then what is missing; then what is unknown
    (
        QUERY,
        [("a", {"type": int}), ("b", {"type": int}), ("c", {})],
        "zz=1&b=x&a=y",
        "argument b: invalid type",
    ),
    (QUERY, [("a", {}), ("b", {"default": 1})], "zz=1&b=x", "the following arguments are required: a"),
    (JSON, [("a", {"type": int})], {"a": None}, INVALID),
    (JSON, [("a", {"type": int})], b'{"a": Infinity}', INVALID),
    (JSON, [("a", {"type": list})], {"a": 5}, INVALID),
    (JSON, [("a", {"type": bool})], {"a": "maybe"}, INVALID),
    (JSON, [("a", {"choices": {"x", "y"}})], {"a": ["x"]}, None),
    (JSON, [("a", {"nargs": 2})], {"a": [1]}, "argument a: expected 2 arguments"),
    (JSON, [("a", {"nargs": 2})], {"a": [1, 2, 3]}, "argument a: expected 2 arguments"),
    (JSON, [("a", {"nargs": 1})], {"a": []}, "argument a: expected 1 argument"),
    (JSON, [("a", {"nargs": "+"})], {"a": []}, "argument a: expected at least one argument"),
    (JSON, [("a", {"type": list, "max_items": 2})], {"a": [1, 2, 3]}, "argument a: more than 2 items"),
    (JSON, [("a", {"nargs": "*", "max_items": 2})], {"a": [1, 2, 3]}, "argument a: more than 2 items"),
    (JSON, [("a", {"type": str, "max_length": 2})], {"a": "xyz"}, "argument a: longer than 2 characters"),
    (JSON, [("name", {})], {"nam": 1}, "the following arguments are required: name"),
    (JSON, [("name", {})], {"nam": 1, "name": 2}, "unrecognized arguments: nam"),
    (JSON, [], {"zz": 1, "help": 2, "": 3, "\ud800": 4}, "unrecognized arguments: zz, help, , \\ud800"),
    (JSON, [("a", {"type": int}), ("b", {})], {"q": 1, "a": "x"}, INVALID),
    (JSON, [("a", {})], b"[1]", "JSON-encoded requests body must be a 'dict'"),
    (JSON, [("a", {})], b"{", "requests body is not JSON-encoded"),
    (JSON, [("a", {})], b'{"a": "\xff"}', "requests body is not JSON-encoded"),
    (JSON, [("a", {})], b'{"a": ' + b"[" * 100_000, "requests body is not JSON-encoded"),
]


@pytest.mark.parametrize(("source", "declared", "sent", "text"), REJECTED)
def test_rejected(service, source, declared, sent, text):
    service.declare(source, *declared)
    answer = service.ask(sent)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    body = answer.json()
    assert body["code"] == 400
    assert text is None or body["error"] == text
    is_phrase = body["error"].isascii() and "<" not in body["error"]
    assert answer.reason == (body["error"] if is_phrase else "Bad Request")


def test_all_that_is_wrong_is_told_at_once(service):
    declared = [("a", {"type": int}), ("b", {"type": int}), ("c", {}), ("d", {}), ("e", {}), ("f", {"nargs": 2})]
    service.declare(QUERY, *declared)
    body = service.ask("zz=1&f=3&b=x&e=1&a=y&e=2&zz=5").json()
    assert body == {
        "code": 400,
        "error": "argument f: expected 2 arguments",
        "errors": [
            {"field": "f", "message": "expected 2 arguments"},
            {"field": "b", "message": "invalid type"},
            {"field": "a", "message": "invalid type"},
            {"field": "c", "message": "required"},
            {"field": "d", "message": "required"},
            {"field": "zz", "message": "unrecognized"},
            {"field": "e", "message": "expected 1 argument"},
        ],
    }


def test_problem_details_carry_the_fields_too(service):
    service.declare(QUERY, ("a", {}))
    answer = service.session.get(service.url, headers={"Accept": "application/problem+json"}, timeout=10)
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["detail"]) == (400, "the following arguments are required: a")
    assert problem["errors"] == [{"field": "a", "message": "required"}]


def test_a_type_that_fails_is_logged_with_its_traceback(service, caplog):
    service.declare(QUERY, ("a", {"type": broken}))
    before = time.time()
    with caplog.at_level(logging.ERROR, "rest_tools.server.arguments.intake"):
        text = service.error("a=x")
    match = re.fullmatch(r"Unknown argument-handling error \((\d+\.\d+)\)", text)
    assert match
    assert before <= float(match[1]) <= time.time()
    assert any("KeyError" in (record.exc_text or "") for record in caplog.records)


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
def test_forms_come_after_the_query(service, kind):
    service.declare(QUERY, ("a", {"nargs": "*"}), ("größe", {}))
    form = [("a", "3"), ("größe", "ü")]
    url = f"{service.url}/?a=1&a=2"
    if kind == "urlencoded":
        answer = service.session.post(url, data=form, timeout=10)
    else:
        answer = service.session.post(url, files=[(key, (None, value)) for key, value in form], timeout=10)
    assert answer.json() == {"args": {"a": ["1", "2", "3"], "größe": "ü"}}


STRICT = [
    (JSON, int, [5, -1, 5.0], [True, 5.7, "5", None, [5]]),
    (JSON, float, [5, 1.5], [True, "1.5", None, float("nan"), float("inf"), 10**400]),
    (JSON, str, ["", "x"], [None, 5, ["x"]]),
    (JSON, bool, [True, False], ["true", 1, None, []]),
    (JSON, list, [[], [1]], ["ab", {"a": 1}, None]),
    (JSON, dict, [{}, {"k": 1}], [[["k", 1]], "ab", None]),
    (QUERY, int, ["5", "-5"], ["", " 5", "1_0", "5.0", "%D9%A3"]),
    (QUERY, float, ["5", "1.5", "-1e5"], ["", "nan", "inf", "1e999", "1_0", "+5"]),
    (QUERY, bool, ["true", "False"], ["1", "yes", "on", ""]),
    (QUERY, str, ["", "x"], []),
    (QUERY, list, [], ["ab", ""]),
    (QUERY, dict, [], [""]),
]


@pytest.mark.parametrize(("source", "type_", "good", "bad"), STRICT)
def test_strict_types_take_what_they_say(service, source, type_, good, bad):
    service.declare(source, ("a", {"type": type_}), strict=True)
    for value in good:
        sent = {"a": value} if source is JSON else f"a={value}"
        assert service.ask(sent).status_code == 200, value
    for value in bad:
        sent = {"a": value} if source is JSON else f"a={value}"
        assert service.error(sent) == "argument a: invalid type", value


def test_one_argument_alone_may_be_strict(service):
    service.declare(JSON, ("a", {"type": int, "strict": True}), ("b", {"type": int}))
    assert service.error({"a": "1", "b": "1"}) == "argument a: invalid type"
    assert service.ask({"a": 1, "b": "1"}).json() == {"args": {"a": 1, "b": 1}}


def test_a_strict_list_is_a_list(service):
    service.declare(JSON, ("a", {"type": int, "nargs": "*"}), strict=True)
    assert service.ask({"a": [1, 2]}).json() == {"args": {"a": [1, 2]}}
    assert service.error({"a": 1}) == "argument a: invalid type"


def test_errors_repeat_little_of_what_was_sent(service):
    service.declare(JSON, ("a", {"choices": ["x"]}))
    assert len(service.error({"a": "y" * 1_000_000})) < 200
    assert len(service.error({"a": ["y" * 1000] * 1000})) < 200
    service.declare(JSON, ("a", {"type": worded}))
    assert len(service.error({"a": "y" * 1_000_000})) < 1100
    service.declare(JSON)
    answer = service.ask({f"{'k' * 1000}{number}"[:-1] + f"{number}": 0 for number in range(5000)})
    assert len(answer.content) < 10_000
    assert answer.json()["error"].endswith(" and 4980 more")


@pytest.mark.parametrize(
    ("declared", "body", "status"),
    [
        (("a", {"nargs": "*", "type": int}), {"a": list(range(100_000))}, 200),
        (("a", {"nargs": "*", "type": int}), {"a": ["x"] * 100_000}, 400),
        (("a", {"nargs": "*", "type": int}), {"a": list(range(100_001))}, 400),
        (("a", {"type": list}), {"a": [[]] * 100_000}, 200),
        (("a", {"default": 1}), {str(number): 0 for number in range(100_000)}, 400),
    ],
)
def test_a_hundred_thousand_items_take_no_second(service, declared, body, status):
    service.declare(JSON, declared)
    data = json.dumps(body).encode()
    started = time.process_time()
    assert service.ask(data).status_code == status
    assert time.process_time() - started < 1


def test_the_patterns_recognise_the_texts():
    text = "the following arguments are required: name, amount"
    assert arghandler.ARGUMENTS_REQUIRED_PATTERN.fullmatch(text)["args"] == "name, amount"
    assert arghandler.UNRECOGNIZED_ARGUMENTS_PATTERN.fullmatch("unrecognized arguments: zz, yy")["args"] == "zz, yy"
    assert arghandler.INVALID_VALUE_PATTERN.fullmatch("argument a: invalid type")["arg"] == "a"
    choice = arghandler.INVALID_CHOICE_PATTERN.fullmatch("argument a: invalid choice: 'c' (choose from 'a', 'b')")
    assert choice.groupdict() == {"arg": "a", "value": "'c'", "choices": "'a', 'b'"}
    assert arghandler.FROM_ARGUMENT_TYPE_ERROR_PATTERN.fullmatch("argument a: no: x")["message"] == "no: x"
    assert arghandler.USE_CACHED_VALUE_PLACEHOLDER == "PLACEHOLDER"
