from __future__ import annotations

import asyncio
import json
import logging

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError

import rest_tools.client.utils
import rest_tools.openapi_tools
from rest_tools.client import RestClient
from rest_tools.client.utils import request_and_validate
from restwright.testing import Reply, serve

FRUIT = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "amount": {"type": "integer"}},
}


def answered(schema):
    return {"description": "", "content": {"application/json": {"schema": schema}}}


def document(url):
    return OpenAPI.from_dict(
        {
            "openapi": "3.1.0",
            "info": {"title": "Fruits", "version": "1.0"},
            "servers": [{"url": f"{url}/api"}],
            "paths": {
                "/fruits/{name}": {
                    "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "get": {"responses": {"200": answered(FRUIT), "404": answered({"type": "object"})}},
                    "post": {
                        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                        "responses": {"200": answered(FRUIT), "204": {"description": ""}},
                    },
                }
            },
        }
    )


def ask(*answers, method="GET", path="/fruits/apple", args=None, **settings):
    """What came of a call, and the requests that the server has seen."""

    async def main():
        async with RestClient(f"{server.url}/api", "t0ken", **settings) as client:
            return await request_and_validate(client, document(server.url), method, path, args)

    with serve(list(answers)) as server:
        return asyncio.run(main()), server.requests


def test_it_is_one_function_under_two_names():
    assert rest_tools.client.utils.request_and_validate is rest_tools.openapi_tools.request_and_validate


def test_an_answer_that_fits_is_decoded():
    value, seen = ask(Reply(json={"name": "apple", "amount": 7}), args={"n": 1})
    assert value == {"name": "apple", "amount": 7}
    assert seen[0].target == "/api/fruits/apple?n=1"
    assert seen[0].headers["Authorization"] == "Bearer t0ken"


def test_a_body_is_sent_as_by_request():
    value, seen = ask(Reply(204), method="POST", args={"amount": 2})
    assert value is None
    assert seen[0].json() == {"amount": 2}


@pytest.mark.parametrize("body", [{"amount": 7}, {"name": 7}, [], {"name": "apple", "amount": "seven"}])
def test_one_that_does_not_is_refused(body, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(OpenAPIError):
        ask(Reply(json=body))
    assert "the answer 200 to GET /fruits/apple does not fit: " in caplog.text
    assert "must be type" in caplog.text or "required property" in caplog.text
    assert "seven" not in caplog.text


def test_the_document_goes_before_the_status():
    with pytest.raises(OpenAPIError):
        ask(Reply(400, json={"error": "why"}))
    with pytest.raises(OpenAPIError):
        ask(Reply(404, json=[]))


def test_an_error_status_that_is_in_the_document_is_raised():
    with pytest.raises(requests.HTTPError, match="no such fruit") as raised:
        ask(Reply(404, json={"error": "no such fruit"}))
    assert raised.value.response.status_code == 404


@pytest.mark.parametrize(("method", "path"), [("GET", "/vegetables"), ("PUT", "/fruits/apple")])
def test_what_the_document_does_not_know_is_refused(method, path):
    with pytest.raises(OpenAPIError):
        ask(Reply(json={"name": "apple"}), method=method, path=path)


def test_it_is_repeated_like_any_other():
    value, seen = ask(Reply(503), Reply(json={"name": "apple"}))
    assert value == {"name": "apple"}
    assert len(seen) == 2
    with pytest.raises(requests.exceptions.RetryError):
        ask(Reply(503), retries=0)


def test_what_is_not_json_is_refused():
    with pytest.raises((OpenAPIError, json.JSONDecodeError)):
        ask(Reply(content=b"<html>", headers={"Content-Type": "application/json"}))
