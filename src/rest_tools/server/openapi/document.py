"""From the routes of a server to an OpenAPI 3.1 document.

It tells of the methods that the handlers have, by their docstrings: the first line is the summary, the rest the
description. Methods are grouped by handler. Arguments are those that were declared with `takes`, and who may call is
what the decorators ask. Handlers whose `is_documented` is False stay out.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tornado.web import RequestHandler

from rest_tools.server.arguments.takes import declared
from rest_tools.server.decorators import asks_who
from rest_tools.server.handler import RestHandler
from rest_tools.server.openapi.schemas import body_of, is_query, query_parameters
from rest_tools.server.openapi.security import SecuritySchemes
from rest_tools.server.openapi.templates import template_of
from rest_tools.server.told import Told, told

__all__ = ["openapi_document"]

_log = logging.getLogger(__name__)

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_ERRORS = {
    "type": "array",
    "description": "All that is wrong with the arguments.",
    "items": {
        "type": "object",
        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
        "required": ["field", "message"],
    },
}
_SCHEMAS: dict[str, Any] = {
    "Error": {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "error": {"type": "string"}, "errors": _ERRORS},
        "required": ["code", "error"],
    },
    "Problem": {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "properties": {
            **{name: {"type": "string"} for name in ("type", "title", "detail")},
            "status": {"type": "integer"},
            "errors": _ERRORS,
        },
        "required": ["type", "title", "status"],
    },
}


def _error(description: str, headers: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    schema = {"schema": {"type": "string"}}
    fields = {name: {"description": text, **schema} for name, text in headers}
    return {
        "description": description,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
        **({"headers": fields} if fields else {}),
    }


_RESPONSES: dict[str, Any] = {
    "Error": _error("Something is wrong."),
    "BadRequest": _error("The arguments do not fit; `errors` tells what is wrong with which of them."),
    "Unauthenticated": _error("There is no valid token.", [("WWW-Authenticate", "Of the scheme `Bearer`.")]),
    "Forbidden": _error("There is no valid token, or its owner may not do this."),
}


def openapi_document(
    routes: Iterable[tuple[Any, ...]], *, title: str, version: str, description: str = ""
) -> dict[str, Any]:
    """The document for routes as `RestServer.routes` has them; those that have no path template are logged.

    Args:
        routes: `(pattern, handler class[, keyword arguments])`; of two for the same path the first one counts.
        title: Of the service.
        version: Of the service.
        description: What it does, in Markdown.
    """
    paths: dict[str, Any] = {}
    shapes: set[str] = set()
    ids: set[str] = set()
    tags: dict[str, dict[str, str]] = {}
    schemes = SecuritySchemes()
    for pattern, handler, *others in routes:
        methods = _methods(handler)
        if not methods or not getattr(handler, "is_documented", True):
            continue
        template = template_of(pattern, _path_names(methods.values()))
        shape = template and re.sub(r"{\w+}", "{}", template.path)  # names alone make no difference
        if template is None or shape is None or shape in shapes:
            _log.warning("route %r is not in the OpenAPI document: no path template, or the one of another", pattern)
            continue
        shapes.add(shape)
        setup: Mapping[str, Any] = others[0] if others and others[0] else {}
        tags.setdefault(handler.__name__, _tag(handler))
        security = schemes.requirements(handler, setup)
        item: dict[str, Any] = {}
        for name, method in methods.items():
            item[name] = _operation(handler, name, method, ids)
            if asks_who(method) and security:
                item[name]["security"] = security
            item[name]["responses"] = _responses(handler, method, setup)
        if template.parameters:
            item["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": schema}
                for name, schema in template.parameters.items()
            ]
        paths[template.path] = item
    info = {"title": title, "version": version} | ({"description": description} if description else {})
    components = {"schemas": _SCHEMAS, "responses": _RESPONSES}
    if schemes:
        components["securitySchemes"] = schemes
    return {"openapi": "3.1.1", "info": info, "tags": [*tags.values()], "paths": paths, "components": components}


def _tag(handler: type[RequestHandler]) -> dict[str, str]:
    text, _ = _texts(vars(handler).get("__doc__"))  # its own one, for an inherited one tells of another
    return {"name": handler.__name__} | ({"description": text} if text else {})


def _texts(docstring: str | None) -> tuple[str, str]:
    """The first line, and what follows it."""
    first, _, rest = inspect.cleandoc(docstring or "").partition("\n")
    return first.removesuffix("."), rest.strip()


def _methods(handler: type[RequestHandler]) -> dict[str, Callable[..., Any]]:
    found = {name: getattr(handler, name) for name in _METHODS}
    return {
        name: method
        for name, method in found.items()
        if method is not getattr(RequestHandler, name) and not (name == "head" and method is found["get"])
    }


def _path_names(methods: Iterable[Callable[..., Any]]) -> list[str]:
    """What the parameters are called that take the groups of the pattern: in the first method that names them."""
    for method in methods:
        parameters = inspect.signature(method).parameters.values()
        names = [one.name for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
        if len(names) > 1 + len(declared(method)):
            return names[1 + len(declared(method)) :]
    return []


def _operation(handler: type[RequestHandler], name: str, method: Callable[..., Any], ids: set[str]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": _new_id(f"{name}{handler.__name__}", ids), "tags": [handler.__name__]}
    summary, description = _texts(method.__doc__)
    if summary:
        operation["summary"] = summary
    if description:
        operation["description"] = description
    arguments = declared(method)
    parameters = [parameter for one in arguments if is_query(one) for parameter in query_parameters(one)]
    parameters += [_header(one) for one in told(method) if one.header]
    if parameters:
        operation["parameters"] = parameters
    bodies = [one for one in arguments if not is_query(one)]
    if bodies:
        operation["requestBody"] = body_of(bodies[0])
    return operation


def _responses(
    handler: type[RequestHandler], method: Callable[..., Any], setup: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    responses: dict[str, dict[str, Any]] = {"2XX": {"description": "Success."}}
    if not issubclass(handler, RestHandler):
        return responses
    if declared(method):
        responses["400"] = _response("BadRequest")
    asked = asks_who(method)
    if asked and setup.get("unauthenticated_status") == 401:
        responses["401"] = _response("Unauthenticated")
    if asked == "role" or (asked and "401" not in responses):
        responses["403"] = _response("Forbidden")
    # What decorates `prepare` is there for all methods.
    for refused in (refused for one in (*told(handler.prepare), *told(method)) for refused in one.refused):
        responses.setdefault(str(refused.status), _error(refused.description, refused.headers))
    return responses | {"default": _response("Error")}


def _header(one: Told) -> dict[str, Any]:
    return {
        "name": one.header,
        "in": "header",
        "required": one.required,
        "description": one.description,
        "schema": {"type": "string"},
    }


def _response(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{name}"}


def _new_id(wanted: str, ids: set[str]) -> str:
    found, number = wanted, 1
    while found in ids:
        number += 1
        found = f"{wanted}{number}"
    ids.add(found)
    return found
