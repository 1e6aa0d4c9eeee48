"""The servers of the benchmarks, under load from wrk, and from the clients of ours that take its place."""

from __future__ import annotations

import shutil
import sys

import pytest
from benchmarks.environments import OURS, PEERS, Environment
from benchmarks.request_cost import check, request_cost, running
from benchmarks.saturate import generator, saturate
from benchmarks.servers.contract import REQUESTS, Request

# Tornado is in our environment, too.
SERVERS = [Environment(PEERS[name], sys.executable, {}) for name in ("tornado", OURS)]


@pytest.mark.parametrize("observed", [False, True], ids=["", "observed"])
@pytest.mark.parametrize("environment", SERVERS, ids=lambda environment: environment.peer.name)
def test_all_servers_answer_the_same_to_the_byte(environment, observed):
    with running(environment, observed=observed) as server:
        for name in REQUESTS:
            check(server, name)


def test_a_request_is_measured():
    cost = request_cost(SERVERS[1], "arguments", calls=1, observed=True, server_cpu=None, load_cpu=None)
    assert set(cost) == {"cpu_us", "per_second", "growth_mb"}, cost
    assert 10 < cost["cpu_us"] < 10_000


@pytest.mark.parametrize("own", [False, True], ids=["wrk", "ours"])
def test_both_generators_count_the_same(own):
    assert generator().startswith("wrk")
    with running(SERVERS[0]) as server:
        before = server.used()["cpu"]
        done = saturate(server.port, "json", seconds=1, own=own)
        used = server.used()["cpu"] - before
    assert 0.9 < done.seconds < 3
    assert 10 < 1e6 * used / done.requests < 10_000  # microseconds of CPU for each request counted


@pytest.mark.parametrize("own", [False, True], ids=["wrk", "ours"])
def test_answers_that_are_errors_do_not_count(own, monkeypatch):
    monkeypatch.setitem(REQUESTS, "nowhere", Request("GET", "/nowhere", b""))
    with running(SERVERS[0]) as server, pytest.raises(RuntimeError, match=r"2xx"):
        saturate(server.port, "nowhere", seconds=1, own=own)


def test_a_server_that_does_not_start_is_a_failure():
    broken = Environment(PEERS["wipac-rest-tools"], shutil.which("false"), {})
    cost = request_cost(broken, "plain", calls=1, observed=False, server_cpu=None, load_cpu=None)
    assert "did not start" in cost["failed"]
