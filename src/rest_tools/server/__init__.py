"""A REST server on Tornado."""

from __future__ import annotations

from rest_tools.openapi_tools import validate_request
from rest_tools.server.arghandler import ArgumentHandler, ArgumentSource
from rest_tools.server.decorators import (
    TokenAttributeRoleMappingProtocol,
    authenticated,
    catch_error,
    keycloak_role_auth,
    role_authorization,
    scope_role_auth,
    token_attribute_role_mapping_auth,
)
from rest_tools.server.handler import KeycloakUsernameMixin, RestHandler, RestHandlerSetup
from rest_tools.server.login import OpenIDLoginHandler
from rest_tools.server.server import RestServer
from rest_tools.server.token_cookies import OpenIDCookieHandlerMixin

__all__ = [
    "ArgumentHandler",
    "ArgumentSource",
    "KeycloakUsernameMixin",
    "OpenIDCookieHandlerMixin",
    "OpenIDLoginHandler",
    "RestHandler",
    "RestHandlerSetup",
    "RestServer",
    "TokenAttributeRoleMappingProtocol",
    "authenticated",
    "catch_error",
    "keycloak_role_auth",
    "role_authorization",
    "scope_role_auth",
    "token_attribute_role_mapping_auth",
    "validate_request",
]
