from __future__ import annotations

import asyncio
import inspect
import logging

import pytest
import requests
import tornado.httpclient
from tornado.web import Finish, HTTPError

from rest_tools.server import (
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
    catch_error,
    keycloak_role_auth,
    role_authorization,
    scope_role_auth,
    token_attribute_role_mapping_auth,
)
from rest_tools.utils.auth import Auth
from restwright.testing.faults import reset_before
from restwright.testing.serve import Reply, serve

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."


def bearer(**claims):
    return {"Authorization": "Bearer " + Auth(SECRET).create_token("joe", payload=claims)}


def ask(serving, handler, headers=None, **config):
    server = RestServer()
    server.add_route("/x", handler, RestHandlerSetup({"auth": {"secret": SECRET}, **config}))
    with serving(server) as url:
        return requests.get(f"{url}/x", headers=headers, timeout=10)


def handler_with(decorator):
    class Guarded(RestHandler):
        @decorator
        def get(self):
            self.write({"user": self.current_user})

    return Guarded


DECORATORS = {
    "authenticated": authenticated,
    "role": role_authorization(roles=["admin"]),
    "scope": scope_role_auth(roles=["admin"], prefix="fruits"),
    "keycloak": keycloak_role_auth(roles=["admin"]),
    "attributes": token_attribute_role_mapping_auth({"admin": ["role=admin"]})(roles=["admin"]),
}


@pytest.mark.parametrize("name", DECORATORS)
def test_nobody_is_let_in_and_told_how_to_come(serving, name):
    answer = ask(serving, handler_with(DECORATORS[name]))
    assert (answer.status_code, answer.reason) == (403, "authentication failed")
    assert answer.json() == {"code": 403, "error": "authentication failed"}
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="REST"'


def test_a_token_that_is_not_good_is_called_so(serving):
    answer = ask(serving, handler_with(authenticated), {"Authorization": "Bearer x"})
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="REST", error="invalid_token"'


def test_the_unknown_can_be_answered_with_401(serving):
    answer = ask(serving, handler_with(DECORATORS["role"]), unauthenticated_status=401)
    assert answer.json() == {"code": 401, "error": "authentication failed"}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    answer = ask(serving, handler_with(DECORATORS["role"]), bearer(role="guest"), unauthenticated_status=401)
    assert answer.json() == {"code": 403, "error": "authorization failed"}


@pytest.mark.parametrize("name", DECORATORS)
def test_a_method_keeps_its_name_and_may_be_sync_or_async(serving, name):
    class Both(RestHandler):
        @DECORATORS[name]
        async def get(self):
            """Fruits."""
            await asyncio.sleep(0)
            self.write({"user": self.current_user})

    assert (Both.get.__name__, Both.get.__doc__) == ("get", "Fruits.")
    assert inspect.iscoroutinefunction(Both.get)
    claims = bearer(role="admin", scope="fruits:admin", realm_access={"roles": ["admin"]})
    assert ask(serving, Both, claims).json() == {"user": "joe"}
    assert ask(serving, handler_with(DECORATORS[name]), claims).json() == {"user": "joe"}


def test_path_arguments_come_through(serving):
    class Numbered(RestHandler):
        @role_authorization(roles=["admin"])
        def get(self, number, *, name):
            self.write({"is": [number, name]})

    server = RestServer()
    server.add_route(r"/(?P<number>\d+)/(?P<name>\w+)", Numbered, RestHandlerSetup({"auth": {"secret": SECRET}}))
    with serving(server) as url:
        assert requests.get(f"{url}/7/x", headers=bearer(role="admin"), timeout=10).json() == {"is": ["7", "x"]}


# ------------------------------------------------------------------------------------------------ roles

ROLES = [
    (role_authorization(roles=["a", "b"]), {"role": "b"}, True),
    (role_authorization(roles=["a", "b"]), {"role": "c"}, False),
    (role_authorization(roles=["a", "b"]), {}, False),
    (role_authorization(roles=["a", "b"]), {"role": ["a"]}, False),
    (role_authorization(roles=["a", "b"]), {"role": {"a": 1}}, False),
    (role_authorization(roles=["administrator"]), {"role": "admin"}, False),
    (role_authorization(roles=[]), {"role": "a"}, False),
    (role_authorization(), {"role": "a"}, False),
    (scope_role_auth(roles=["read"], prefix="x"), {"scope": "openid x:read"}, True),
    (scope_role_auth(roles=["read"], prefix="x"), {"scope": "openid xy:read x:reader x.read"}, False),
    (scope_role_auth(roles=["read"], prefix="x"), {"scope": "read"}, False),
    (scope_role_auth(roles=["read:all"], prefix="x"), {"scope": "x:read:all"}, True),
    (scope_role_auth(roles=["read"], prefix="urn:x"), {"scope": "urn:x:read"}, True),
    (scope_role_auth(roles=["x:read"], prefix="urn"), {"scope": "urn:x:read"}, True),
    (scope_role_auth(roles=["read"], prefix="x"), {"scope": ["x:read"]}, False),
    (scope_role_auth(roles=["read"], prefix="x"), {"scope": 7}, False),
    (scope_role_auth(roles=["read"], prefix="x"), {}, False),
    (scope_role_auth(roles=["read"]), {"scope": "read :read None:read"}, False),
    (scope_role_auth(roles=["read"], prefix=""), {"scope": "read :read"}, False),
    (scope_role_auth(prefix="x"), {"scope": "x: x:"}, False),
    (keycloak_role_auth(roles=["a"]), {"realm_access": {"roles": ["b", "a"]}}, True),
    (keycloak_role_auth(roles=["a"]), {"realm_access": {"roles": ["b"]}}, False),
    (keycloak_role_auth(roles=["a"]), {"realm_access": {}}, False),
    (keycloak_role_auth(roles=["a"]), {}, False),
    (keycloak_role_auth(roles=["a"]), {"realm_access": "a"}, False),
    (keycloak_role_auth(roles=["a"]), {"realm_access": None}, False),
    (keycloak_role_auth(roles=["a"]), {"realm_access": {"roles": "a"}}, False),
    (keycloak_role_auth(roles=["a"]), {"realm_access": {"roles": {"a": 1}}}, False),
    (keycloak_role_auth(roles=["a"]), {"realm_access": {"roles": [["a"], {"a": 1}, None, 1]}}, False),
    (keycloak_role_auth(roles=["a"], prefix="x.y.z"), {"x": {"y": {"z": ["a"]}}}, True),
    (keycloak_role_auth(roles=["a"], prefix="groups"), {"groups": ["a"]}, True),
]


@pytest.mark.parametrize("number", range(len(ROLES)))
def test_roles(serving, number):
    decorator, claims, is_allowed = ROLES[number]
    answer = ask(serving, handler_with(decorator), bearer(**claims))
    if is_allowed:
        assert answer.json() == {"user": "joe"}
    else:
        assert answer.json() == {"code": 403, "error": "authorization failed"}


@pytest.mark.parametrize("decorator", [role_authorization, scope_role_auth, keycloak_role_auth])
def test_roles_that_are_one_string_are_a_mistake(decorator):
    with pytest.raises(TypeError, match="list of strings"):
        decorator(roles="admin")


def test_attributes_leave_roles_and_groups_with_the_handler(serving):
    decorate = token_attribute_role_mapping_auth(
        role_attrs={"admin": ["groups=/top/admins"], r"\1-reader": [r"scope=read:(\w+)"], "other": ["groups=.*"]},
        group_attrs={r"\1/\2": [r"groups=/(\w+)/(\w+)"], "everybody": ["sub=.+"]},
    )

    class Telling(RestHandler):
        @decorate(roles=["admin", "apple-reader", "pear-reader"])
        def get(self):
            self.write({"roles": self.auth_roles, "groups": self.auth_groups})

    claims = bearer(groups=["/top/admins", "/a/b", 7, None], scope="read:pear read:plum read:apple")
    told = ask(serving, Telling, claims).json()
    assert told == {"roles": ["admin", "apple-reader", "pear-reader"], "groups": ["a/b", "everybody", "top/admins"]}
    assert ask(serving, Telling, bearer(groups=["/x/y"], scope="read:plum")).json()["error"] == "authorization failed"


# ------------------------------------------------------------------------------------------------ errors


def failing(error):
    class Failing(RestHandler):
        @catch_error
        def get(self):
            self.write("thrown away")
            raise error

    return Failing


def answered(status):
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError("https://backend.example/?token=s3cr3t", response=response)


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (HTTPError(418, reason="short and stout"), 418, "short and stout"),
        (tornado.httpclient.HTTPError(404), 500, "Internal Server Error"),
        (answered(403), 403, "Error authenticating user"),
        (answered(404), 500, "Error contacting backend in Failing"),
        (requests.HTTPError("no response"), 500, "Error contacting backend in Failing"),
        (requests.ConnectionError("down"), 500, "Error contacting backend in Failing"),
        (requests.exceptions.RetryError("down"), 500, "Error contacting backend in Failing"),
        (KeyError("x"), 500, "Error in Failing"),
    ],
)
def test_exceptions_are_answered(serving, caplog, error, status, text):
    answer = ask(serving, failing(error))
    assert answer.json() == {"code": status, "error": text}
    assert answer.reason == text
    if "Failing" in text or status == 403:
        warnings = [one for one in caplog.records if one.name == "rest_tools.server.decorators"]
        assert [one.levelno for one in warnings] == [logging.WARNING]
        assert "Traceback" in warnings[0].getMessage()
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize(("answers", "status"), [([Reply(403)], 403), ([Reply(500)], 500), ([reset_before()], 500)])
def test_a_real_backend_that_fails(serving, answers, status):
    with serve(answers) as backend:

        class Fruits(RestHandler):
            @role_authorization(roles=["admin"])
            async def get(self):
                answer = await asyncio.to_thread(requests.get, backend.url, timeout=30)
                answer.raise_for_status()

        answer = ask(serving, Fruits, bearer(role="admin"))
    assert answer.status_code == status
    told = {403: "Error authenticating user", 500: "Error contacting backend in Fruits"}
    assert answer.json()["error"] == told[status]


def test_finish_is_no_error(serving):
    assert ask(serving, failing(Finish())).text == "thrown away"


def test_errors_are_counted_where_somebody_counts(serving):
    class Statsd:
        seen: list[str] = []  # noqa: RUF012

        def incr(self, name):
            self.seen.append(name)

    class Counted(failing(KeyError())):
        statsd = Statsd()

    ask(serving, Counted)
    assert Statsd.seen == ["Counted.error"]


def test_an_exception_after_the_answer_has_begun_ends_the_connection_only(serving, caplog):
    class Late(RestHandler):
        @catch_error
        async def get(self):
            self.write("x" * 10)
            await self.flush()
            raise KeyError

    assert ask(serving, Late).text == "x" * 10
    assert "Cannot send error response after headers written" in caplog.text
