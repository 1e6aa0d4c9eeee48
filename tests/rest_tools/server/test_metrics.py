from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
import requests
import tornado.web
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families
from tests.timing import PATIENCE, until

from rest_tools.server import RestHandler, RestServer


class Fruit(RestHandler):
    def get(self, name):
        self.write({"name": name})

    def post(self, name):
        raise ZeroDivisionError


class Slow(RestHandler):
    begun = threading.Event()
    may_end = threading.Event()
    may_end.set()

    async def get(self):
        self.begun.set()
        await asyncio.sleep(0.3)
        await asyncio.to_thread(self.may_end.wait, PATIENCE)


class Plain(tornado.web.RequestHandler):
    def get(self):
        self.write("x")


def server_of(**options):
    server = RestServer(**options)
    server.add_route(r"/fruits/(\w+)", Fruit)
    server.add_route("/slow", Slow)
    server.add_route("/plain", Plain)
    server.add_standard_routes()
    return server


def samples(url):
    answer = requests.get(f"{url}/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name.removeprefix("http_server_"), *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


FRUIT = r"/fruits/(\w+)"


def test_requests_are_counted_by_pattern_method_and_status(serving):
    with serving(server_of()) as url:
        for name in ("apple", "pear", "plum"):
            requests.get(f"{url}/fruits/{name}", timeout=30)
        requests.post(f"{url}/fruits/apple", timeout=30)
        requests.delete(f"{url}/fruits/apple", timeout=30)
        requests.get(f"{url}/plain", timeout=30)
        found = samples(url)
        assert found["requests_total", "GET", FRUIT, "200"] == 3
        assert found["requests_total", "POST", FRUIT, "500"] == 1
        assert found["requests_total", "DELETE", FRUIT, "405"] == 1
        assert found["requests_total", "GET", "/plain", "200"] == 1
        assert found["request_duration_seconds_count", "GET", FRUIT] == 3
        assert 0 < found["request_duration_seconds_sum", "GET", FRUIT] < 30
        assert found["requests_in_progress", FRUIT] == 0
        assert found["requests_in_progress", "/metrics"] == 1


def test_clients_make_no_labels(serving):
    with serving(server_of(max_body_size=10)) as url:
        for number in range(20):
            requests.get(f"{url}/nowhere/{number}", timeout=30)
            requests.request(f"M{number}", f"{url}/fruits/{number}", timeout=30)
        requests.post(f"{url}/fruits/x", data=b"x" * 11, timeout=30)
        found = samples(url)
    assert found["requests_total", "GET", "(none)", "404"] == 20
    assert found["requests_total", "other", FRUIT, "405"] == 20
    assert found["requests_total", "POST", FRUIT, "413"] == 1
    assert len([key for key in found if key[0] == "requests_total"]) == 3


def test_what_is_at_work_is_in_progress_until_it_is_done(serving):
    with serving(server_of()) as url:
        for leave_early in (False, True):
            Slow.begun.clear()
            Slow.may_end.clear()
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
                client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                assert Slow.begun.wait(PATIENCE)
                assert samples(url)["requests_in_progress", "/slow"] == 1
                if not leave_early:
                    Slow.may_end.set()
                    assert client.recv(1000).startswith(b"HTTP/1.1 200")
            Slow.may_end.set()
            until(lambda: samples(url)["requests_in_progress", "/slow"] == 0)
        # A request that never became whole never was at work.
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
            client.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
            time.sleep(0.1)
        assert samples(url)["requests_in_progress", "/slow"] == 0


def test_slow_answers_are_in_their_bucket(serving):
    with serving(server_of()) as url:
        requests.get(f"{url}/slow", timeout=30)
        found = samples(url)
    assert found["request_duration_seconds_bucket", "0.25", "GET", "/slow"] == 0
    assert found["request_duration_seconds_bucket", "+Inf", "GET", "/slow"] == 1


def test_each_server_counts_for_itself_and_takes_metrics_of_ones_own(serving):
    one, other = server_of(), server_of()
    assert one.metrics is not None
    Counter("fruits_eaten", "Fruits", registry=one.metrics.registry).inc(7)
    with serving(one) as url, serving(other) as other_url:
        requests.get(f"{url}/plain", timeout=30)
        assert samples(url)["fruits_eaten_total",] == 7
        assert ("requests_total", "GET", "/plain", "200") not in samples(other_url)
        assert ("fruits_eaten_total",) not in samples(other_url)


def test_the_log_stays_and_openmetrics_is_had_on_request(serving):
    seen = []
    with serving(server_of(log_function=lambda handler: seen.append(handler.get_status()))) as url:
        accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
        answer = requests.get(f"{url}/metrics", headers=accept, timeout=30)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert seen == [200]


@pytest.mark.parametrize("options", [None, {"metrics": False}])
def test_only_where_asked_for(serving, options):
    server = RestServer()
    if options is not None:
        server.add_standard_routes(**options)
    assert server.metrics is None
    with serving(server) as url:
        assert requests.get(f"{url}/metrics", timeout=30).status_code == 404
