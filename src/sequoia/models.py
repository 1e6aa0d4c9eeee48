"""Models: the resources of a page, each with the related ones that came along."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, cast

from sequoia.criteria._criteria import Criteria
from sequoia.util import member

logger = logging.getLogger(__name__)

Resource = dict[str, Any]


class ResponseBuilder:
    """Builds models by what the descriptor of a service says about relationships.

    Args:
        descriptor: The descriptor.
        criteria: What was asked for.
    """

    def __init__(self, descriptor: Mapping[str, Any] | None = None, criteria: Criteria | None = None) -> None:
        self.descriptor = descriptor
        self.criteria = criteria

    def build(self, response_json: Any, resource_name: str) -> list[Any] | None:
        """The resources of a document, copied where the related ones are put in; None if there are no resources."""
        document = _mapping(response_json)
        resources = member(document, resource_name)
        if not resources:
            logger.warning("There are no %s to build models of", resource_name)
            return None
        linked = _mapping(document.get("linked"))
        if self.criteria is None or not linked or not isinstance(resources, list):
            return cast("list[Any]", resources)
        models: list[Any] = [
            dict(cast("Resource", each)) if isinstance(each, dict) else each for each in cast("list[object]", resources)
        ]
        for name in self.criteria.included:
            items = member(linked, name)
            if isinstance(items, list):
                self._put_in(_objects(models), resource_name, name, _objects(cast("list[object]", items)))
        return models

    def _put_in(self, models: list[Resource], resource_name: str, name: str, items: list[Resource]) -> None:
        resourcefuls = _mapping(_mapping(self.descriptor).get("resourcefuls"))
        relationships = _mapping(_mapping(member(resourcefuls, resource_name)).get("relationships"))
        relationship = _mapping(member(relationships, name))
        path, filter_name = relationship.get("fieldNamePath"), relationship.get("filterName")
        if isinstance(path, str):
            numbers = {item["ref"]: number for number, item in enumerate(items) if isinstance(item.get("ref"), str)}
            for model in models:
                refs = _refs(model, path)
                found = sorted({numbers[ref] for ref in refs or () if ref in numbers})
                is_unknown = refs is None or (items and not numbers)
                model[name] = None if is_unknown else [items[number] for number in found]
        elif isinstance(filter_name, str) and filter_name.startswith("with"):
            # The child names its parent in the field that the filter is about: withContentRef, contentRef.
            field = filter_name[4:5].lower() + filter_name[5:]
            by_parent: dict[str, list[Resource]] = {}
            for item in items:
                for ref in _refs(item, field) or ():
                    by_parent.setdefault(ref, []).append(item)
            for model in models:
                own: object = model.get("ref")
                model[name] = by_parent.get(own, []) if isinstance(own, str) else []
        else:
            for model in models:
                model[name] = None


def _refs(resource: Mapping[str, Any], path: str) -> Iterable[str] | None:
    """The references in a field, which may have one or several; dots lead to members of members."""
    value: Any = resource
    for name in path.split("."):
        value = _mapping(value).get(name)
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        return None
    return [ref for ref in cast("list[object]", value) if isinstance(ref, str)]


def _objects(items: list[Any]) -> list[Resource]:
    """Those of a list that are objects; a service may also send something else."""
    return [cast("Resource", item) for item in items if isinstance(item, dict)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
