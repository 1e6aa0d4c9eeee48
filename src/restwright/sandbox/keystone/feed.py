"""The feed of logs: changes and exchanges in one list, newest first."""

from __future__ import annotations

from sqlalchemy import String, func, literal, select, union_all
from sqlalchemy import cast as sql_cast

from restwright.sandbox.keystone.answers import Answer
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.kinds import Instant
from restwright.sandbox.keystone.listing import envelope, page_of
from restwright.sandbox.keystone.tables.session import AuditLog, RequestLog

__all__ = ["feed"]


def feed(call: Call) -> Answer:
    """A page of it."""
    changes = select(
        literal("audit").label("source"),
        AuditLog.id.label("id"),
        AuditLog.timestamp.label("time"),
        (AuditLog.action + " " + AuditLog.record_type + "/" + sql_cast(AuditLog.record_id, String)).label("message"),
        AuditLog.cid.label("cid"),
    )
    exchanges = select(
        literal("request"),
        RequestLog.id,
        RequestLog.time,
        RequestLog.method + " " + RequestLog.endpoint + " " + sql_cast(RequestLog.response_code, String),
        RequestLog.cid,
    )
    both = union_all(changes, exchanges).subquery()
    limit, offset = page_of(call)
    newest = select(both).order_by(both.c.time.desc(), both.c.source, both.c.id.desc()).limit(limit).offset(offset)
    count = call.session.scalar(select(func.count()).select_from(both)) or 0
    entries = [
        {**entry, "time": Instant().show(entry["time"])} for entry in map(dict, call.session.execute(newest).mappings())
    ]
    return envelope(call, count, entries)
