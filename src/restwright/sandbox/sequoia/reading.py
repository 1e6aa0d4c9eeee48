"""Documents that answer those who read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from restwright.sandbox.sequoia.continuing import Tokens
from restwright.sandbox.sequoia.inclusion import Bounds, Linked, Linker
from restwright.sandbox.sequoia.kinds import Kind, ResourceService
from restwright.sandbox.sequoia.links import BEGIN, link
from restwright.sandbox.sequoia.paging import Row, Selection, find_scope
from restwright.sandbox.sequoia.query import Query
from restwright.sandbox.sequoia.refusals import no_such_resource
from restwright.sandbox.sequoia.tables import Resource

__all__ = ["Document", "Reader"]


@dataclass(frozen=True)
class Document:
    """What is answered, and the numbers of the resources in it."""

    content: dict[str, Any]
    shown: frozenset[int]


@dataclass(frozen=True)
class Reader:
    """Reads resources of a kind.

    Attributes:
        service: Whose kind it is.
        kind: Of the resources.
        tokens: Makes and reads the tokens of links.
        bounds: Of what is included.
    """

    service: ResourceService
    kind: Kind
    tokens: Tokens
    bounds: Bounds

    @property
    def name(self) -> str:
        """Of the kind, with its service."""
        return f"{self.service.name}/{self.kind.name}"

    def read(self, session: Session, query: Query, refs: Sequence[str], hidden: Collection[int]) -> Document:
        """The resources of these references, in their order.

        Raises:
            Refusal: 404, some of them lead nowhere.
        """
        scope = find_scope(session, self.name, query.owner)
        wanted = list(dict.fromkeys(refs))
        found = select(Resource.id, Resource.ref, Resource.document)
        found = found.where(Resource.scope == scope, Resource.ref.in_(wanted))
        rows = {row[1]: Row(row[0], row[1], row[2], []) for row in session.execute(found) if row[0] not in hidden}
        missing = [ref for ref in wanted if ref not in rows]
        if missing:
            raise no_such_resource(missing)
        return self._document(session, query, [rows[ref] for ref in wanted], {}, hidden)

    def browse(self, session: Session, query: Query, hidden: Collection[int]) -> Document:
        """A page.

        Raises:
            Refusal: 400, the token to continue with is none.
        """
        selection = Selection(session, find_scope(session, self.name, query.owner), query, hidden)
        meta: dict[str, Any]
        if query.token is None:
            rows = selection.page(query.page, query.per_page)
            meta = self._page_meta(query, selection.count, has_more=len(rows) > query.per_page)
        else:
            binding = [self.service.name, self.kind.name, *query.selection]
            place = None if query.token == BEGIN else self.tokens.read(binding, query.token)
            rows = selection.after(place, query.per_page)
            meta = {"perPage": query.per_page}
            if len(rows) > query.per_page:
                token = self.tokens.make(binding, rows[query.per_page - 1].place)
                meta["continue"] = link(self.kind, [("continue", token), ("perPage", query.per_page), *query.pairs])
            if query.counts:
                meta["totalCount"] = selection.count()
        return self._document(session, query, rows[: query.per_page], meta, hidden)

    def empty(self, query: Query) -> Document:
        """A page with nothing in it, as if nothing were there."""
        linked = {one.key: Linked() for one in query.inclusions}
        meta = {"page": query.page} if query.token is None else {}
        return self._assembled(query, [], {**meta, "perPage": query.per_page}, linked)

    def _page_meta(self, query: Query, count: Callable[[], int], *, has_more: bool) -> dict[str, Any]:
        def at(number: int) -> str:
            return link(self.kind, [("page", number), ("perPage", query.per_page), *query.pairs])

        total = count()
        meta: dict[str, Any] = {"page": query.page, "perPage": query.per_page, "first": at(1)}
        if query.page > 1:
            meta["prev"] = at(query.page - 1)
        if has_more:
            meta["next"] = at(query.page + 1)
        meta["last"] = at(max(1, -(-total // query.per_page)))
        if query.counts:
            meta["totalCount"] = total
        return meta

    def _document(
        self, session: Session, query: Query, rows: list[Row], meta: dict[str, Any], hidden: Collection[int]
    ) -> Document:
        linker = Linker(session, self.service, self.kind, self.tokens, self.bounds, hidden)
        return self._assembled(query, rows, meta, {one.key: linker.find(one, query, rows) for one in query.inclusions})

    def _assembled(self, query: Query, rows: list[Row], meta: dict[str, Any], linked: dict[str, Linked]) -> Document:
        shown = {row.id for row in rows}.union(*(one.rows for one in linked.values()))
        content: dict[str, Any] = {"meta": meta, self.kind.key: _shaped(rows, query.fields)}
        if query.inclusions:
            meta["linked"] = {key: one.fetches for key, one in linked.items()}
            content["linked"] = {
                one.key: _shaped(linked[one.key].rows.values(), one.fields) for one in query.inclusions
            }
        return Document(content, frozenset(shown))


def _shaped(rows: Iterable[Row], fields: tuple[str, ...]) -> list[Any]:
    """The resources with these fields, or with all, which need not even be parsed."""
    if not fields:
        return [orjson.Fragment(row.document) for row in rows]
    paths = [field.split(".") for field in fields]
    return [_picked(orjson.loads(row.document), paths) for row in rows]


def _picked(document: dict[str, Any], paths: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The members at some paths."""
    picked: dict[str, Any] = {}
    for name, value in document.items():
        rests = [path[1:] for path in paths if path[0] == name]
        if any(not rest for rest in rests):
            picked[name] = value
        elif rests:
            picked[name] = _inside(value, rests)
    return picked


def _inside(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    if isinstance(value, list):
        return [_inside(item, paths) for item in cast("list[object]", value)]
    return _picked(cast("dict[str, Any]", value), paths) if isinstance(value, dict) else value
