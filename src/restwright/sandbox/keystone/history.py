"""The history of records: who changed what, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.kinds import Instant
from restwright.sandbox.keystone.resource import Field, Resource

__all__ = ["history_of", "note", "snapshot"]


def snapshot(resource: Resource, record: Any) -> dict[str, Any]:
    """What a record has in those fields that can be written."""
    return {field.name: field.show(record) for field in resource.written if not field.write_only}


def note(
    call: Call, resource: Resource, action: str, record_id: int, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Keep a change, if the resource has a history; an update that changes nothing is none.

    Args:
        call: The request that made it.
        resource: Of the record.
        action: `create`, `update` or `delete`.
        record_id: Of the record.
        before: Its snapshot before; empty for a new one.
        after: The same after it.
    """
    audit_log = call.application.era.audit_log
    if audit_log is None or not resource.is_audited:
        return
    changes = {
        name: [before.get(name), after.get(name)] for name in {**before, **after} if before.get(name) != after.get(name)
    }
    if changes or action != "update":
        call.session.add(
            audit_log(
                action=action,
                record_type=resource.route,
                record_id=record_id,
                changes=changes,
                cid=call.cid,
                actor_id=call.user.id,
            )
        )


def history_of(call: Call, resource: Resource, ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """The histories of records by their ids, newest change first."""
    audit_log: Any = call.application.era.audit_log
    wanted = (
        select(audit_log)
        .where(audit_log.record_type == resource.route, audit_log.record_id.in_(list(ids)))
        .order_by(audit_log.id.desc())
        .options(selectinload(audit_log.actor))
    )
    actor: tuple[Field, ...] = call.application.catalogue.summary_of(call.application.era.user)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for entry in call.session.scalars(wanted):
        found[entry.record_id].append(
            {
                "id": entry.id,
                "timestamp": Instant().show(entry.timestamp),
                "action": entry.action,
                "actor": entry.actor_id,
                "_actor": entry.actor and {field.name: field.show(entry.actor) for field in actor},
                "changes": entry.changes,
            }
        )
    return found
