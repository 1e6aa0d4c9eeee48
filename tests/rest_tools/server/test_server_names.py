"""The names and parameters that programs written for `rest-tools` lean on."""

from __future__ import annotations

import inspect

import pytest
import tornado.web

import rest_tools.server
from rest_tools.server import decorators, handler, server

SIGNATURES = {
    server.RestServer: ["log_function", "cookie_secret", "max_body_size"],
    server.RestServer.add_route: ["self"],
    server.RestServer.startup: ["self", "address", "port"],
    server.RestServer.stop: ["self"],
    server.tornado_logger: ["handler"],
    handler.RestHandlerSetup: ["config"],
    handler.RestHandler.initialize: [
        *("self", "debug", "auth", "auth_url", "module_auth_key", "server_header", "route_stats")
    ],
    handler.RestHandler.get_argument: [
        *("self", "name", "default", "strip", "type", "choices", "forbiddens", "strict_type")
    ],
    handler.RestHandler.get_current_user: ["self"],
    handler.RestHandler.write_error: ["self", "status_code"],
    decorators.authenticated: ["method"],
    decorators.catch_error: ["method"],
    decorators.token_attribute_role_mapping_auth: ["role_attrs", "group_attrs"],
}


@pytest.mark.parametrize("name", [callable_.__qualname__ for callable_ in SIGNATURES])
def test_parameters_are_in_the_order_of_the_contract(name):
    callable_, expected = next((one, names) for one, names in SIGNATURES.items() if one.__qualname__ == name)
    parameters = inspect.signature(callable_).parameters.values()
    assert [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD][: len(expected)] == expected


def test_defaults():
    startup = inspect.signature(server.RestServer.startup).parameters
    assert (startup["address"].default, startup["port"].default) == ("localhost", 8080)
    assert inspect.signature(handler.RestHandler.write_error).parameters["status_code"].default == 500
    assert inspect.signature(decorators.keycloak_role_auth).parameters["prefix"].default == "realm_access.roles"


def test_all_names_are_there_and_handlers_are_tornados():
    assert all(hasattr(rest_tools.server, name) for name in rest_tools.server.__all__)
    assert issubclass(handler.RestHandler, tornado.web.RequestHandler)
    assert {"authenticated", "ArgumentHandler", "RestServer"} <= set(rest_tools.server.__all__)


@pytest.mark.parametrize("name", handler.__all__)
def test_the_module_of_handlers_has_them_all(name):
    assert name in dir(handler)
    assert getattr(handler, name) is getattr(rest_tools.server, name)


def test_what_the_module_of_handlers_does_not_have_is_told():
    with pytest.raises(AttributeError, match="no attribute 'OpenIdLoginHandler'"):
        _ = handler.OpenIdLoginHandler
