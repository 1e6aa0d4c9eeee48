from __future__ import annotations

import json
import logging
import uuid
from datetime import UTC, datetime

import pytest
import requests
import tornado.web

from rest_tools.server import RestHandler, RestServer
from rest_tools.server.access_log import json_logger
from rest_tools.server.correlation import correlation_id


class Fruit(RestHandler):
    def get(self, name):
        self.write({"id": correlation_id(self.request)})

    def post(self, name):
        raise ZeroDivisionError


class Plain(tornado.web.RequestHandler):
    def get(self):
        self.write("x")


def server_of(**options):
    server = RestServer(**options)
    server.add_route(r"/fruits/(\w+)", Fruit)
    server.add_route("/plain", Plain)
    return server


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="rest_tools.access")
    return lambda: [one for one in caplog.records if one.name == "rest_tools.access"]


def test_a_line_is_a_json_object(serving, lines):
    with serving(server_of(json_log=True)) as url:
        before = datetime.now(UTC)
        requests.get(f"{url}/fruits/apple?size=7&code=s3cr3t&access_token=s3cr3t", timeout=30)
        requests.post(f"{url}/fruits/apple", timeout=30)
        requests.get(f"{url}/nowhere", timeout=30)
    assert [one.levelno for one in lines()] == [logging.INFO, logging.ERROR, logging.WARNING]
    entries = [json.loads(one.getMessage()) for one in lines()]
    first = entries[0]
    assert abs((datetime.fromisoformat(first.pop("time")) - before).total_seconds()) < 5
    assert 0 < first.pop("milliseconds") < 5000
    assert uuid.UUID(first.pop("correlation_id")).version == 4
    assert first == {
        "status": 200,
        "method": "GET",
        "uri": "/fruits/apple?size=7&code=***&access_token=***",
        "route": r"/fruits/(\w+)",
        "ip": "127.0.0.1",
    }
    assert [(one["status"], one["route"]) for one in entries[1:]] == [(500, r"/fruits/(\w+)"), (404, None)]


@pytest.mark.parametrize("path", ["/fruits/apple", "/nowhere", "/plain"])
@pytest.mark.parametrize("sent", ["a", "x" * 128, "0b5fdd6e-7d0c-4f6a-8a8b-4a4f6a1e9b1c", "a:b/c=d+e@f._-"])
def test_a_harmless_id_is_taken_and_returned(serving, lines, path, sent):
    with serving(server_of(json_log=True)) as url:
        answer = requests.get(url + path, headers={"X-Correlation-ID": sent}, timeout=30)
    assert answer.headers["X-Correlation-ID"] == sent
    assert [json.loads(one.getMessage())["correlation_id"] for one in lines()] == [sent]
    assert path != "/fruits/apple" or answer.json() == {"id": sent}


@pytest.mark.parametrize(
    "sent", [None, "", "x" * 129, "a b", 'a"b', "a,b", "<script>", "a\tb", b"\xff", b"caf\xc3\xa9"]
)
def test_another_is_replaced(serving, lines, sent):
    with serving(server_of(json_log=True)) as url:
        answer = requests.get(f"{url}/fruits/apple", headers={"X-Correlation-ID": sent}, timeout=30)
    made = answer.headers["X-Correlation-ID"]
    assert str(uuid.UUID(made)) == made
    assert answer.json() == {"id": made}
    assert json.loads(lines()[0].getMessage())["correlation_id"] == made


def test_each_request_of_a_connection_has_its_own(serving):
    with serving(server_of(json_log=True)) as url, requests.Session() as session:
        answers = [session.get(f"{url}/plain", timeout=30) for _ in range(3)]
        unchanged = session.get(f"{url}/plain", headers={"If-None-Match": answers[0].headers["Etag"]}, timeout=30)
    assert unchanged.status_code == 304
    assert len({one.headers["X-Correlation-ID"] for one in [*answers, unchanged]}) == 4


def test_nothing_changes_where_it_was_not_asked_for(serving, lines):
    with serving(server_of()) as url:
        answer = requests.get(f"{url}/plain", headers={"X-Correlation-ID": "a"}, timeout=30)
    assert "X-Correlation-ID" not in answer.headers
    assert lines() == []


def test_two_log_functions_are_one_too_many():
    assert RestServer(json_log=True).app_args == {"log_function": json_logger}
    with pytest.raises(ValueError, match="log_function"):
        RestServer(json_log=True, log_function=print)


def test_a_logger_that_is_off_costs_nothing_and_ids_are_returned(serving, lines, caplog):
    caplog.set_level(logging.ERROR, logger="rest_tools.access")
    with serving(server_of(json_log=True)) as url:
        answer = requests.get(f"{url}/plain", headers={"X-Correlation-ID": "a"}, timeout=30)
        requests.post(f"{url}/fruits/x", timeout=30)
    assert answer.headers["X-Correlation-ID"] == "a"
    assert [json.loads(one.getMessage())["status"] for one in lines()] == [500]
