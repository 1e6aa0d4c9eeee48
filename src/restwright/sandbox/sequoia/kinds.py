"""What resources there are: the only place that says so. Routes, inclusions and descriptors follow from it.

Resources are open documents. A kind says nothing of their members, but for those that name other resources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

__all__ = ["SERVICES", "Kind", "Relationship", "ResourceService", "camel_case"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
_DASH = re.compile("-([a-z])")
_NOT_KINDS: Final = frozenset({"business", "descriptor"})  # other endpoints of services are called so
_NOT_SERVICES: Final = frozenset({"identity", "registry"})


def camel_case(name: str) -> str:
    """A name of URLs as it is in JSON.

    >>> camel_case("content-segments")
    'contentSegments'
    """
    return _DASH.sub(lambda match: match[1].upper(), name)


@dataclass(frozen=True)
class Relationship:
    """Resources that belong to a resource; included under the name of their kind.

    Attributes:
        kind: Theirs, of the same service.
        field: Dotted path of the member with the references: of the resource itself if the relationship is direct,
            else of those that belong to it. It has one reference or a list of them.
        is_direct: Which of the two.
    """

    kind: str
    field: str
    is_direct: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of resources.

    Attributes:
        name: In URLs, the plural, with dashes.
        singular: Of one of them, with dashes.
        relationships: To others.

    Raises:
        ValueError: It cannot be called so.
    """

    name: str
    singular: str
    relationships: tuple[Relationship, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _NOT_KINDS:
            taken = " or ".join(sorted(_NOT_KINDS))
            raise ValueError(f"a kind is named with small letters and dashes, and not {taken}, got {self.name!r}")

    @property
    def key(self) -> str:
        """Its name in JSON."""
        return camel_case(self.name)

    @cached_property
    def included(self) -> Mapping[str, Relationship]:
        """Relationships by all names that they can be asked for by."""
        names = {one.kind: one for one in self.relationships}
        return {camel_case(name): one for name, one in names.items()} | names


@dataclass(frozen=True)
class ResourceService:
    """A service of the registry that has resources.

    Attributes:
        name: In the registry.
        title: For people.
        description: For people.
        kinds: Its resources.

    Raises:
        ValueError: It cannot be called so, or a relationship leads nowhere.
    """

    name: str
    title: str
    description: str
    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _NOT_SERVICES:
            taken = " or ".join(sorted(_NOT_SERVICES))
            raise ValueError(f"a service is named with small letters and dashes, and not {taken}, got {self.name!r}")
        names = [kind.name for kind in self.kinds]
        for kind in self.kinds:
            for relationship in kind.relationships:
                if relationship.kind not in names:
                    raise ValueError(f"{self.name} has no {relationship.kind}, which {kind.name} are related to")

    def kind(self, name: str) -> Kind | None:
        """The kind of this name, if there is one."""
        return next((kind for kind in self.kinds if kind.name == name), None)

    def descriptor(self) -> dict[str, Any]:
        """What it tells about itself."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "resourcefuls": {kind.key: _described(kind) for kind in self.kinds},
        }


def _described(kind: Kind) -> dict[str, Any]:
    return {
        "singularName": camel_case(kind.singular),
        "pluralName": kind.key,
        "hyphenatedPluralName": kind.name,
        "path": "/data",
        "relationships": {camel_case(one.kind): _relation(one) for one in kind.relationships},
    }


def _relation(relationship: Relationship) -> dict[str, str]:
    field, related = relationship.field, camel_case(relationship.kind)
    if relationship.is_direct:
        return {"type": "direct", "resourceType": related, "fieldNamePath": field}
    return {"type": "indirect", "resourceType": related, "filterName": f"with{field[0].upper()}{field[1:]}"}


def _to(kind: str, field: str) -> Relationship:
    return Relationship(kind, field, is_direct=True)


def _from(kind: str, field: str) -> Relationship:
    return Relationship(kind, field)


SERVICES: Final = (
    ResourceService(
        "metadata",
        "Metadata",
        "What can be watched, and what belongs to it.",
        (
            Kind(
                "contents",
                "content",
                (
                    _to("categories", "categoryRefs"),
                    _from("assets", "contentRef"),
                    _from("offers", "contentRefs"),
                    _from("content-segments", "contentRef"),
                ),
            ),
            Kind("assets", "asset", (_to("contents", "contentRef"), _from("content-segments", "assetRef"))),
            Kind("categories", "category", (_to("categories", "parentRef"), _from("contents", "categoryRefs"))),
            Kind("offers", "offer", (_to("contents", "contentRefs"),)),
            Kind("content-segments", "content-segment", (_to("contents", "contentRef"), _to("assets", "assetRef"))),
        ),
    ),
    ResourceService(
        "workflow",
        "Workflow",
        "What is done with it.",
        (
            Kind("profiles", "profile", (_from("jobs", "profileRef"),)),
            Kind("jobs", "job", (_to("profiles", "profileRef"), _from("tasks", "jobRef"))),
            Kind("tasks", "task", (_to("jobs", "jobRef"),)),
        ),
    ),
    ResourceService(
        "validation",
        "Validation",
        "Whether it is in order.",
        (
            Kind("rules", "rule", (_from("reports", "ruleRefs"),)),
            Kind("reports", "report", (_to("rules", "ruleRefs"),)),
        ),
    ),
)
"""The services, in the order of their ports."""
