"""Figures about records that the caller may see; the filters of lists apply."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, func, select

from restwright.sandbox.keystone.answers import Answer
from restwright.sandbox.keystone.call import Call, View
from restwright.sandbox.keystone.listing import matching
from restwright.sandbox.keystone.tables.session import (
    NOTIFICATION_TYPE,
    Allocation,
    AllocationRequest,
    Grant,
    Notification,
    Publication,
)
from restwright.sandbox.keystone.tables.shared import REQUEST_STATUS, today

__all__ = ["STATISTICS"]


class _Chosen:
    """The records that the request is about."""

    def __init__(self, call: Call, model: type[Any]) -> None:
        self._session = call.session
        self.model = model
        self._wanted: Select[Any] = matching(call, call.application.catalogue.by_model[model])

    def count(self, *conditions: ColumnElement[bool]) -> int:
        """How many there are."""
        return int(self.value(func.count(), *conditions) or 0)

    def value(self, aggregate: Any, *conditions: ColumnElement[bool]) -> Any:
        """An aggregate of them, None of none."""
        wanted = self._wanted.where(*conditions).with_only_columns(aggregate, maintain_column_froms=True)
        return self._session.scalar(wanted)

    def counts(self, column: Any) -> dict[Any, int]:
        """How many there are by the value of a column."""
        wanted = self._wanted.with_only_columns(column, func.count(), maintain_column_froms=True).group_by(column)
        return {row[0]: row[1] for row in self._session.execute(wanted)}

    def ids(self) -> FromClause:
        """Their numbers."""
        return self._wanted.with_only_columns(self.model.id, maintain_column_froms=True).subquery()


def _requests(call: Call) -> Answer:
    chosen = _Chosen(call, AllocationRequest)
    by_status = chosen.counts(AllocationRequest.status)
    units = call.session.execute(
        select(
            func.count(), func.sum(Allocation.requested), func.sum(Allocation.awarded), func.sum(Allocation.final)
        ).where(Allocation.request_id.in_(select(chosen.ids().c.id)))
    ).one()
    names = ("allocation_count", "su_requested_total", "su_awarded_total", "su_finalized_total")
    return Answer(
        body={
            "request_count": sum(by_status.values()),
            **{f"request_{_key(label)}_count": by_status.get(code, 0) for code, label in REQUEST_STATUS.items()},
            "request_active_count": chosen.count(
                AllocationRequest.status == "AP",
                AllocationRequest.active <= today(),
                AllocationRequest.expire > today(),
            ),
            **{name: int(value or 0) for name, value in zip(names, units, strict=True)},
        }
    )


def _grants(call: Call) -> Answer:
    chosen = _Chosen(call, Grant)
    running = (Grant.start_date <= today(), (Grant.end_date >= today()) | Grant.end_date.is_(None))
    count = chosen.count()
    total: Decimal = chosen.value(func.sum(Grant.amount)) or Decimal(0)
    return Answer(
        body={
            "grant_count": count,
            "grant_active_count": chosen.count(*running),
            "agency_count": chosen.value(func.count(Grant.agency.distinct())),
            "funding_total": f"{total:.2f}",
            "funding_average": f"{total / count if count else total:.2f}",
        }
    )


def _publications(call: Call) -> Answer:
    chosen = _Chosen(call, Publication)
    last_year = today() - datetime.timedelta(days=365)
    return Answer(
        body={
            "publication_count": chosen.count(),
            "publication_last_year_count": chosen.count(Publication.published >= last_year),
            "publication_in_review_count": chosen.count(Publication.published.is_(None)),
            "journal_count": chosen.value(func.count(Publication.journal.distinct())),
        }
    )


def _notifications(call: Call) -> Answer:
    chosen = _Chosen(call, Notification)
    by_type = chosen.counts(Notification.notification_type)
    return Answer(
        body={
            "notification_count": chosen.count(),
            "notification_unread_count": chosen.count(Notification.read.is_(False)),
            **{f"{_key(label)}_count": by_type.get(code, 0) for code, label in NOTIFICATION_TYPE.items()},
        }
    )


def _key(label: str) -> str:
    return label.lower().replace(" ", "_")


STATISTICS: Final[Mapping[str, View]] = {
    "grants": _grants,
    "notifications": _notifications,
    "publications": _publications,
    "requests": _requests,
}
