"""Records in JSON, with what they link to in underscore fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import selectinload

from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.history import history_of
from restwright.sandbox.keystone.links import Link, Links
from restwright.sandbox.keystone.resource import Catalogue, Field, Resource

__all__ = ["Expansion", "expansions", "loaders", "represent"]


class Expansion:
    """The underscore field that shows what another field links to.

    Args:
        field: With the number of the linked record, or those of several.
        shown: Fields of it that are shown.
    """

    def __init__(self, field: Field, shown: Sequence[Field]) -> None:
        self.name = f"_{field.name}"
        self.field = field
        self.shown = shown
        self.is_list = isinstance(field.kind, Links)

    def show(self, record: Any) -> Any:
        """The linked record, None without one, or a list of them."""
        linked = getattr(record, self.field.name)
        if self.is_list:
            return [self._one(one) for one in sorted(linked, key=lambda one: one.id)]
        return None if linked is None else self._one(linked)

    def _one(self, linked: Any) -> dict[str, Any]:
        return {field.name: field.show(linked) for field in self.shown}


def expansions(catalogue: Catalogue, resource: Resource) -> list[Expansion]:
    """Those of a resource."""
    if not resource.expand:
        return []
    links = [field for field in resource.shown if isinstance(field.kind, Link)]
    found = [(field, catalogue.summary_of(field.kind.target)) for field in links if isinstance(field.kind, Link)]
    return [Expansion(field, shown) for field, shown in found if shown]


def loaders(catalogue: Catalogue, resource: Resource) -> list[Any]:
    """Options of a query that fetch at once, not record by record, what is shown with the records."""
    names = {one.field.name for one in expansions(catalogue, resource)}
    names |= {field.name for field in resource.shown if isinstance(field.kind, Links) and field.compute is None}
    return [*(selectinload(getattr(resource.model, name)) for name in sorted(names)), *resource.loaders]


def represent(call: Call, resource: Resource, records: Sequence[Any]) -> list[dict[str, Any]]:
    """The records in JSON."""
    members: list[Field | Expansion] = [*resource.shown, *expansions(call.application.catalogue, resource)]
    shown = [{one.name: one.show(record) for one in members} for record in records]
    if resource.is_audited:
        histories = history_of(call, resource, [record.id for record in records])
        for record, one in zip(records, shown, strict=True):
            one["_history"] = histories.get(record.id, [])
    return shown
