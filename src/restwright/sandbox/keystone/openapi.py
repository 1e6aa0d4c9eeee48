"""The OpenAPI document of a service: all collections with their fields and query parameters.

Operations are called as drf-spectacular calls them: `allocations_clusters_list`, `_create`, `_retrieve`, `_update`,
`_partial_update`, `_destroy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from restwright.sandbox.keystone.criteria import parameters
from restwright.sandbox.keystone.kinds import CALENDAR, TIME_OF_DAY, FilePart
from restwright.sandbox.keystone.representation import expansions
from restwright.sandbox.keystone.resource import Catalogue, Field, Resource

if TYPE_CHECKING:
    from restwright.sandbox.keystone.application import Application
    from restwright.sandbox.keystone.routes import Endpoint

__all__ = ["openapi_document"]

Schema: TypeAlias = dict[str, Any]

_FORM: Final = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
_HISTORY: Final[Schema] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "timestamp": {"type": "string", "format": "date-time"},
        "action": {"type": "string", "enum": ["create", "update", "delete"]},
        "actor": {"type": "integer", "nullable": True},
        "_actor": {"type": "object", "nullable": True},
        "changes": {"type": "object", "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2}},
    },
}
_SUFFIX: Final = {"POST": "create", "PUT": "update", "PATCH": "partial_update", "DELETE": "destroy"}
_PAGING: Final = {
    "_limit": ("Records per page, 100 unless given, 1000 at most.", {"type": "integer"}),
    "_offset": ("Records before the page.", {"type": "integer"}),
    "_order": ("Names of fields with commas between; a dash in front for descending.", {"type": "string"}),
    "_search": ("Words that all have to be in the record.", {"type": "string"}),
}


def openapi_document(application: Application) -> Schema:
    """The document of a service, OpenAPI 3.0.3."""
    maker = _Maker(application)
    paths: Schema = {}
    for endpoint in application.routes.endpoints:
        is_item = endpoint.pattern.endswith("([^/.]+)/")
        if endpoint.resource is not None:
            path = endpoint.pattern.replace("([^/.]+)", "{id}")
            paths[path] = maker.item(endpoint, path, endpoint.resource, is_item=is_item)
        elif endpoint.path:
            paths[endpoint.path] = {method.lower(): maker.plain(endpoint, method) for method in endpoint.views}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Keystone API", "version": application.version},
        "paths": paths,
        "components": {"schemas": maker.schemas(), "securitySchemes": _schemes(application)},
    }


def _schemes(application: Application) -> Schema:
    if application.era.name == "jwt":
        return {"jwtAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return {
        "cookieAuth": {"type": "apiKey", "in": "cookie", "name": application.era.session_cookie},
        "tokenAuth": {"type": "apiKey", "in": "header", "name": "Authorization"},
    }


class _Maker:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._catalogue: Catalogue = application.catalogue
        self._security: list[dict[str, list[str]]] = [{name: []} for name in _schemes(application)]

    def schemas(self) -> Schema:
        """Of all records: whole, as it is sent, and as a part of it is sent."""
        found: Schema = {}
        for resource in self._catalogue.resources:
            found[resource.name] = self._shown(resource)
            if {"POST", "PUT"} & set(resource.methods):
                found[f"{resource.name}Request"] = _written(resource.written, partial=False)
            if "PATCH" in resource.methods:
                found[f"Patched{resource.name}Request"] = _written(resource.written, partial=True)
            if self._application.list_style == "envelope":
                found[f"Paginated{resource.name}List"] = _page_of(resource.name)
        return found

    def item(self, endpoint: Endpoint, path: str, resource: Resource, *, is_item: bool) -> Schema:
        """The operations at a path of records."""
        described: Schema = {
            method.lower(): self._operation(path, resource, method, is_item=is_item) for method in endpoint.views
        }
        if is_item:
            described["parameters"] = [
                {
                    "name": "id",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "integer"},
                    "description": "Number of the record.",
                }
            ]
        return described

    def plain(self, endpoint: Endpoint, method: str) -> Schema:
        """An operation of which no more is told than that it is there."""
        suffix = {"GET": "retrieve"} | _SUFFIX
        described: Schema = {
            "operationId": f"{_stem(endpoint.path) or 'root'}_{suffix[method]}",
            "tags": [_tag(endpoint.path)],
            "responses": {"200": {"description": endpoint.name}},
        }
        return described if endpoint.is_public else {**described, "security": self._security}

    def _operation(self, path: str, resource: Resource, method: str, *, is_item: bool) -> Schema:
        suffix = _SUFFIX.get(method, "retrieve" if is_item else "list")
        operation: Schema = {
            "operationId": f"{_stem(path.replace('{id}/', ''))}_{suffix}",
            "tags": [_tag(path)],
            "security": self._security,
        }
        if method == "GET" and not is_item:
            operation["parameters"] = list(self._parameters(resource))
        if method in {"POST", "PUT", "PATCH"}:
            name = f"Patched{resource.name}Request" if method == "PATCH" else f"{resource.name}Request"
            operation["requestBody"] = _body(resource, name, is_required=method != "PATCH")
        operation["responses"] = self._responses(resource, method, is_item=is_item)
        return operation

    def _responses(self, resource: Resource, method: str, *, is_item: bool) -> Schema:
        if method == "DELETE":
            return {"204": {"description": "It is gone."}}
        schema: Schema = _ref(resource.name)
        if method == "GET" and not is_item:
            is_page = self._application.list_style == "envelope"
            schema = _ref(f"Paginated{resource.name}List") if is_page else {"type": "array", "items": schema}
        status = "201" if method == "POST" else "200"
        return {status: {"description": "", "content": {"application/json": {"schema": schema}}}}

    def _parameters(self, resource: Resource) -> Iterable[Schema]:
        era = self._application.era
        if era.is_paged:
            for name, (description, schema) in _PAGING.items():
                yield {"name": name, "in": "query", "description": description, "schema": schema}
        for name, field, lookup in parameters(resource, has_negations=era.has_negations):
            schema = field.kind.schema()
            schema.pop("description", None)
            parameter: Schema = {"name": name, "in": "query", "schema": schema}
            if lookup in {"in", "not_in"}:
                parameter |= {"schema": {"type": "array", "items": schema}, "explode": False, "style": "form"}
            elif lookup == "isnull":
                parameter["schema"] = {"type": "boolean"}
            elif lookup in {*CALENDAR, *TIME_OF_DAY}:
                parameter["schema"] = {"type": "integer"}
            yield parameter

    def _shown(self, resource: Resource) -> Schema:
        properties: Schema = {field.name: _shown_property(field) for field in resource.shown}
        for expansion in expansions(self._catalogue, resource):
            one = {"type": "object", "properties": {field.name: _shown_property(field) for field in expansion.shown}}
            properties[expansion.name] = {
                **({"type": "array", "items": one} if expansion.is_list else {**one, "nullable": True}),
                "readOnly": True,
            }
        if resource.is_audited:
            properties["_history"] = {"type": "array", "items": _HISTORY, "readOnly": True}
        return {"type": "object", "properties": properties, "required": list(properties)}


def _written(fields: Sequence[Field], *, partial: bool) -> Schema:
    schema: Schema = {"type": "object", "properties": {field.name: _written_property(field) for field in fields}}
    required = [field.name for field in fields if field.required]
    return schema if partial or not required else {**schema, "required": required}


def _shown_property(field: Field) -> Schema:
    schema = _null(field, field.kind.schema())
    return {**schema, "readOnly": True} if field.read_only else schema


def _written_property(field: Field) -> Schema:
    is_file = isinstance(field.kind, FilePart)
    schema = _null(field, {"type": "string", "format": "binary"} if is_file else field.kind.schema())
    if field.default not in {None, ""}:
        schema["default"] = field.default
    if field.write_only:
        schema["writeOnly"] = True
    return schema


def _null(field: Field, schema: Schema) -> Schema:
    return {**schema, "nullable": True} if field.null and schema else schema


def _page_of(name: str) -> Schema:
    link: Schema = {"type": "string", "format": "uri", "nullable": True}
    return {
        "type": "object",
        "required": ["count", "results"],
        "properties": {
            "count": {"type": "integer"},
            "next": link,
            "previous": link,
            "results": {"type": "array", "items": _ref(name)},
        },
    }


def _body(resource: Resource, name: str, *, is_required: bool) -> Schema:
    has_file = any(isinstance(field.kind, FilePart) for field in resource.written)
    media_types = ("multipart/form-data",) if has_file else _FORM
    return {"required": is_required, "content": {one: {"schema": _ref(name)} for one in media_types}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _stem(path: str) -> str:
    return path.strip("/").replace("/", "_").replace("-", "_")


def _tag(path: str) -> str:
    return path.strip("/").partition("/")[0] or "root"
