"""Tracing: nothing without `wipac_telemetry`; with it, spans and events in a process that has a stand-in for it.

The package itself brings exporters for half a dozen systems, which no test of ours needs; the stand-in writes down what
it is asked for.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rest_tools import telemetry
from rest_tools.client import RestClient
from rest_tools.server import RestHandler
from restwright.testing import Reply, serve

SRC = Path(__file__).parents[2] / "src"

STAND_IN = """
import contextvars, enum, functools, inspect
seen = []
current = contextvars.ContextVar("span", default=None)

class Span:
    def __init__(self, name, recording): self.name, self.recording = name, recording
    def is_recording(self): return self.recording
    def set_attribute(self, key, value): seen.append(["attribute", self.name, key, value])

NONE = Span("none", False)
sampled = True

def get_current_span(): return current.get() or NONE
def inject_span_carrier(carrier=None): return {"traceparent": get_current_span().name}

class SpanNamer:
    def __init__(self, **kwargs): self.kwargs = kwargs

class SpanKind(enum.Enum):
    INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(5)

def spanned(span_namer=None, these=None, kind=SpanKind.INTERNAL, carrier=None):
    def decorate(function):
        def enter(args):
            parent = args[0].request.headers.get("traceparent") if carrier == "self.request.headers" else None
            seen.append(["span", function.__qualname__, kind.name, parent])
            return current.set(Span(function.__qualname__, sampled))
        @functools.wraps(function)
        async def awaited(*args, **kwargs):
            token = enter(args)
            try: return await function(*args, **kwargs)
            finally: current.reset(token)
        @functools.wraps(function)
        def blocking(*args, **kwargs):
            token = enter(args)
            try: return function(*args, **kwargs)
            finally: current.reset(token)
        @functools.wraps(function)
        def generator(*args, **kwargs):
            token = enter(args)
            try: yield from function(*args, **kwargs)
            finally: current.reset(token)
        if inspect.iscoroutinefunction(function): return awaited
        return generator if inspect.isgeneratorfunction(function) else blocking
    return decorate

def evented(name=None, these=None):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            if not get_current_span().is_recording(): raise RuntimeError("no recording span")
            seen.append(["event", function.__qualname__, get_current_span().name])
            return function(*args, **kwargs)
        return wrapper
    return decorate
"""

PROGRAM = """
import asyncio, inspect, json, sys
from wipac_telemetry import tracing_tools
tracing_tools.sampled = sys.argv[1] == "sampled"
from rest_tools import telemetry
from rest_tools.client import RestClient
from rest_tools.server import RestHandler, RestHandlerSetup, RestServer
assert telemetry.spanned is tracing_tools.spanned
assert telemetry.SpanKind is tracing_tools.SpanKind
assert not hasattr(telemetry, "dummy_func")

class Echo(RestHandler):
    def get(self):
        telemetry.set_current_span_attribute("seen", 1)
        self.write({"parent": self.request.headers.get("traceparent")})

async def main():
    server = RestServer()
    server.add_route("/echo", Echo, RestHandlerSetup())
    server.startup(address="127.0.0.1", port=0)
    headers = {}
    async with RestClient(f"http://127.0.0.1:{server.port}") as client:
        answers = await asyncio.gather(*[client.request("GET", "/echo", headers=headers) for _ in range(3)])
        answers.append(await asyncio.to_thread(client.request_seq, "GET", "/echo"))
        answers += await asyncio.to_thread(lambda: list(client.request_stream("GET", "/echo")))
        try:
            await client.request("GET", "/missing")
        except Exception:
            pass
        shared = dict(client.session.headers)
    await server.stop()
    same = [asyncio.iscoroutinefunction(RestClient.request), inspect.isgeneratorfunction(RestClient.request_stream)]
    told = {"seen": tracing_tools.seen, "answers": answers, "shared": shared, "given": headers, "same": same}
    print(json.dumps(told))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stand_in")
    (folder / "wipac_telemetry").mkdir()
    (folder / "wipac_telemetry" / "__init__.py").touch()
    (folder / "wipac_telemetry" / "tracing_tools.py").write_text(STAND_IN)
    return folder


def traced(stand_in, how):
    environment = {**os.environ, "PYTHONPATH": f"{SRC}{os.pathsep}{stand_in}"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, how]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_calls_and_handlers_have_spans_and_events(stand_in):
    told = traced(stand_in, "sampled")
    assert [answer["parent"] for answer in told["answers"]] == [
        *["RestClient.request"] * 3,
        "RestClient.request_seq",
        "RestClient.request_stream",
    ]
    assert ["span", "RestClient.request", "CLIENT", None] in told["seen"]
    assert ["span", "RestHandler._execute", "SERVER", "RestClient.request_seq"] in told["seen"]
    for event in ("prepare", "on_finish", "write_error"):
        assert ["event", f"RestHandler.{event}", "RestHandler._execute"] in told["seen"]
    assert ["attribute", "RestHandler._execute", "seen", 1] in told["seen"]
    assert told["same"] == [True, True]


def test_the_span_is_in_header_fields_of_the_call_alone(stand_in):
    """The contract's 48th defect: it was put into those of the session, which all calls share."""
    told = traced(stand_in, "sampled")
    assert "traceparent" not in told["shared"]
    assert told["given"] == {}


def test_what_is_not_sampled_is_not_recorded_and_works_all_the_same(stand_in):
    told = traced(stand_in, "unsampled")
    assert [answer["parent"] for answer in told["answers"]] == [None] * 5
    assert not [entry for entry in told["seen"] if entry[0] == "event"]


def test_without_the_package_there_are_stand_ins():
    assert set(telemetry.__all__) == {
        "SpanKind",
        "SpanNamer",
        "evented",
        "inject_span_carrier_if_recording",
        "set_current_span_attribute",
        "spanned",
    }
    kinds = {kind.name: kind.value for kind in telemetry.SpanKind}
    assert kinds == {"INTERNAL": 0, "SERVER": 1, "CLIENT": 2, "PRODUCER": 3, "CONSUMER": 4}
    assert telemetry.SpanNamer("x", use_this_arg="y") is not None
    assert telemetry.set_current_span_attribute("key", 1) is None
    carrier = {}
    assert telemetry.inject_span_carrier_if_recording(carrier) is None
    assert telemetry.inject_span_carrier_if_recording(None) is None
    assert carrier == {}
    for name in ("dummy_wrapper", "dummy_func", "DummyClass", "F"):
        assert hasattr(telemetry, name)


def test_decorators_that_do_nothing_leave_functions_as_they_are():
    """The contract's 48th defect, too: they lost name, signature and that it is a coroutine function."""

    async def function(a, b=1):
        """Told."""

    for decorator in (telemetry.spanned, telemetry.evented):
        assert decorator()(function) is function
        assert decorator("name", kind=telemetry.SpanKind.CLIENT)(function) is function
    assert inspect.iscoroutinefunction(RestClient.request)
    assert inspect.iscoroutinefunction(RestHandler._execute)
    assert RestHandler.write_error.__name__ == "write_error"


def test_and_nothing_is_sent():
    with serve([Reply(json=[1])]) as server, RestClient(server.url) as client:
        asyncio.run(client.request("GET", "/x"))
        assert not [name for name in server.requests[0].headers if "trace" in name.lower()]
