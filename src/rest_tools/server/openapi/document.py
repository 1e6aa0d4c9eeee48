"""From the routes of a server to an OpenAPI 3.1 document.

It tells of the methods that the handlers have, by their docstrings: the first line is the summary, the rest the
description. Arguments are those that were declared with `takes`. Handlers whose `is_documented` is False stay out.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, cast

from tornado.web import RequestHandler

from rest_tools.server.arguments.takes import declared
from rest_tools.server.handler import RestHandler
from rest_tools.server.openapi.schemas import body_of, is_query, query_parameters
from rest_tools.server.openapi.templates import template_of

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
_COMPONENTS: dict[str, Any] = {
    "schemas": {
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
    },
    "responses": {
        "Error": {
            "description": "Something is wrong.",
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            },
        }
    },
}
_ERROR = {"$ref": "#/components/responses/Error"}


def openapi_document(
    routes: Iterable[tuple[Any, ...]], *, title: str, version: str, description: str = ""
) -> dict[str, Any]:
    """The document for routes as `RestServer.routes` has them; those that have no path template are logged.

    Args:
        routes: `(pattern, handler class, ...)`; of two for the same path the first one counts.
        title: Of the service.
        version: Of the service.
        description: What it does, in Markdown.
    """
    paths: dict[str, Any] = {}
    shapes: set[str] = set()
    ids: set[str] = set()
    for pattern, handler, *_ in routes:
        methods = _methods(handler)
        if not methods or not getattr(handler, "is_documented", True):
            continue
        template = template_of(pattern, _path_names(methods.values()))
        shape = template and re.sub(r"{\w+}", "{}", template.path)  # names alone make no difference
        if template is None or shape is None or shape in shapes:
            _log.warning("route %r is not in the OpenAPI document: no path template, or the one of another", pattern)
            continue
        shapes.add(shape)
        item: dict[str, Any] = {name: _operation(handler, name, method, ids) for name, method in methods.items()}
        if template.parameters:
            item["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": schema}
                for name, schema in template.parameters.items()
            ]
        paths[template.path] = item
    info = {"title": title, "version": version} | ({"description": description} if description else {})
    return {"openapi": "3.1.1", "info": info, "paths": paths, "components": _COMPONENTS}


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
    operation: dict[str, Any] = {"operationId": _new_id(f"{name}{handler.__name__}", ids)}
    summary, _, rest = inspect.cleandoc(method.__doc__ or "").partition("\n")
    if summary:
        operation["summary"] = summary.removesuffix(".")
    if rest.strip():
        operation["description"] = rest.strip()
    arguments = declared(method)
    parameters = [parameter for one in arguments if is_query(one) for parameter in query_parameters(one)]
    if parameters:
        operation["parameters"] = parameters
    bodies = [one for one in arguments if not is_query(one)]
    if bodies:
        operation["requestBody"] = body_of(bodies[0])
    responses: dict[str, Any] = {"200": {"description": "Success."}}
    if issubclass(handler, RestHandler):
        responses |= cast("dict[str, Any]", {"400": _ERROR} if arguments else {}) | {"default": _ERROR}
    operation["responses"] = responses
    return operation


def _new_id(wanted: str, ids: set[str]) -> str:
    found, number = wanted, 1
    while found in ids:
        number += 1
        found = f"{wanted}{number}"
    ids.add(found)
    return found
