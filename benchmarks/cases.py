"""What is measured, and what was promised of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.environments import OURS

Result: TypeAlias = Mapping[str, float | str]  # the medians of one peer, or {"failed": why}
Results: TypeAlias = Mapping[str, Mapping[str, Result]]  # by case, by peer

KINTO_HTTP = "kinto-http"
TORNADO, WIPAC = "tornado", "wipac-rest-tools"
SEQUOIA = "sequoia-client-sdk"


@dataclass(frozen=True)
class Case:
    """One table: some peers doing the same thing."""

    name: str
    group: str
    title: str
    peers: tuple[str, ...]  # the bare engine first
    what: str  # `case` of child.Job; of a server the request
    calls: int = 0
    in_flight: int = 1
    rounds: int = 5  # at most
    ours: str = "kinto_http"  # the module of peers that is ours here
    observed: bool = False  # a server with its request log and metrics


# Each call of httpx with many in flight takes milliseconds: a tenth of the calls says enough.
SLOW_ASYNC = {"httpx": 0.1}
_ASYNC_PEERS = ("aiohttp", "httpx", KINTO_HTTP, OURS)
_SERVERS = (TORNADO, WIPAC, OURS)
_REQUESTS = 4000
CASES = (
    Case("sync", "sync", "One record, sync", ("urllib3", "requests", "httpx", KINTO_HTTP, OURS), "sync", 3000),
    Case("async-1", "async", "One record, async, 1 in flight", _ASYNC_PEERS, "async", 3000, 1),
    Case("async-50", "async", "One record, async, 50 in flight", _ASYNC_PEERS, "async", 5000, 50),
    Case("async-500", "async", "One record, async, 500 in flight", _ASYNC_PEERS, "async", 5000, 500),
    Case(
        "cluster",
        "keystone",
        "One cluster of a Keystone, sync",
        ("urllib3", "requests", "httpx", OURS),
        "cluster",
        3000,
        ours="keystone_client",
    ),
    Case(
        "cluster-50",
        "keystone",
        "One cluster of a Keystone, async, 50 in flight",
        ("aiohttp", "httpx", OURS),
        "cluster-async",
        5000,
        50,
        ours="keystone_client",
    ),
    Case("held", "listing", "A listing, held in a list", (KINTO_HTTP, OURS), "held", rounds=3),
    Case(
        "streamed",
        "listing",
        "A listing, streamed, sync",
        ("urllib3", KINTO_HTTP, OURS),
        "streamed",
        rounds=3,
    ),
    Case(
        "streamed-async",
        "listing",
        "A listing, streamed, async",
        ("aiohttp", OURS),
        "streamed-async",
        rounds=3,
    ),
    Case("server-plain", "server", "Server: a small answer", _SERVERS, "plain", _REQUESTS),
    Case("server-query", "server", "Server: four query arguments", _SERVERS, "arguments", _REQUESTS),
    Case(
        "server-declared",
        "server",
        "Server: four query arguments, declared beside the method",
        (TORNADO, OURS),
        "declared",
        _REQUESTS,
    ),
    Case("server-json", "server", "Server: four arguments in a JSON body", _SERVERS, "json", _REQUESTS),
    Case(
        "server-observed",
        "server",
        "Server: a small answer, logged and measured",
        _SERVERS,
        "plain",
        _REQUESTS,
        observed=True,
    ),
    Case(
        "server-memory",
        "server",
        "Server: 100,000 requests with four query arguments",
        (TORNADO, OURS),
        "arguments",
        100_000,
        rounds=1,
    ),
)
REST = "rest"
_REST_ASYNC = ("aiohttp", WIPAC, OURS)
CASES += (
    Case("rest-seq", REST, "REST client, request_seq", ("urllib3", WIPAC, OURS), "sync", 1500, ours="rest_tools"),
    Case("rest-1", REST, "REST client, request, 1 in flight", _REST_ASYNC, "async", 2000, 1, ours="rest_tools"),
    Case("rest-50", REST, "REST client, request, 50 in flight", _REST_ASYNC, "async", 3000, 50, ours="rest_tools"),
)
CASES += tuple(
    Case(what, "sequoia", f"Sequoia: {title}", (SEQUOIA, OURS), what, 1500, ours="sequoia")
    for what, title in (("sequoia_read", "one resource"), ("sequoia_browse", "a page of 100"))
)
IMPORT = "import"
GROUPS = ("sync", "async", "keystone", "listing", REST, "sequoia", "server", IMPORT)


@dataclass(frozen=True)
class Reach:
    """A promise: `figure` of the results is at most `limit`, or at least."""

    text: str
    limit: float
    unit: str
    figure: Callable[[Results], float]
    at_least: bool = False

    def of(self, results: Results) -> float | None:
        """The figure, or None where something it needs was not measured or failed."""
        try:
            return self.figure(results)
        except KeyError:
            return None

    def is_met(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit


def _cpu(results: Results, case: str, peer: str = OURS) -> float:
    return float(results[case][peer]["cpu_us"])


def _ratio(case: str, peer: str) -> Callable[[Results], float]:
    return lambda results: _cpu(results, case) / _cpu(results, case, peer)


def _rate(case: str, peer: str) -> Callable[[Results], float]:
    """Our requests in a second of CPU, to the peer's."""
    return lambda results: _cpu(results, case, peer) / _cpu(results, case)


def _growth(case: str) -> Callable[[Results], float]:
    return lambda results: float(results[case][OURS]["growth_mb"])


def _slope(results: Results) -> float:
    return max(_cpu(results, "async-50"), _cpu(results, "async-500")) / _cpu(results, "async-1")


REACHES = (
    Reach("sync: CPU of a call, to bare urllib3", 1.25, "x", _ratio("sync", "urllib3")),
    Reach("sync: CPU of a call, to kinto-http", 0.45, "x", _ratio("sync", KINTO_HTTP)),
    Reach("async, 50 in flight: CPU of a call, to bare aiohttp", 1.5, "x", _ratio("async-50", "aiohttp")),
    Reach("async, 50 in flight: CPU of a call, to kinto-http", 0.2, "x", _ratio("async-50", KINTO_HTTP)),
    Reach("async, flat: CPU of a call, at 50 or 500 in flight to 1", 1.25, "x", _slope),
    Reach("keystone, sync: CPU of a call, to bare urllib3", 1.4, "x", _ratio("cluster", "urllib3")),
    Reach("keystone, 50 in flight: CPU of a call, to bare aiohttp", 1.6, "x", _ratio("cluster-50", "aiohttp")),
    Reach("sequoia, read: CPU of a call, to sequoia-client-sdk", 0.4, "x", _ratio("sequoia_read", SEQUOIA)),
    Reach("sequoia, browse: CPU of a call, to sequoia-client-sdk", 0.4, "x", _ratio("sequoia_browse", SEQUOIA)),
    Reach("listing streamed, sync: growth of memory", 20, "MB", _growth("streamed")),
    Reach("listing streamed, async: growth of memory", 20, "MB", _growth("streamed-async")),
    Reach("REST client, request_seq: CPU of a call, to wipac-rest-tools", 0.4, "x", _ratio("rest-seq", WIPAC)),
    Reach("REST client, 1 in flight: CPU of a call, to wipac-rest-tools", 0.2, "x", _ratio("rest-1", WIPAC)),
    Reach("REST client, 50 in flight: CPU of a call, to wipac-rest-tools", 0.2, "x", _ratio("rest-50", WIPAC)),
    Reach(
        "server, small answer: requests per CPU, to bare Tornado",
        0.9,
        "x",
        _rate("server-plain", TORNADO),
        at_least=True,
    ),
    Reach(
        "server, four arguments: requests per CPU, to Tornado", 0.8, "x", _rate("server-query", TORNADO), at_least=True
    ),
    Reach("server, four arguments: requests per CPU, to wipac", 2.5, "x", _rate("server-query", WIPAC), at_least=True),
    Reach("server, 100,000 requests: growth of memory", 5, "MB", _growth("server-memory")),
    Reach(
        "import kinto_http: CPU beyond import requests",
        150,
        "ms",
        lambda results: float(results[IMPORT][OURS]["difference_ms"]),
    ),
)
