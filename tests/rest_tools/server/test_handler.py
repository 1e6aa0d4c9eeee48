from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import threading
import time

import jwt
import pytest
import requests
from tests.timing import PATIENCE, until
from tornado.web import HTTPError

from rest_tools.server import (
    ArgumentHandler,
    ArgumentSource,
    KeycloakUsernameMixin,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
)
from rest_tools.server.session import Session, SessionMixin
from rest_tools.server.stats import RouteStats
from rest_tools.utils.auth import Auth, OpenIDAuth
from restwright.testing.serve import Reply, serve

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."
SETUP = {"auth": {"secret": SECRET}}


def bearer(subject="joe", **claims):
    return {"Authorization": "Bearer " + Auth(SECRET).create_token(subject, payload=claims)}


def server_of(*routes, **settings):
    server = RestServer(**settings)
    for route in routes:
        server.add_route(*route)
    return server


def ask(url, method="GET", **options):
    return requests.request(method, url, timeout=10, **options)


class Echo(RestHandler):
    def get(self):
        self.write({"value": self.get_argument("name", "none")})

    def post(self):
        self.write({"value": self.get_argument("name"), "type": type(self.get_argument("name")).__name__})


class Who(RestHandler):
    def get(self):
        self.write({"user": self.current_user, "data": self.auth_data, "key": self.auth_key})


def raising(error):
    class Raising(RestHandler):
        def get(self):
            self.write("thrown away")
            raise error

    return Raising


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (HTTPError(404, reason="no such fruit"), 404, "no such fruit"),
        (HTTPError(404, "for the log"), 404, "Not Found"),
        (HTTPError(409), 409, "Conflict"),
        (ZeroDivisionError("secret thing"), 500, "Internal Server Error"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "its own `reason`"), 500, "Internal Server Error"),
        (HTTPError(499), 499, "Unknown"),
    ],
)
def test_errors_are_json(serving, error, status, text):
    with serving(server_of(("/x", raising(error), RestHandlerSetup()))) as url:
        answer = ask(f"{url}/x")
    assert (answer.status_code, answer.reason) == (status, text)
    assert answer.json() == {"code": status, "error": text}
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.headers["Server"] == "REST"


@pytest.mark.parametrize("text", ["<b> is no fruit", "keine Bäume 🌲", "x" * 1000])
def test_what_cannot_be_a_reason_phrase_is_in_the_body(serving, text):
    with serving(server_of(("/x", raising(HTTPError(400, reason=text))))) as url:
        answer = ask(f"{url}/x")
    assert answer.reason == "Bad Request"
    assert answer.json() == {"code": 400, "error": text}


def test_problem_details_are_for_those_who_ask(serving):
    with serving(server_of(("/x", raising(HTTPError(404, reason="no such fruit"))))) as url:
        answer = ask(f"{url}/x", headers={"Accept": "application/problem+json, */*;q=0.1"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no such fruit"}


def test_an_argument_error_lists_the_fields(serving):
    class Fruits(RestHandler):
        def get(self):
            argo = ArgumentHandler(ArgumentSource.QUERY_ARGUMENTS, self)
            argo.add_argument("amount", type=int)
            argo.add_argument("name")
            argo.parse_args()

    with serving(server_of(("/x", Fruits))) as url:
        answer = ask(f"{url}/x?amount=many")
        unknown = ask(f"{url}/x?amount=1&name=a&<script>=1")
    assert answer.json()["error"] == "argument amount: invalid type"
    assert [entry["field"] for entry in answer.json()["errors"]] == ["amount", "name"]
    assert unknown.json()["error"] == "unrecognized arguments: <script>"
    assert unknown.reason == "Bad Request"


def test_a_method_that_is_missing_is_answered_with_those_that_are_not(serving):
    with serving(server_of(("/x", Echo, RestHandlerSetup()))) as url:
        for method in ("PUT", "TRACE"):
            answer = ask(f"{url}/x", method)
            assert answer.status_code == 405
            assert answer.json() == {"code": 405, "error": "Method Not Allowed"}
            assert answer.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("config", [{}, {"server_header": "Fruits/1"}])
def test_the_server_header_is_on_all_answers(serving, config):
    with serving(server_of(("/x", Echo, RestHandlerSetup(config)))) as url:
        answers = [ask(f"{url}/x"), ask(f"{url}/x", "PUT"), ask(f"{url}/nowhere")]
    assert [answer.status_code for answer in answers] == [200, 405, 404]
    assert {answer.headers["Server"] for answer in answers} == {config.get("server_header", "REST")}


def test_default_headers_of_a_subclass_are_added_once(serving):
    class Mine(RestHandler):
        def set_default_headers(self):
            super().set_default_headers()
            self.add_header("X-Mine", "1")

        def get(self):
            self.write({})

    with serving(server_of(("/mine", Mine, RestHandlerSetup({})))) as url:
        answer = ask(f"{url}/mine")
    assert (answer.headers["X-Mine"], answer.headers["Server"]) == ("1", "REST")


def test_without_a_setup_no_server_header_tells_a_version(serving):
    with serving(server_of(("/x", Echo))) as url:
        assert "Server" not in ask(f"{url}/x").headers
        assert "Server" not in ask(f"{url}/x", "PUT").headers


# ---------------------------------------------------------------------------------------------------- arguments


def test_an_argument_is_of_the_query_then_of_the_body_then_the_default(serving):
    with serving(server_of(("/x", Echo))) as url:
        assert ask(f"{url}/x?name=a&name=%20b%20").json()["value"] == "b"
        assert ask(f"{url}/x?name=a", json={"name": "c"}).json()["value"] == "a"
        assert ask(f"{url}/x", "POST", data={"name": "form"}).json()["value"] == "form"
        assert ask(f"{url}/x", "POST", json={"name": [1]}).json() == {"value": [1], "type": "list"}
        dated = {"name": {"__jsonclass__": ["date", "2020-01-02"]}}
        assert ask(f"{url}/x", json={"other": 1}).json()["value"] == "none"
        assert ask(f"{url}/x", "POST", json=dated).status_code == 500  # a date is no JSON for `write`
        missing = ask(f"{url}/x", "POST")
    assert (missing.status_code, missing.json()["error"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"no json", "requests body is not JSON-encoded"),
        (b'{"a": "\xff"}', "requests body is not JSON-encoded"),
        (b'{"a":' * 100_000, "requests body is not JSON-encoded"),
        (b"9" * 5000, "requests body is not JSON-encoded"),
        (b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}", "requests body is nested too deeply"),
        (b"[1, 2]", "JSON-encoded requests body must be a 'dict'"),
        (b"null", "JSON-encoded requests body must be a 'dict'"),
        (b'{"__jsonclass__": ["OrderedDict", [[1, 2]]]}', "JSON-encoded requests body must be a 'dict'"),
    ],
)
def test_a_body_that_is_no_json_object_is_the_clients_fault(serving, body, text):
    with serving(server_of(("/x", Echo))) as url:
        answer = ask(f"{url}/x", "POST", data=body)
    assert answer.json() == {"code": 400, "error": text}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}")])
def test_what_can_be_read_can_be_written(serving, opening, closing):
    class EchoBody(RestHandler):
        def post(self):
            self.write(self.json_body_arguments)

    with serving(server_of(("/x", EchoBody))) as url:
        body = opening * 499 + '"["' + closing * 499  # and the object around it
        answer = ask(f"{url}/x", "POST", data='{"a": ' + body + "}")
        assert answer.json() == {"a": json.loads(body)}
        assert ask(f"{url}/x", "POST", data='{"a": ' + opening + body + closing + "}").status_code == 400
        flat = {"a": [{"a": []}] * 1000}
        assert ask(f"{url}/x", "POST", json=flat).json() == flat


def test_the_body_is_decoded_once(serving):
    class Twice(RestHandler):
        def post(self):
            self.write({"same": self.json_body_arguments is self.json_body_arguments})

    with serving(server_of(("/x", Twice))) as url:
        assert ask(f"{url}/x", "POST", json={"a": 1}).json() == {"same": True}


@pytest.mark.parametrize("query", ["name=%FF", "%FF=1&name=%C3%28"])
def test_a_query_that_is_not_utf8_is_400(serving, query):
    with serving(server_of(("/x", Echo))) as url:
        assert ask(f"{url}/x?{query}").json() == {"code": 400, "error": "Bad Request"}


def test_a_group_that_matched_nothing_is_none(serving):
    class Optional(RestHandler):
        def get(self, first, second):
            self.write({"path": [first, second]})

    with serving(server_of(("/x(?:/([^/]*))?(?:/(.*))?", Optional))) as url:
        assert ask(f"{url}/x").json() == {"path": [None, None]}
        assert ask(f"{url}/x/%C3%BC").json() == {"path": ["\u00fc", None]}
        assert ask(f"{url}/x/%FF").status_code == 400


@pytest.mark.parametrize("option", ["type", "choices", "forbiddens", "strict_type"])
def test_the_options_of_the_argument_handler_are_refused(serving, option):
    class Old(RestHandler):
        def get(self):
            with pytest.raises(RuntimeError, match="ArgumentHandler"):
                self.get_argument("name", **{option: int})
            self.write({})

    with serving(server_of(("/x", Old))) as url:
        assert ask(f"{url}/x?name=1").status_code == 200


# ---------------------------------------------------------------------------------------------------- users


def test_a_user_is_known_by_the_token(serving):
    with serving(server_of(("/x", Who, RestHandlerSetup(SETUP)))) as url:
        headers = bearer("joe", role="admin")
        known = ask(f"{url}/x", headers={"Authorization": headers["Authorization"].replace("Bearer", "bEARER")}).json()
        nobody = ask(f"{url}/x").json()
    assert known["user"] == "joe"
    assert known["data"]["role"] == "admin"
    assert f"Bearer {known['key']}" == headers["Authorization"]
    assert nobody == {"user": None, "data": {}, "key": ""}


def bad_tokens():
    good = Auth(SECRET)
    yield "garbage"
    yield "a.b.c"
    yield Auth("another secret of sixty-four bytes, as HS512 asks of each and one").create_token("joe")
    yield good.create_token("joe")[:-2]
    yield good.create_token("joe", expiration=-100)
    now = time.time()
    yield jwt.encode({"iss": "IceProd", "exp": now + 9, "iat": now}, SECRET, "HS512")  # nobody's
    yield jwt.encode({"iss": "IceProd", "exp": now + 9, "iat": now, "sub": "joe"}, None, "none")


@pytest.mark.parametrize("number", range(7))
def test_a_bad_token_makes_nobody_known_and_is_not_logged(serving, caplog, number):
    token = list(bad_tokens())[number]
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    with serving(server_of(("/x", Who, RestHandlerSetup({**SETUP, "debug": True})))) as url:
        answer = ask(f"{url}/x", headers={"Authorization": f"Bearer {token}"}).json()
    assert answer == {"user": None, "data": {}, "key": ""}
    assert "invalid bearer token" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("header", ["Basic am9lOnB3", "Bearer", "Bearer ", "", "bearertoken"])
def test_other_credentials_are_none(serving, header):
    with serving(server_of(("/x", Who, RestHandlerSetup(SETUP)))) as url:
        assert ask(f"{url}/x", headers={"Authorization": header}).json()["user"] is None


def test_a_subclass_may_look_users_up_elsewhere(serving):
    class Mine(Who):
        def get_current_user(self):
            return (super().get_current_user() or "guest").upper()

    with serving(server_of(("/x", Mine, RestHandlerSetup(SETUP)))) as url:
        assert ask(f"{url}/x").json()["user"] == "GUEST"
        assert ask(f"{url}/x", headers=bearer()).json()["user"] == "JOE"


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        ({"preferred_username": "a", "upn": "b"}, "a"),
        ({"upn": "b"}, "b"),
        ({}, None),
        ({"preferred_username": ""}, None),
    ],
)
def test_keycloak_names(serving, claims, user):
    class Named(KeycloakUsernameMixin, Who):
        pass

    with serving(server_of(("/x", Named, RestHandlerSetup(SETUP)))) as url:
        assert ask(f"{url}/x", headers=bearer("sub", **claims)).json()["user"] == user
        assert ask(f"{url}/x").json()["user"] is None


def test_sessions_belong_to_users(serving):
    class Counting(SessionMixin, RestHandler):
        def get(self):
            if self.session is None:
                raise HTTPError(403)
            self.session["count"] = str(int(self.session.get("count", "0")) + 1)
            self.write({"count": self.session["count"]})

    arguments = {**RestHandlerSetup(SETUP), "session": Session()}
    with serving(server_of(("/x", Counting, arguments))) as url:
        counts = [ask(f"{url}/x", headers=bearer(name)).json()["count"] for name in ("joe", "joe", "ann", "joe")]
        assert counts == ["1", "2", "1", "3"]
        assert ask(f"{url}/x").status_code == 403


class SlowProvider:
    """An OpenID provider whose keys take their time."""

    def __init__(self):
        self.go_on, self.fetches = threading.Event(), 0

    def __call__(self, request):
        if request.path.endswith("openid-configuration"):
            base = f"http://{request.headers['Host']}"
            return Reply(json={"issuer": base, "jwks_uri": f"{base}/keys", "token_endpoint": f"{base}/token"})
        self.fetches += 1
        self.go_on.wait(PATIENCE)
        return Reply(json={"keys": []})


def test_a_token_with_an_unknown_key_does_not_hold_others_up(serving):
    class Plain(RestHandler):
        def get(self):
            self.write({})

    class Guarded(RestHandler):
        @authenticated
        def get(self):
            raise AssertionError

    provider = SlowProvider()
    with serve(provider) as idp:
        setup = RestHandlerSetup({"auth": {"secret": SECRET}}) | {"auth": OpenIDAuth(idp.url, fetch_now=False)}
        with serving(server_of(("/plain", Plain), ("/guarded", Guarded, setup))) as url:
            token = base64.urlsafe_b64encode(b'{"alg": "RS256", "kid": "unknown"}').decode() + ".e30.AAAA"
            answers = []
            headers = {"Authorization": f"Bearer {token}"}
            waiting = threading.Thread(target=lambda: answers.append(ask(f"{url}/guarded", headers=headers)))
            waiting.start()
            until(lambda: provider.fetches)
            assert ask(f"{url}/plain").status_code == 200
            assert waiting.is_alive()
            provider.go_on.set()
            waiting.join()
    assert answers[0].json() == {"code": 403, "error": "authentication failed"}
    assert provider.fetches == 1


def test_a_sync_prepare_of_a_subclass_does_not_lose_the_awaited_validation(serving):
    class Provider:
        def validate(self, token):
            raise AssertionError("this would block")

        async def validate_async(self, token):
            await asyncio.sleep(0)
            return {"sub": token[::-1]}

    class Mine(Who):
        def prepare(self):
            super().prepare()
            assert self.current_user == "eoj"

    with serving(server_of(("/x", Mine, {"auth": Provider()}))) as url:
        assert ask(f"{url}/x", headers={"Authorization": "Bearer joe"}).json()["user"] == "eoj"


# ---------------------------------------------------------------------------------------------------- overload


def test_an_overloaded_route_says_when_to_come_again(serving):
    setup = RestHandlerSetup({"route_stats": {"timeout": 0.001}})
    stats = setup["route_stats"]["/x/([0-9]+)"]
    for _ in range(8):
        stats.append(1000.0)
    with serving(server_of((r"/x/([0-9]+)", Numbered, setup), ("/y", Echo, setup))) as url:
        refused = ask(f"{url}/x/7")
        assert ask(f"{url}/y").status_code == 200
    assert refused.json() == {"code": 503, "error": "server overloaded"}
    assert refused.reason == "server overloaded"
    assert refused.headers["Retry-After"] == "2000"
    assert len(stats) == 8


class Numbered(RestHandler):
    def get(self, number):
        self.write({"number": number})

    def post(self, number):
        raise ZeroDivisionError


def test_durations_are_kept_by_route_and_not_by_path(serving):
    setup = RestHandlerSetup()
    with serving(server_of((r"/x/([0-9]+)$", Numbered, setup))) as url:
        for number in range(5):
            ask(f"{url}/x/{number}")
        ask(f"{url}/x/1", "POST")
        ask(f"{url}/x/1", "TRACE")
    assert {route: len(stats) for route, stats in setup["route_stats"].items()} == {"/x/([0-9]+)": 5}


def test_the_plain_dictionary_of_old_will_do(serving):
    stats = {"/x": RouteStats()}
    with serving(server_of(("/x", Echo, {"route_stats": stats}))) as url:
        ask(f"{url}/x")
    assert len(stats["/x"]) == 1


# ---------------------------------------------------------------------------------------------------- log


def test_the_log_has_a_line_before_and_one_after(serving, caplog):
    caplog.set_level(logging.INFO)
    with serving(server_of(("/x", Echo))) as url:
        ask(f"{url}/x?a=1")
        ask(f"{url}/x", "PUT")
        ask(f"{url}/x", "POST", json={"name": {"__jsonclass__": ["date", "2020-01-02"]}})
    lines = [(one.levelname, one.getMessage()) for one in caplog.records if one.name == "root"]
    begun = [message for level, message in lines if message.startswith(">>>") and level == "INFO"]
    assert begun == [">>> GET /x?a=1 (127.0.0.1)", ">>> PUT /x (127.0.0.1)", ">>> POST /x (127.0.0.1)"]
    ended = [(level, message.rpartition(" ")[0]) for level, message in lines if message.endswith("ms")]
    assert ended == [
        ("INFO", "200 GET /x?a=1 (127.0.0.1)"),
        ("WARNING", "405 PUT /x (127.0.0.1)"),
        ("ERROR", "500 POST /x (127.0.0.1)"),
    ]


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/fails", "/bad", "/latin"])
def test_no_code_state_or_token_of_the_query_is_logged(serving, caplog, path):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    query = "code=s3cr3t-1&state=s3cr3t-2&x=kept&access_token=s3cr3t-3&code=s3cr3t-4"
    failing = raising(RuntimeError(f"https://idp.example/token?{query}"))
    bad = raising(HTTPError(400, "was it %s?", "really"))

    class Latin(RestHandler):
        def get(self):
            self.get_argument("code")

    if path == "/latin":
        query = "code=s3cr3t%FF"
    routes = [("/login", Echo), ("/fails", failing), ("/bad", bad), ("/latin", Latin)]
    with serving(server_of(*routes)) as url:
        ask(f"{url}{path}?{query}")
    assert path in caplog.text
    assert "s3cr3t" not in caplog.text
    assert "***" in caplog.text


# ---------------------------------------------------------------------------------------------------- robustness


def test_what_goes_wrong_while_a_handler_is_made_is_answered_and_logged(serving, caplog):
    class Broken(RestHandler):
        def initialize(self, **kwargs):
            super().initialize(**kwargs)
            raise LookupError("no fruit basket")

        def prepare(self):
            raise AssertionError("must not be reached")

    class Taking(RestHandler):
        def initialize(self, **kwargs):
            super().initialize(unheard_of=1, **kwargs)

    with serving(server_of(("/x", Broken, RestHandlerSetup()), ("/y", Taking))) as url:
        assert ask(f"{url}/x").json() == {"code": 500, "error": "Internal Server Error"}
        assert ask(f"{url}/y").json() == {"code": 500, "error": "Internal Server Error"}
    assert "no fruit basket" in caplog.text
    assert "unheard_of" in caplog.text


def test_an_early_error_leaves_no_traceback(serving, caplog):
    class Early(Echo):
        def prepare(self):
            raise HTTPError(418)

    with serving(server_of(("/x", Early, RestHandlerSetup()), cookie_secret="00" * 32)) as url:
        assert ask(f"{url}/x").status_code == 418
        assert ask(f"{url}/x", "POST").status_code == 403
        assert ask(f"{url}/x", "TRACE").status_code == 405
    assert "Traceback" not in caplog.text


def test_the_overridable_parts_of_tornado_still_work(serving):
    class Mine(RestHandler):
        def set_default_headers(self):
            super().set_default_headers()
            self.set_header("X-Mine", "1")

        async def prepare(self):
            await asyncio.sleep(0)
            super().prepare()

        def head(self):
            self.set_status(204)

        async def get(self):
            await asyncio.sleep(0)
            self.write({})

    with serving(server_of(("/x", Mine, RestHandlerSetup()))) as url:
        assert ask(f"{url}/x").headers["X-Mine"] == "1"
        assert ask(f"{url}/x", "PUT").headers["X-Mine"] == "1"
        assert ask(f"{url}/x", "HEAD").status_code == 204
        etag = ask(f"{url}/x").headers["Etag"]
        assert ask(f"{url}/x", headers={"If-None-Match": etag}).status_code == 304


def test_a_streaming_handler_may_want_a_user(serving):
    from tornado.web import stream_request_body

    @stream_request_body
    class Upload(RestHandler):
        size = 0

        def prepare(self):
            super().prepare()
            if self.current_user is None:
                raise HTTPError(403)

        def data_received(self, chunk):
            self.size += len(chunk)

        def put(self):
            self.write({"size": self.size})

    with serving(server_of(("/x", Upload, RestHandlerSetup(SETUP)))) as url:
        assert ask(f"{url}/x", "PUT", data=b"x" * 300_000, headers=bearer()).json() == {"size": 300_000}


def test_garbage_on_the_wire_does_no_harm(serving):
    with serving(server_of(("/x", Echo))) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(b"\x16\x03\x01\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 400")
        assert ask(f"{url}/x").status_code == 200


# ---------------------------------------------------------------------------------------------------- setup


def test_setup_without_a_configuration():
    for setup in (RestHandlerSetup(), RestHandlerSetup({}), RestHandlerSetup(None)):
        stats = setup.pop("route_stats")
        assert isinstance(stats["/x"], RouteStats)
        expected = {"debug": False, "auth": None, "auth_url": None, "module_auth_key": "", "server_header": "REST"}
        assert setup == expected


def test_setup_with_a_secret():
    auth = {
        "secret": SECRET,
        "issuer": "me",
        "algorithm": "HS256",
        "expiration": 60,
        "expiration_temp": 5,
        "audience": "you",
        "issuers": ["they"],
        "leeway": 3,
        "url": "https://me.example",
    }
    config = {"debug": True, "auth": auth, "rest_api": {"auth_key": "key"}, "server_header": "X"}
    setup = RestHandlerSetup(config | {"route_stats": {"window_size": 5}, "unauthenticated_status": 401})
    made = setup["auth"]
    assert isinstance(made, Auth)
    assert (made.secret, made.issuer, made.algorithm, made.max_exp) == (SECRET, "me", "HS256", 60)
    assert (made.audience, made.issuers, made.leeway) == ("you", ["they"], 3)
    assert (setup["auth_url"], setup["module_auth_key"], setup["server_header"]) == ("https://me.example", "key", "X")
    assert setup["route_stats"]["/x"].window_size == 5
    assert setup["debug"] is True
    assert setup["unauthenticated_status"] == 401


def test_setup_with_a_provider():
    provider = SlowProvider()
    provider.go_on.set()
    with serve(provider) as idp:
        auth = {"openid_url": idp.url, "audience": "you", "issuers": ["they"], "leeway": 3, "algorithms": ["ES256"]}
        setup = RestHandlerSetup({"auth": auth})
        other = RestHandlerSetup({"auth": {**auth, "url": "https://me.example"}})
    made = setup["auth"]
    assert isinstance(made, OpenIDAuth)
    assert (made.audience, made.issuers, made.leeway, made.algorithms) == ("you", ["they"], 3, ["ES256"])
    assert setup["auth_url"] == f"{idp.url}/token"
    assert other["auth_url"] == "https://me.example"


@pytest.mark.parametrize("error", [HTTPError(404), ZeroDivisionError(), None])
def test_a_header_field_that_is_kept_is_on_errors_too(serving, error):
    class Fruits(RestHandler):
        def get(self):
            self.set_header("X-Forgotten", "1")
            self.keep_header("X-Kept", "a")
            self.keep_header("X-Kept", "b")
            if error is not None:
                raise error

    with serving(server_of(("/x", Fruits))) as url:
        answer = ask(f"{url}/x")
    assert answer.headers["X-Kept"] == "a, b"
    assert ("X-Forgotten" in answer.headers) == (error is None)
