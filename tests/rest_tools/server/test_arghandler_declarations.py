"""What is declared: mistakes fail at once, earlier declarations are reused, nothing leaks between requests."""

from __future__ import annotations

import argparse
import functools
import gc
import time
import weakref

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import HTTPError

from rest_tools.server.arghandler import ArgumentHandler, ArgumentSource
from rest_tools.server.arguments import Argument, Arguments, ArgumentsError, Unset
from rest_tools.server.arguments.reuse import compiled

QUERY, JSON = ArgumentSource.QUERY_ARGUMENTS, ArgumentSource.JSON_BODY_ARGUMENTS


class Handler:
    """The part of a handler that arguments are read from."""

    def __init__(self, query: str = "", **body) -> None:
        self.request = HTTPServerRequest(
            headers=HTTPHeaders({"Host": "a"}), start_line=RequestStartLine("GET", f"/?{query}", "HTTP/1.1")
        )
        self.json_body_arguments = body


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a", {"required": False}, "needs a default"),
        ("a", {"action": "store_true"}, "type=bool"),
        ("a", {"action": "store_false"}, "type=bool"),
        ("a", {"action": "store_const", "const": 1}, "type=bool"),
        ("a", {"action": "count"}, "always has a value"),
        ("a", {"action": "extend"}, "needs nargs"),
        ("a", {"type": int, "default": "x"}, "default 'x'"),
        ("a", {"type": {}.__getitem__, "default": "x"}, "default 'x'"),
        ("a", {"type": 5}, "not callable"),
        ("a", {"nargs": 0}, "nargs is"),
        ("a", {"nargs": -1}, "nargs is"),
        ("a", {"nargs": "..."}, "nargs is"),
        ("a", {"const": 1}, "nargs must be"),
        ("", {}, "has a name"),
        ("--a", {}, "has a name"),
    ],
)
@pytest.mark.parametrize("source", [QUERY, JSON])
def test_what_cannot_work_fails_at_the_declaration(source, name, options, message):
    with pytest.raises(ValueError, match=message):
        ArgumentHandler(source, Handler()).add_argument(name, **options)


@pytest.mark.parametrize("option", ["forbiddens", "strict_type", "version"])
def test_options_that_do_not_exist(option):
    with pytest.raises(TypeError, match=option):
        ArgumentHandler(QUERY, Handler()).add_argument("a", **{option: 1})


@pytest.mark.parametrize("names", [("a",), ("b", "--a"), ("help",), ("c", "--help"), ("zed",)])
def test_a_name_belongs_to_one_argument(names):
    handler = ArgumentHandler(QUERY, Handler())
    handler.add_argument("a", "--zed")
    with pytest.raises(argparse.ArgumentError, match=f"conflicting option string: {names[-1].lstrip('-')}$"):
        handler.add_argument(*names)


def test_two_arguments_may_share_an_attribute():
    declared = Arguments(QUERY, Argument("a", dest="x", default=1), Argument("b", dest="x", default=2))
    assert declared.parse(Handler()).x == 1
    assert declared.parse(Handler("b=7")).x == "7"


def test_an_unknown_source():
    with pytest.raises(ValueError, match="COOKIES"):
        ArgumentHandler("COOKIES", Handler())


def test_the_error_is_tornados_and_carries_the_fields():
    handler = ArgumentHandler(QUERY, Handler("zz=1"))
    handler.add_argument("a", type=int)
    with pytest.raises(HTTPError) as caught:
        handler.parse_args()
    error = caught.value
    assert isinstance(error, ArgumentsError)
    assert (error.status_code, error.reason) == (400, "the following arguments are required: a")
    assert error.errors == [{"field": "a", "message": "required"}, {"field": "zz", "message": "unrecognized"}]
    assert str(error) == "HTTP 400: the following arguments are required: a"
    assert error.log_message is None  # for it may hold what the client sent


def test_the_result_is_a_namespace():
    result = Arguments(JSON, Argument("a-b"), Argument("c", default=2)).parse(Handler(**{"a-b": 1}))
    assert result == argparse.Namespace(a_b=1, c=2)


def test_declarations_can_be_read():
    """What a generator of documentation asks for."""
    declared = (
        Arguments(QUERY)
        .add(Argument("name", help="Its name"))
        .add(Argument("size", type=int, choices=[1, 2], default=1, nargs="*", metavar="N"))
    )
    assert len(declared) == 2
    name, size = declared
    assert (name.name, name.type, name.required, name.choices, name.help) == ("name", None, True, None, "Its name")
    assert name.default is Unset.UNSET
    assert (size.dest, size.type, size.required, size.choices, size.default) == ("size", int, False, (1, 2), 1)
    assert (size.nargs, size.metavar, size.action) == ("*", "N", "store")


def test_a_declaration_is_compiled_once():
    def declare(handler: ArgumentHandler) -> list[Argument]:
        def convert(value):  # made anew in each request, like the one in the README
            return int(value)

        handler.add_argument("name", type=str)
        handler.add_argument("alias", "--zed", dest="others", type=str, nargs="*", default=[])
        handler.add_argument("amount", type=float, choices=[1.0, 2.0], default=None, help="how many")
        handler.add_argument("number", type=convert, default="5")
        handler.add_argument("map", type=dict, default={"a": (1, 2)})
        return list(handler._argparser)

    first, second = (declare(ArgumentHandler(QUERY, Handler())) for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"default": 1}, {"default": True}),
        ({"default": 1}, {"default": 1.0}),
        ({"default": 0.0}, {"default": -0.0}),
        ({"default": [1]}, {"default": [True]}),
        ({"default": [1]}, {"default": (1,)}),
        ({"default": {"a": 1}}, {"default": {"a": 1.0}}),
        ({"choices": [1, 2]}, {"choices": [True, 2]}),
        ({"default": "1"}, {"default": 1}),
        ({"default": None}, {}),
        ({"type": lambda value: value}, {"type": lambda value: [value]}),
    ],
)
def test_what_differs_in_kind_is_another_declaration(one, other):
    first, second = compiled("a", (), one), compiled("a", (), other)
    assert first is not second
    assert repr(first.default) == repr(one.get("default", Unset.UNSET))
    assert repr(second.default) == repr(other.get("default", Unset.UNSET))


def test_closures_are_those_of_the_request():
    def answer(prefix: str) -> str:
        handler = ArgumentHandler(QUERY, Handler("a=x&b=x&c=x"))
        handler.add_argument("a", type=lambda value: prefix + value)
        handler.add_argument("b", type=lambda value, before=prefix: before + value)
        handler.add_argument("c", type=functools.partial(str.__add__, prefix))
        return handler.parse_args()

    assert answer("1") == argparse.Namespace(a="1x", b="1x", c="1x")
    assert answer("2") == argparse.Namespace(a="2x", b="2x", c="2x")


def test_functions_of_two_modules_that_look_alike():
    source = "def convert(value):\n    return PREFIX + value"
    modules = [{"PREFIX": "1"}, {"PREFIX": "2"}]
    for module in modules:
        exec(compile(source, "same.py", "exec"), module)
    first, second = (compiled("a", (), {"type": module["convert"]}) for module in modules)
    assert (first.type("x"), second.type("x")) == ("1x", "2x")


def test_nothing_of_a_request_is_kept():
    class Owner:
        def convert(self, value):
            return value

    def answer() -> weakref.ref[Owner]:
        owner = Owner()
        handler = ArgumentHandler(QUERY, Handler("a=x&b=x"))
        handler.add_argument("a", type=owner.convert)
        handler.add_argument("b", type=lambda value: (owner, value))
        handler.add_argument("c", default=owner)
        assert handler.parse_args().c is owner
        return weakref.ref(owner)

    alive = answer()
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("default", [[], ["d"], {"k": []}, {1}, [[]]])
def test_a_default_that_a_request_changes_is_the_old_one_for_the_next(default):
    declared = Arguments(QUERY, Argument("a", default=default))
    before = repr(default)
    value = declared.parse(Handler()).a
    assert value == default
    value["k"].append(1) if "k" in value else value[0].append(1) if value == [[]] else value.clear()
    assert repr(declared.parse(Handler()).a) == repr(default) == before


def test_a_text_default_is_converted_for_each_request():
    clock = iter(range(10))
    declared = Arguments(QUERY, Argument("at", type=lambda text: (text, next(clock)), default="now"))
    assert declared.parse(Handler()).at == ("now", 1)  # 0 was the check of the declaration
    assert declared.parse(Handler()).at == ("now", 2)


def test_a_list_of_choices_that_changes_later_was_declared_before():
    choices = ["a"]
    declared = Arguments(QUERY, Argument("a", choices=choices))
    choices.append("b")
    with pytest.raises(ArgumentsError):
        declared.parse(Handler("a=b"))


def test_choices_that_come_out_of_an_iterator_last():
    declared = Arguments(QUERY, Argument("a", choices=(letter for letter in "xy")))
    assert declared.parse(Handler("a=y")) == declared.parse(Handler("a=y")) == argparse.Namespace(a="y")


def test_the_store_of_declarations_is_bounded(monkeypatch):
    from rest_tools.server.arguments import reuse

    known = {}
    monkeypatch.setattr(reuse, "_known", known)
    monkeypatch.setattr(reuse, "_MOST", 10)
    for number in range(100):
        compiled(f"a{number}", (), {})
        assert len(known) <= 10


def test_declaring_again_costs_next_to_nothing():
    """About 10 us for four arguments; a parser of argparse takes 100 times as much."""
    handler = Handler("name=x&alias=a&alias=b&is-citrus=true&amount=2.5")

    def answer() -> argparse.Namespace:
        argo = ArgumentHandler(QUERY, handler)
        argo.add_argument("name", type=str)
        argo.add_argument("alias", dest="other_names", type=str, nargs="*", default=[])
        argo.add_argument("is-citrus", type=bool, default=False)
        argo.add_argument("amount", type=float, required=True)
        return argo.parse_args()

    assert answer() == argparse.Namespace(name="x", other_names=["a", "b"], is_citrus=True, amount=2.5)
    best = 1.0
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(50):
            answer()
        best = min(best, (time.perf_counter() - started) / 50)
    assert best < 100e-6
