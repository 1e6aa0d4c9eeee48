"""What Prometheus is told: how many requests, how long, how many at once, by the pattern of the route.

All labels come from the program (patterns, methods that HTTP knows, status codes), so clients cannot make more of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from tornado.httputil import HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

from rest_tools.server.handler import RestHandler
from rest_tools.server.routes import route_of
from rest_tools.server.shared_metrics import Snapshots

__all__ = ["Metrics", "MetricsHandler"]

_log = logging.getLogger(__name__)


class Metrics:
    """The measurements of one server.

    Attributes:
        registry: Of this server alone; a place for metrics of one's own.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shared: tuple[int, Snapshots] | None = None
        self._requests = Counter(
            "http_server_requests", "Answered requests", ["method", "route", "status"], registry=self.registry
        )
        self._durations = Histogram(
            "http_server_request_duration_seconds",
            "From the header of the request to the end of the answer",
            ["method", "route"],
            registry=self.registry,
        )
        self._in_progress = Gauge(
            "http_server_requests_in_progress", "Requests at work", ["route"], registry=self.registry
        )

    def share(self, number: int, snapshots: Snapshots) -> Callable[[], None]:
        """From now on tell of all workers, as this worker of several.

        Returns:
            What is to be called now and then, and at the end, to tell the others of this one.
        """
        self._shared = number, snapshots

        def tell() -> None:
            try:
                snapshots.write(number, self.registry)
            except OSError as error:
                _log.warning("the metrics of this worker are not up to date: %s", error)

        return tell

    def told(self) -> CollectorRegistry | Snapshots:
        """What to tell who asks."""
        if self._shared is None:
            return self.registry
        number, snapshots = self._shared
        snapshots.write(number, self.registry)
        return snapshots

    def begun(self, request: HTTPServerRequest) -> None:
        """A handler takes up the request."""
        self._in_progress.labels(_route(request)).inc()

    def finished(self, handler: RequestHandler) -> None:
        """The request that was begun is answered, in one way or another."""
        request = handler.request
        route = _route(request)
        method = request.method if request.method in RequestHandler.SUPPORTED_METHODS else "other"
        self._in_progress.labels(route).dec()
        self._requests.labels(method, route, str(handler.get_status())).inc()
        self._durations.labels(method, route).observe(request.request_time())

    def transform(self) -> type[OutputTransform]:
        """What Tornado makes for each request right before its handler runs, a moment it tells nobody else of."""
        metrics = self

        class Begin(OutputTransform):
            def __init__(self, request: HTTPServerRequest) -> None:
                metrics.begun(request)

        return Begin


def _route(request: HTTPServerRequest) -> str:
    return route_of(request) or "(none)"


class MetricsHandler(RestHandler):
    """Answers in the text format that Prometheus asks for."""

    is_documented = False

    def initialize(self, *args: Any, metrics: Metrics, **kwargs: Any) -> None:  # type: ignore[override]  # by keyword alone
        """Take the measurements to tell of."""
        super().initialize(*args, **kwargs)
        self._metrics = metrics

    def get(self) -> None:
        """All metrics of the server's registry; of several workers, all of theirs."""
        encode, content_type = choose_encoder(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.write(encode(self._metrics.told()))
