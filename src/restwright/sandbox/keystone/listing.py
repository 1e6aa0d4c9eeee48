"""Lists: who may see what, filters, words to search for, order, pages, and the three shapes lists came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, func, or_, select

from restwright.sandbox.keystone.access import through
from restwright.sandbox.keystone.answers import Answer, ServiceError
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.criteria import conditions
from restwright.sandbox.keystone.representation import loaders, represent
from restwright.sandbox.keystone.resource import Resource

__all__ = ["envelope", "list_records", "matching", "page_of"]

_DEFAULT_LIMIT: Final = 100
_MOST: Final = 1000


def matching(call: Call, resource: Resource) -> Select[Any]:
    """The query for records that the caller may see and asks for, without order and page.

    Raises:
        ApiError: 400, a filter is wrong.
    """
    found = conditions(call, resource)
    scope = resource.access.scope(resource.model, call.user)
    if scope is not None:
        found.append(scope)
    if call.application.era.is_paged:
        found += _search(call, resource)
    return select(resource.model).where(*found)


def list_records(call: Call, resource: Resource) -> Answer:
    """The list, or a page of it."""
    wanted = matching(call, resource)
    ordered = wanted.options(*loaders(call.application.catalogue, resource))
    if call.application.era.is_paged:
        ordered = ordered.order_by(*_order(call, resource))
    ordered = ordered.order_by(resource.model.id)  # so that pages are stable
    style = call.application.list_style
    if style == "bare":
        return Answer(body=represent(call, resource, call.session.scalars(ordered).all()))
    limit, offset = page_of(call)
    page = call.session.scalars(ordered.limit(limit).offset(offset)).all()
    count = call.session.scalar(wanted.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    records = represent(call, resource, page)
    if style == "headers":
        totals = {"X-Limit": str(limit), "X-Offset": str(offset), "X-Total-Count": str(count)}
        return Answer(body=records, headers=totals)
    return envelope(call, count, records)


def page_of(call: Call) -> tuple[int, int]:
    """How many records are wanted, and how many come before them."""
    limit = min(_whole(call, "_limit", _DEFAULT_LIMIT) or _DEFAULT_LIMIT, _MOST)
    return limit, _whole(call, "_offset", 0)


def envelope(call: Call, count: int, results: list[dict[str, Any]]) -> Answer:
    """A page with the total, and where the pages beside it are."""
    limit, offset = page_of(call)
    following = _page_url(call, limit, offset + limit) if offset + limit < count else None
    previous = _page_url(call, limit, max(0, offset - limit)) if offset > 0 else None
    return Answer(body={"count": count, "next": following, "previous": previous, "results": results})


def _search(call: Call, resource: Resource) -> list[ColumnElement[bool]]:
    """Every term has to be in some field."""
    terms = call.query.get("_search", "").replace("\0", "").split()
    if not terms:
        return []
    if resource.search is None:
        raise ServiceError  # as the real service has it
    return [_anywhere(resource.model, resource.search, term) for term in terms]


def _anywhere(model: Any, paths: Sequence[str], term: str) -> ColumnElement[bool]:
    return or_(*(through(model, path, lambda column: column.icontains(term, autoescape=True)) for path in paths))


def _order(call: Call, resource: Resource) -> list[Any]:
    found: list[Any] = []
    for name in call.query.get("_order", "").split(","):
        field = resource.by_name.get(name.strip().removeprefix("-"))
        if field is not None and field.is_column:
            column = getattr(resource.model, field.attribute)
            found.append(column.desc() if name.strip().startswith("-") else column.asc())
    return found


def _whole(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default


def _page_url(call: Call, limit: int, offset: int) -> str:
    query = {**call.query, "_limit": str(limit)}
    query.pop("_offset", None)
    if offset:
        query["_offset"] = str(offset)
    return call.url(f"{call.path}?{urlencode(sorted(query.items()))}")
