"""What resources a service has, read from its own OpenAPI document.

A collection is a path that answers GET with a list (or a page of one) of objects.  Its methods are those that the
document gives it and the path of its items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keystone_client.answers import is_list, mapping_of
from keystone_client.paths import EARLIER_ROUTES, ROUTES

__all__ = ["Field", "Resource", "resources_of"]

_KNOWN: Final[Mapping[str, str]] = {
    **{route: name for name, route in ROUTES.items()},
    **{earlier: name for name, route in ROUTES.items() if (earlier := EARLIER_ROUTES.get(route, ""))},
}
_ITEM: Final = re.compile(r"(.*/)\{[^/{}]+\}/?")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a resource's records.

    Attributes:
        type: As JSON Schema calls it: string, integer, boolean, ...; empty if the document does not say.
        is_required: Must a new record be given it?
        is_read_only: Does the service set it?
        choices: The values that it may have; empty if any.
    """

    name: str
    type: str = ""
    is_required: bool = False
    is_read_only: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection of records.

    Attributes:
        name: As it stands in `create_{name}`.
        path: Of the list, below the root of the service.
        verbs: What can be done: some of create, retrieve, update, delete.
        fields: By name.
        filters: The query parameters of its list.
    """

    name: str
    path: str
    verbs: tuple[str, ...]
    fields: Mapping[str, Field]
    filters: frozenset[str] = frozenset()


def resources_of(document: Any) -> dict[str, Resource]:
    """The resources that an OpenAPI document (3.0 or 3.1) describes, by name, in its order."""
    whole = mapping_of(document)
    described = mapping_of(whole.get("paths"))
    items = {match[1]: path for path in described if (match := _ITEM.fullmatch(path))}
    found: dict[str, Resource] = {}
    for path, operations in described.items():
        record = None if "{" in path else _record_schema(whole, mapping_of(operations))
        if record is not None:
            name = _name(path, found)
            route = path if path.endswith("/") else f"{path}/"
            item = mapping_of(described.get(items.get(route, "")))
            found[name] = _resource(whole, name, route, mapping_of(operations), item, record)
    return found


def _resource(
    whole: Mapping[str, Any],
    name: str,
    path: str,
    operations: Mapping[str, Any],
    item: Mapping[str, Any],
    record: Mapping[str, Any],
) -> Resource:
    verbs = [verb for verb, there in _verbs(operations, item) if there]
    written = _written_schema(whole, operations.get("post") or item.get("patch"))
    required = written.get("required") or ()
    shown, given = mapping_of(record.get("properties")), mapping_of(written.get("properties"))
    fields = {
        each: _field(
            whole, each, shown.get(each, given.get(each)), is_required=each in required, is_given=each in given
        )
        for each in {**shown, **given}
    }
    filters = frozenset(
        str(parameter.get("name"))
        for given in _list(mapping_of(operations.get("get")).get("parameters"))
        if (parameter := _resolved(whole, given)).get("in") == "query"
    )
    return Resource(name, path, tuple(verbs), fields, filters)


def _verbs(operations: Mapping[str, Any], item: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    yield "create", "post" in operations
    yield "retrieve", True
    yield "update", "patch" in item
    yield "delete", "delete" in item


def _field(whole: Mapping[str, Any], name: str, given: Any, *, is_required: bool, is_given: bool) -> Field:
    schema = _resolved(whole, given)
    types = schema.get("type")
    choices: list[Any] = _list(schema.get("enum"))
    return Field(
        name,
        types if isinstance(types, str) else next((str(each) for each in _list(types) if each != "null"), ""),
        is_required,
        bool(schema.get("readOnly")) or not is_given,
        tuple(choices),
    )


def _record_schema(whole: Mapping[str, Any], operations: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Of the records in the list that a path answers; None if it answers no list."""
    responses = mapping_of(mapping_of(operations.get("get")).get("responses"))
    schema = _content_schema(whole, responses.get("200"))
    pages = mapping_of(schema.get("properties")).get("results")
    if pages is not None:
        schema = _resolved(whole, pages)
    record = _resolved(whole, schema.get("items") if schema.get("type") == "array" else None)
    return record if "properties" in record else None


def _written_schema(whole: Mapping[str, Any], operation: Any) -> Mapping[str, Any]:
    return _content_schema(whole, mapping_of(operation).get("requestBody"))


def _content_schema(whole: Mapping[str, Any], given: Any) -> Mapping[str, Any]:
    content = mapping_of(_resolved(whole, given).get("content"))
    first = next(iter(content.values()), None)
    return _resolved(whole, mapping_of(first).get("schema"))


def _resolved(whole: Mapping[str, Any], given: Any) -> Mapping[str, Any]:
    """What a reference (`#/components/...`) stands for; one that leads in a circle, nothing."""
    value = mapping_of(given)
    for _ in range(20):
        if "$ref" not in value:
            return value
        target: Any = whole
        for part in str(value["$ref"]).removeprefix("#/").split("/"):
            target = mapping_of(target).get(part.replace("~1", "/").replace("~0", "~"))
        value = mapping_of(target)
    return {}


def _name(path: str, taken: Mapping[str, Any]) -> str:
    """What a resource is called: as ever, or the singular of its path's last segment, after the one before if taken."""
    known = _KNOWN.get(path if path.endswith("/") else f"{path}/")
    if known is not None:
        return known
    segments = [_singular(re.sub(r"\W+", "_", part)) for part in path.strip("/").split("/")]
    for count in range(1, len(segments) + 1):
        name = "_".join(segments[-count:])
        if name not in ROUTES and name not in taken:
            return name
    return re.sub(r"\W+", "_", path.strip("/"))


def _singular(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending):
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _list(value: Any) -> list[Any]:
    return value if is_list(value) else []
