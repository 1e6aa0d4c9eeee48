from __future__ import annotations

import argparse
import re

import pytest
import requests
import tornado.web
from openapi_spec_validator import OpenAPIV31SpecValidator

from rest_tools.server import (
    ArgumentSource,
    OpenIDCookieHandlerMixin,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
    catch_error,
    role_authorization,
    scope_role_auth,
)
from rest_tools.server.arguments import Argument, Arguments, takes
from rest_tools.server.idempotency import MemoryIdempotencyStore, idempotent
from rest_tools.server.openapi import openapi_document
from rest_tools.server.openapi.schemas import body_of, query_parameters
from rest_tools.server.openapi.templates import template_of
from rest_tools.server.rate_limit import RateLimiter, rate_limited
from rest_tools.utils.auth import Auth, OpenIDAuth

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."
SETUP = RestHandlerSetup({"auth": {"secret": SECRET}})
QUERY, BODY = ArgumentSource.QUERY_ARGUMENTS, ArgumentSource.JSON_BODY_ARGUMENTS

SEARCH = Arguments(
    QUERY,
    Argument("colour", choices=["red", "green"], help="Of the skin."),
    Argument("size", type=int, default="5"),
    Argument("tag", nargs="*", default=[]),
)
FRUIT = Arguments(BODY, Argument("name", type=str, max_length=20), Argument("ripe", type=bool, default=False))
DRY = Arguments(QUERY, Argument("dry-run", type=bool, default=False))


class Fruits(RestHandler):
    """What grows.

    And more.
    """

    @authenticated
    @takes(SEARCH)
    def get(self, arguments):
        """All fruits.

        Sorted by name,
        ripe ones first.
        """
        self.write(vars(arguments))

    @takes(DRY)
    @takes(FRUIT)
    @catch_error
    async def post(self, fruit, options):
        """Add a fruit."""
        self.write({**vars(fruit), **vars(options)})


class Fruit(RestHandler):
    @takes(DRY)
    def delete(self, options, name):
        self.write({"name": name, **vars(options)})


class Plain(tornado.web.RequestHandler):
    def get(self):
        self.write("x")

    head = get


def server_of(*routes, **options):
    server = RestServer()
    for route in routes or [("/fruits", Fruits, SETUP), (r"/fruits/([a-z]+)", Fruit, SETUP), ("/plain", Plain)]:
        server.add_route(*route)
    server.add_standard_routes(**options)
    return server


def document_of(url):
    answer = requests.get(f"{url}/openapi.json", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    return document


def test_the_document_tells_what_the_handlers_say(serving):
    with serving(server_of(title="Fruits", version="1.2", description="*All* of them.")) as url:
        document = document_of(url)
    assert document["openapi"] == "3.1.1"
    assert document["info"] == {"title": "Fruits", "version": "1.2", "description": "*All* of them."}
    assert list(document["paths"]) == ["/fruits", "/fruits/{name}", "/plain"]
    success, error, unfit, forbidden = (
        {"description": "Success."},
        *({"$ref": f"#/components/responses/{name}"} for name in ("Error", "BadRequest", "Forbidden")),
    )
    assert document["tags"] == [{"name": "Fruits", "description": "What grows"}, {"name": "Fruit"}, {"name": "Plain"}]
    assert document["paths"]["/fruits"] == {
        "get": {
            "operationId": "getFruits",
            "tags": ["Fruits"],
            "summary": "All fruits",
            "description": "Sorted by name,\nripe ones first.",
            "parameters": [
                {
                    "name": "colour",
                    "in": "query",
                    "required": True,
                    "description": "Of the skin.",
                    "schema": {"type": "string", "enum": ["red", "green"]},
                },
                {"name": "size", "in": "query", "required": False, "schema": {"type": "integer", "default": 5}},
                {
                    "name": "tag",
                    "in": "query",
                    "required": False,
                    "schema": {"type": "array", "items": {"type": "string"}, "default": []},
                },
            ],
            "security": [{"bearer": []}],
            "responses": {"2XX": success, "400": unfit, "403": forbidden, "default": error},
        },
        "post": {
            "operationId": "postFruits",
            "tags": ["Fruits"],
            "summary": "Add a fruit",
            "parameters": [
                {
                    "name": "dry-run",
                    "in": "query",
                    "required": False,
                    "schema": {"type": "boolean", "default": False},
                }
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "name": {"type": "string", "maxLength": 20},
                                "ripe": {"type": "boolean", "default": False},
                            },
                            "required": ["name"],
                            "additionalProperties": False,
                        }
                    }
                },
            },
            "responses": {"2XX": success, "400": unfit, "default": error},
        },
    }
    fruit = document["paths"]["/fruits/{name}"]
    pattern = {"type": "string", "pattern": "^([a-z]+)$"}
    assert fruit["parameters"] == [{"name": "name", "in": "path", "required": True, "schema": pattern}]
    assert set(fruit) == {"parameters", "delete"}
    assert document["paths"]["/plain"] == {
        "get": {"operationId": "getPlain", "tags": ["Plain"], "responses": {"2XX": success}}
    }


def test_what_is_declared_is_what_is_parsed(serving):
    token = {"Authorization": f"Bearer {Auth(SECRET).create_token('joe')}"}
    with serving(server_of()) as url:
        assert requests.get(f"{url}/fruits?colour=blue", timeout=30).status_code == 403  # who asks comes first
        answer = requests.get(f"{url}/fruits?colour=red&tag=a&tag=b", headers=token, timeout=30)
        assert answer.json() == {"colour": "red", "size": 5, "tag": ["a", "b"]}
        refused = requests.get(f"{url}/fruits?colour=blue&size=x", headers=token, timeout=30)
        assert refused.status_code == 400
        assert [one["field"] for one in refused.json()["errors"]] == ["colour", "size"]
        answer = requests.post(f"{url}/fruits?dry-run=yes", json={"name": "plum"}, timeout=30)
        assert answer.json() == {"name": "plum", "ripe": False, "dry_run": True}
        assert requests.post(f"{url}/fruits", json={"ripe": True}, timeout=30).status_code == 400
        assert requests.post(f"{url}/fruits?dry-run=maybe", json={"name": "x"}, timeout=30).status_code == 400
        assert requests.delete(f"{url}/fruits/plum", timeout=30).json() == {"name": "plum", "dry_run": False}


def test_errors_are_as_documented(serving):
    with serving(server_of()) as url:
        schemas = document_of(url)["components"]["schemas"]
        for accept, name in (("*/*", "Error"), ("application/problem+json", "Problem")):
            answer = requests.post(f"{url}/fruits", json={}, headers={"Accept": accept}, timeout=30).json()
            assert set(schemas[name]["required"]) <= set(answer) <= set(schemas[name]["properties"])


def test_routes_that_come_later_are_told_of(serving):
    server = server_of()
    with serving(server) as url:
        assert "/later" not in document_of(url)["paths"]
        server.add_route("/later", Plain)
        assert "/later" in document_of(url)["paths"]


def test_only_where_asked_for(serving):
    with serving(server_of(openapi=False)) as url:
        assert requests.get(f"{url}/openapi.json", timeout=30).status_code == 404


def test_a_path_is_there_once_and_operations_have_names_of_their_own(serving, caplog):
    class Hidden(Fruit):
        is_documented = False

    routes = [
        ("/a/(?P<x>.*)", Plain),
        ("/a/(?P<y>.*)", Plain),
        ("/b", Plain),
        ("/(?:c|d)", Plain),
        ("/e", Hidden),
        ("/f", RestHandler),
    ]
    with serving(server_of(*routes)) as url:
        paths = document_of(url)["paths"]
    assert list(paths) == ["/a/{x}", "/b"]
    assert [item["get"]["operationId"] for item in paths.values()] == ["getPlain", "getPlain2"]
    assert [one.args[0] for one in caplog.records if "OpenAPI" in one.msg] == ["/a/(?P<y>.*)", "/(?:c|d)"]


class Guarded(RestHandler):
    @authenticated
    def get(self):
        self.write({})

    @role_authorization(roles=["admin"])
    @takes(DRY)
    def put(self, options):
        self.write({})

    @authenticated
    @scope_role_auth(roles=["admin"], prefix="x")
    def post(self):
        self.write({})

    def delete(self):
        self.write({})


class GuardedByCookie(OpenIDCookieHandlerMixin, Guarded):
    pass


class Opaque:
    def validate(self, token):
        return {"sub": token}


def guarded(handler=Guarded, **setup):
    """Status codes and security of each method, and the schemes."""
    document = openapi_document([("/x", handler, setup)], title="x", version="1")
    OpenAPIV31SpecValidator(document).validate()
    told = {
        method: ({code for code in operation["responses"] if code.startswith("40")}, operation.get("security"))
        for method, operation in document["paths"]["/x"].items()
    }
    return told, document["components"].get("securitySchemes")


def provider(url):
    return OpenIDAuth(url, provider_info={"issuer": url}, public_keys={"a": "b"})


JWT = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def test_methods_that_ask_who_is_calling_say_so():
    needed = [{"bearer": []}]
    assert guarded(auth=Auth(SECRET)) == (
        {"get": ({"403"}, needed), "put": ({"400", "403"}, needed), "post": ({"403"}, needed), "delete": (set(), None)},
        {"bearer": JWT},
    )


def test_they_answer_401_where_they_are_asked_to():
    told, _ = guarded(auth=Auth(SECRET), unauthenticated_status=401)
    codes = {method: codes for method, (codes, _) in told.items()}
    assert codes == {"get": {"401"}, "put": {"400", "401", "403"}, "post": {"401", "403"}, "delete": set()}


@pytest.mark.parametrize("setup", [{}, {"auth": None}])
def test_there_is_no_scheme_where_nobody_can_be_known(setup):
    told, schemes = guarded(**setup)
    assert told["get"] == ({"403"}, None)
    assert schemes is None


def test_tokens_of_a_provider_come_with_its_address():
    told, schemes = guarded(auth=provider("https://joe:pw@login.example"))
    assert told["get"][1] == [{"bearer": []}, {"openid": []}]
    address = "https://login.example/.well-known/openid-configuration"
    assert schemes == {"bearer": JWT, "openid": {"type": "openIdConnect", "openIdConnectUrl": address}}


def test_tokens_in_cookies_and_tokens_of_ones_own_kind():
    told, schemes = guarded(GuardedByCookie, auth=Auth(SECRET))
    assert told["get"][1] == [{"cookie": []}]
    cookie = {"type": "apiKey", "in": "cookie", "name": "access_token", "description": "Set by a log-in."}
    assert schemes == {"cookie": cookie}
    assert guarded(auth=Opaque())[1] == {"bearer": {"type": "http", "scheme": "bearer"}}


def test_each_scheme_is_there_once():
    auths = [Auth(SECRET), Opaque(), provider("https://a.example"), provider("https://b.example")]
    routes = [(f"/{number}", Guarded, {"auth": auth}) for number, auth in enumerate([*auths, *auths])]
    document = openapi_document(routes, title="x", version="1")
    asked = [[name for one in item["get"]["security"] for name in one] for item in document["paths"].values()]
    assert asked == [["bearer"], ["bearer2"], ["bearer", "openid"], ["bearer", "openid2"]] * 2
    assert set(document["components"]["securitySchemes"]) == {"bearer", "bearer2", "openid", "openid2"}


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("pattern", "path", "parameters"),
    [
        ("/", "/", {}),
        ("/fruits/?", "/fruits", {}),
        ("^/a.json$", "/a.json", {}),
        (re.compile(r"/a\.json"), "/a.json", {}),
        (r"/a/(\d+)", "/a/{name}", {"name": {**TEXT, "pattern": r"^(\d+)$"}}),
        (r"/(.*)/(.+)/([^/]+)", "/{name}/{arg2}/{arg3}", {"name": TEXT, "arg2": TEXT | {"minLength": 1}, "arg3": ...}),
        (r"/(?P<id>[^/]*)/x", "/{id}/x", {"id": TEXT}),
        (r"/((?:a|b)c)", "/{name}", {"name": TEXT}),
        (r"/((a)b)/(c)", "/{name}/{arg3}", {"name": ..., "arg3": ...}),
        (r"/([)(\]]+)/b", "/{name}/b", {"name": ...}),
        (r"/([])]|[^]]|\))b", "/{name}b", {"name": ...}),
        (r"/a(?:/b)?", "/a", {}),
        (r"/a(/.*)?", "/a", {}),
        (r"/v\-1", "/v-1", {}),
    ],
)
def test_templates_of_patterns(pattern, path, parameters):
    template = template_of(pattern, ["name"])
    assert template is not None
    assert template.path == path
    assert list(template.parameters) == list(parameters)
    for name, schema in parameters.items():
        assert schema is ... or template.parameters[name] == schema


@pytest.mark.parametrize(
    "pattern", ["", ".*", "fruits", "/a|/b", "/[ab]", "/a+", "/a{2}", r"/\d", r"/\{x\}", "/(?:a)", "/(?!a)?", "/(?=a)b"]
)
def test_patterns_without_a_template(pattern):
    re.compile(pattern)
    assert template_of(pattern) is None


@pytest.mark.parametrize(
    ("options", "query", "json"),
    [
        ({}, {"type": "string"}, {}),
        ({"type": float}, {"type": "number"}, {"type": "number"}),
        ({"max_items": 3}, {"type": "string"}, {"maxItems": 3, "maxProperties": 3}),
        ({"type": len, "max_length": 3}, {"type": "string", "maxLength": 3}, {"maxLength": 3}),
        (
            {"type": int, "nargs": "*"},
            {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            {"type": "array", "items": {"type": "integer"}},
        ),
        ({"type": str, "max_length": 3, "default": "long"}, *[{"type": "string", "maxLength": 3}] * 2),
        ({"type": list, "max_items": 3}, {"type": "string"}, {"type": "array", "maxItems": 3}),
        ({"type": dict, "max_items": 3}, {"type": "string"}, {"type": "object", "maxProperties": 3}),
        ({"type": str.lower, "choices": ("a",)}, {"type": "string", "enum": ["a"]}, {"enum": ["a"]}),
        ({"type": len, "choices": (1, 2)}, {"type": "string"}, {}),
        ({"type": int, "choices": range(1, 9)}, *[{"type": "integer", "minimum": 1, "maximum": 8}] * 2),
        ({"type": int, "choices": {9, 2}}, *[{"type": "integer", "enum": [2, 9]}] * 2),
        ({"type": int, "choices": ["a"]}, *[{"type": "integer"}] * 2),
        ({"type": int, "choices": range(0, 500, 2)}, *[{"type": "integer"}] * 2),
        ({"type": str, "choices": "abc"}, *[{"type": "string"}] * 2),
        (
            {"type": int, "nargs": 2},
            *[{"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}] * 2,
        ),
        (
            {"type": int, "nargs": "+", "max_items": 9},
            *[{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 9}] * 2,
        ),
        ({"type": int, "nargs": "?", "default": 7}, *[{"type": "integer", "default": 7}] * 2),
        ({"type": int, "default": None}, *[{"type": "integer"}] * 2),
        ({"type": int, "default": True}, *[{"type": "integer"}] * 2),
        ({"type": int, "choices": range(3), "default": 7}, *[{"type": "integer", "minimum": 0, "maximum": 2}] * 2),
        ({"type": float, "default": float("inf")}, *[{"type": "number"}] * 2),
        ({"type": str, "default": argparse.SUPPRESS}, *[{"type": "string"}] * 2),
        (
            {"type": int, "nargs": "*", "default": (1, 2)},
            *[{"type": "array", "items": {"type": "integer"}, "default": [1, 2]}] * 2,
        ),
        ({"type": int, "nargs": "*", "default": ["a"]}, *[{"type": "array", "items": {"type": "integer"}}] * 2),
        ({"type": str, "default": object()}, *[{"type": "string"}] * 2),
        ({"default": {"a": 1}}, {"type": "string"}, {"default": {"a": 1}}),
        ({"help": argparse.SUPPRESS}, {"type": "string"}, {}),
    ],
)
def test_schemas_of_arguments(options, query, json):
    parameter = query_parameters(Arguments(QUERY, Argument("a", **options)))[0]
    assert parameter == {"name": "a", "in": "query", "required": "default" not in options, "schema": query}
    body = body_of(Arguments(BODY, Argument("a", **options)))
    assert body["required"] is ("default" not in options)
    assert body["content"]["application/json"]["schema"]["properties"] == {"a": json}

    class Both(RestHandler):
        @takes(Arguments(QUERY, Argument("a", **options)))
        @takes(Arguments(BODY, Argument("a", **options)))
        def post(self, body, query):
            pass

    OpenAPIV31SpecValidator(openapi_document([("/", Both)], title="x", version="1")).validate()


class Orders(RestHandler):
    @rate_limited(RateLimiter())
    async def prepare(self):
        super().prepare()

    def get(self):
        self.write({})

    @idempotent(MemoryIdempotencyStore())
    @takes(FRUIT)
    def post(self, fruit):
        self.write(vars(fruit))

    @idempotent(MemoryIdempotencyStore(), required=False)
    def put(self):
        self.write({})


def test_the_document_tells_of_keys_and_limits(serving):
    with serving(server_of(("/orders", Orders, SETUP))) as url:
        orders = document_of(url)["paths"]["/orders"]
    get, post, put = (orders[method] for method in ("get", "post", "put"))
    assert sorted(get["responses"]) == ["2XX", "429", "default"]
    assert sorted(post["responses"]) == ["2XX", "400", "409", "422", "429", "default"]
    assert list(get["responses"]["429"]["headers"]) == ["Retry-After", "RateLimit"]
    assert post["responses"]["400"] == {"$ref": "#/components/responses/BadRequest"}
    assert put["responses"]["400"]["description"] == "The key is missing, or nobody can read it."
    assert "parameters" not in get
    (key,) = post["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", True)
    assert put["parameters"] == [key | {"required": False}]
