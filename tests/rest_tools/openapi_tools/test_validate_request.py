from __future__ import annotations

import inspect
import logging

import pytest
import requests
from openapi_core import OpenAPI

from rest_tools import openapi_tools
from rest_tools.server import RestHandler, RestHandlerSetup, RestServer, authenticated, validate_request

LEVELS = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-z]+$"},
        "size": {"type": "number", "minimum": 1, "maximum": 9.5},
        "count": {"type": ["integer", "null"]},
        "kind": {"enum": ["sweet", "sour"]},
        "either": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
        "tags": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True, "items": {"type": "string"}},
        "map": {"type": "object", "minProperties": 1, "maxProperties": 2},
        "even": {"multipleOf": 2},
        "deep": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "boolean"}}}},
    },
}

SPEC = OpenAPI.from_dict(
    {
        "openapi": "3.1.0",
        "info": {"title": "Fruits", "version": "1.0"},
        "paths": {
            "/fruits": {
                "get": {
                    "parameters": [
                        {"name": "q", "in": "query", "required": True, "schema": {"type": "integer", "minimum": 3}},
                        {"name": "many", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
                        {"name": "X-Key", "in": "header", "schema": {"type": "string", "minLength": 3}},
                        {"name": "crumb", "in": "cookie", "schema": {"type": "integer"}},
                    ],
                    "responses": {"200": {"description": "good"}},
                },
                "post": {
                    "requestBody": {"required": True, "content": {"application/json": {"schema": LEVELS}}},
                    "responses": {"200": {"description": "good"}},
                },
            },
            "/fruits/{name}": {
                "get": {
                    "parameters": [
                        {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 3}}
                    ],
                    "responses": {"200": {"description": "good"}},
                }
            },
        },
    }
)


class Fruits(RestHandler):
    @validate_request(SPEC)
    def get(self, *path):
        """All fruits."""
        self.write({"path": path})

    @validate_request(SPEC)
    async def post(self):
        self.write(self.json_body_arguments)

    @validate_request(SPEC)
    async def delete(self):
        self.write({})


@pytest.fixture
def url(serving):
    server = RestServer()
    for path in (r"/fruits", r"/fruits/([^/]*)", r"/unknown"):
        server.add_route(path, Fruits, RestHandlerSetup())
    with serving(server) as url:
        yield url


def post(url, body):
    return requests.post(f"{url}/fruits", json=body, timeout=10)


def get(url, path="/fruits?q=3", **headers):
    return requests.get(url + path, headers=headers, timeout=10)


def refusal(answer):
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == 400
    return answer.json()["error"]


def test_what_fits_comes_through_as_it_is(url):
    body = {"name": "fig", "size": 2, "count": None, "tags": ["a", "b"], "kind": "sour", "map": {"x": 1}}
    assert post(url, body).json() == body
    assert get(url, "/fruits?q=3&unknown=1&many=1&many=2", **{"x-key": "abc", "Cookie": "crumb=7"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"name": 1234}, "'name': must be type 'string' (str)"),
        ({"name": "x"}, "'name': must be at least 2 characters long"),
        ({"name": "xxxxxx"}, "'name': must be no more than 5 characters long"),
        ({"name": "FIG"}, "'name': must match the pattern '^[a-z]+$'"),
        ({"name": "fig", "size": "1234"}, "'size': must be type 'number' (float or int)"),
        ({"name": "fig", "size": 0.1234}, "'size': must be at least 1"),
        ({"name": "fig", "size": 1234}, "'size': must be no more than 9.5"),
        ({"name": "fig", "count": "1234"}, "'count': must be type 'integer' (int) or 'null' (None)"),
        ({"name": "fig", "kind": "1234"}, "'kind': must be one of: 'sweet', 'sour'"),
        ({"name": "fig", "either": 1234}, "'either': must match one of the accepted types"),
        ({"name": "fig", "tags": []}, "'tags': must have at least 1 items"),
        ({"name": "fig", "tags": ["1234", "a", "b"]}, "'tags': must have no more than 2 items"),
        ({"name": "fig", "tags": ["1234", "1234"]}, "'tags': items must be unique"),
        ({"name": "fig", "map": {}}, "'map': must have at least 1 entries"),
        ({"name": "fig", "map": {"a": 1234, "b": 1, "c": 1}}, "'map': must have no more than 2 entries"),
        ({"name": "fig", "even": 1235}, "'even': failed 'multipleOf' constraint"),
        ({"name": "fig", "deep": [{}, {"a": 1234}]}, "'deep.1.a': must be type 'boolean' (bool)"),
        ({}, "'name' is a required property"),
        ({"name": "fig", "x": 1234}, "Additional properties are not allowed ('x' was unexpected)"),
        ([1234], "must be type 'object' (dict)"),
    ],
)
def test_what_does_not_is_told_without_the_value(url, body, text):
    answer = post(url, body)
    assert refusal(answer) == text
    assert "1234" not in answer.text
    assert "1234" not in str(answer.headers)


def test_names_that_the_client_sent_are_in_the_body_alone(url):
    answer = post(url, {"name": "fig", "evil name": 1})
    assert "evil name" in refusal(answer)
    assert answer.reason == "Bad Request"
    assert get(url, "/fruits").reason == "Missing required query parameter: q"


def test_all_violations_are_told(url):
    parts = refusal(post(url, {"name": "fig", "size": 0, "kind": "bad"})).split("; ")
    assert sorted(parts) == ["'kind': must be one of: 'sweet', 'sour'", "'size': must be at least 1"]


def test_not_without_end(url):
    text = refusal(post(url, {"name": "fig", "deep": [{"a": 1}] * 5000}))
    assert text.endswith("; and 4980 more")
    text = refusal(post(url, {"name": "fig", **{f"x{i}": 1 for i in range(5000)}}))
    assert text.endswith("...")
    assert len(text) < 400


@pytest.mark.parametrize(
    ("path", "headers", "text"),
    [
        ("/fruits", {}, "Missing required query parameter: q"),
        ("/fruits?q=abcd", {}, "Query parameter error: q"),
        ("/fruits?q=", {}, "Query parameter error: q"),
        ("/fruits?q=2", {}, "must be at least 3"),
        ("/fruits?q=3&q=2", {}, "must be at least 3"),
        ("/fruits?q=3&many=1&many=x&many=2", {}, "Query parameter error: many"),
        ("/fruits?q=3", {"X-Key": "ab"}, "must be at least 3 characters long"),
        ("/fruits?q=3", {"Cookie": "crumb=abcd"}, "Cookie parameter error: crumb"),
        ("/fruits/abcd", {}, "must be no more than 3 characters long"),
        ("/fruits?q=%ff", {}, "Bad Request"),
    ],
)
def test_parameters(url, path, headers, text):
    answer = get(url, path, **headers)
    assert refusal(answer) == text
    assert "abcd" not in answer.text


def test_the_last_of_repeated_values_counts(url):
    assert get(url, "/fruits?q=2&q=3").status_code == 200


def test_a_path_is_looked_at_decoded(url):
    assert get(url, "/fruits/%C3%A4%20%C3%A4").json() == {"path": ["ä ä"]}
    assert refusal(get(url, "/fruits/%C3%A4%C3%A4%C3%A4%C3%A4")) == "must be no more than 3 characters long"


@pytest.mark.parametrize("body", [b"{secret", b"\xff\xfe secret", b"[" * 100_000 + b"secret"])
def test_a_body_that_cannot_be_read_is_not_echoed(url, body, caplog):
    caplog.set_level(logging.DEBUG)
    answer = requests.post(f"{url}/fruits", body, headers={"Content-Type": "application/json"}, timeout=10)
    assert refusal(answer) in {"Request body validation error", "Bad Request"}
    assert "secret" not in answer.text
    assert "secret" not in caplog.text


def test_a_body_is_asked_for_by_its_type(url):
    answer = requests.post(f"{url}/fruits", timeout=10)
    assert refusal(answer) == "Missing required request body"
    answer = requests.post(f"{url}/fruits", b"{}", headers={"Content-Type": "text/secret"}, timeout=10)
    assert refusal(answer) == "Request body validation error: Content-Type must be one of: 'application/json'"


def test_a_strange_content_type_is_no_way_around(url, caplog):
    headers = {"Content-Type": "application/json; secret"}
    answer = requests.post(f"{url}/fruits", b'{"x": 1}', headers=headers, timeout=10)
    assert refusal(answer) == "Bad Request"
    assert "a request could not be validated: ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_a_path_or_method_that_the_document_does_not_know(url):
    assert get(url, "/unknown").json() == {"code": 404, "error": "Not Found"}
    assert requests.delete(f"{url}/fruits", timeout=10).json() == {"code": 405, "error": "Method Not Allowed"}


def test_a_server_that_the_document_does_not_know(serving):
    document = {**SPEC.spec.read_value(), "servers": [{"url": "http://fruits.example"}]}

    class Elsewhere(RestHandler):
        @validate_request(OpenAPI.from_dict(document))
        def get(self):
            self.write({})

    server = RestServer()
    server.add_route("/fruits", Elsewhere, RestHandlerSetup())
    with serving(server) as url:
        assert get(url).status_code == 404
        assert get(url, Host="fruits.example").status_code == 200


def test_it_keeps_what_is_told_about_the_method_and_stacks(serving):
    assert validate_request is openapi_tools.validate_request
    assert Fruits.get.__name__ == "get"
    assert Fruits.get.__doc__ == "All fruits."
    assert inspect.iscoroutinefunction(Fruits.get)

    class Guarded(RestHandler):
        @authenticated
        @validate_request(SPEC)
        def get(self):
            self.write({})

    server = RestServer()
    server.add_route("/fruits", Guarded, RestHandlerSetup())
    with serving(server) as url:
        assert get(url, "/fruits").status_code == 403
