"""Related resources, put into the answer: those of all resources of a page by one statement for each relationship.

For each resource of the page the service fetches a first page of related ones, or as many as it is set to. Each such
fetch is told with its `request` link, and with a `continue` link if there are more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from restwright.sandbox.sequoia.continuing import Tokens
from restwright.sandbox.sequoia.filters import is_literal
from restwright.sandbox.sequoia.kinds import Kind, ResourceService
from restwright.sandbox.sequoia.links import BEGIN, link
from restwright.sandbox.sequoia.paging import Row, find_scope, is_none_of
from restwright.sandbox.sequoia.query import Inclusion, Query
from restwright.sandbox.sequoia.tables import Resource, Value
from restwright.sandbox.sequoia.values import texts_at

__all__ = ["Bounds", "Linked", "Linker"]


@dataclass(frozen=True)
class Bounds:
    """How many related resources there are in a fetch, and how many fetches for each resource."""

    per_page: int
    pages: int


@dataclass
class Linked:
    """Related resources, each once, and the fetches that gave them."""

    rows: dict[int, Row] = field(default_factory=dict[int, Row])
    fetches: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


class Linker:
    """Finds what is related to the resources of a page.

    Args:
        session: A transaction.
        service: Whose resources these are.
        kind: Of the resources of the page.
        tokens: Makes the tokens of links.
        bounds: Of what is fetched.
        hidden: Numbers of resources that are left out.
    """

    def __init__(
        self,
        session: Session,
        service: ResourceService,
        kind: Kind,
        tokens: Tokens,
        bounds: Bounds,
        hidden: Collection[int],
    ) -> None:
        self._session = session
        self._service = service
        self._kind = kind
        self._tokens = tokens
        self._bounds = bounds
        self._hidden = hidden

    def find(self, inclusion: Inclusion, query: Query, rows: Sequence[Row]) -> Linked:
        """What an inclusion gives for a page."""
        linked = Linked()
        kind = self._service.kind(inclusion.relationship.kind)
        assert kind is not None  # a service refuses other relationships
        related = self._related(inclusion, kind, query.owner, rows)
        for row in rows:
            selecting = _filter_of(inclusion, row)
            if selecting is not None:
                key = row.id if inclusion.relationship.is_direct else row.ref
                self._take(linked, kind, (selecting, ("owner", query.owner)), related[key])
        return linked

    def _take(self, linked: Linked, kind: Kind, selecting: tuple[tuple[str, str], ...], related: list[Row]) -> None:
        size = self._bounds.per_page
        token = BEGIN
        for number in range(self._bounds.pages):
            page, has_more = related[number * size : (number + 1) * size], len(related) > (number + 1) * size
            linked.rows.update({row.id: row for row in page})
            linked.fetches.append({"request": _link(kind, token, selecting, size)})
            if not has_more:
                break
            token = self._tokens.make([self._service.name, kind.name, *sorted(selecting)], [page[-1].id])
            linked.fetches[-1]["continue"] = _link(kind, token, selecting, size)

    def _related(
        self, inclusion: Inclusion, kind: Kind, owner: str, rows: Sequence[Row]
    ) -> defaultdict[str | int, list[Row]]:
        """The related resources of each, by its number or its reference, and one more than are fetched."""
        found: defaultdict[str | int, list[Row]] = defaultdict(list)
        path = inclusion.relationship.field
        scope = find_scope(self._session, f"{self._service.name}/{kind.name}", owner)
        if inclusion.relationship.is_direct:
            own = find_scope(self._session, f"{self._service.name}/{self._kind.name}", owner)
            pairs = self._direct(own, scope, path, [row.id for row in rows])
        else:
            pairs = self._indirect(scope, path, [row.ref for row in rows])
        numbered = pairs.subquery()
        most = self._bounds.per_page * self._bounds.pages + 1
        statement = (
            select(numbered.c.parent, Resource.id, Resource.ref, Resource.document)
            .join(Resource, Resource.id == numbered.c.child)
            .where(numbered.c.place <= most)
            .order_by(numbered.c.parent, Resource.id)
        )
        for parent, number, ref, document in self._session.execute(statement):
            found[parent].append(Row(number, ref, document, [number]))
        return found

    def _direct(self, own: int, scope: int, path: str, parents: list[int]) -> Select[*tuple[Any, ...]]:
        child = aliased(Resource)
        found = _numbered(Value.resource, child.id, Value.scope == own, Value.field == path)
        found = found.join(child, and_(child.scope == scope, child.ref == Value.text))
        return self._visible(found.where(Value.resource.in_(parents)), child.id)

    def _indirect(self, scope: int, path: str, parents: list[str]) -> Select[*tuple[Any, ...]]:
        found = _numbered(Value.text, Value.resource, Value.scope == scope, Value.field == path)
        return self._visible(found.where(Value.text.in_(parents)), Value.resource)

    def _visible(self, found: Select[*tuple[Any, ...]], child: Any) -> Select[*tuple[Any, ...]]:
        return found.where(is_none_of(child, self._hidden)) if self._hidden else found


def _numbered(parent: Any, child: Any, *conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    place = func.row_number().over(partition_by=parent, order_by=child).label("place")
    return select(parent.label("parent"), child.label("child"), place).select_from(Value).where(*conditions)


def _filter_of(inclusion: Inclusion, row: Row) -> tuple[str, str] | None:
    """The filter by which the related resources of one are found; None if it can have none."""
    path = inclusion.relationship.field
    if not inclusion.relationship.is_direct:
        return f"with{path[0].upper()}{path[1:]}", row.ref
    refs = [ref for ref in texts_at(row.document, path) if is_literal(ref)]
    return ("withRef", "||".join(refs)) if refs else None


def _link(kind: Kind, token: str, selecting: tuple[tuple[str, str], ...], size: int) -> str:
    return link(kind, [("continue", token), *selecting, ("perPage", size)])
