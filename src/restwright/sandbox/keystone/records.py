"""Records of a resource: list, create, read, update, delete. One set of views for all resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from restwright.sandbox.keystone.access import Who
from restwright.sandbox.keystone.answers import Answer, forbidden, not_found
from restwright.sandbox.keystone.call import Call, View
from restwright.sandbox.keystone.history import note, snapshot
from restwright.sandbox.keystone.intake import values_of
from restwright.sandbox.keystone.links import as_id
from restwright.sandbox.keystone.listing import list_records
from restwright.sandbox.keystone.representation import represent
from restwright.sandbox.keystone.resource import Resource

__all__ = ["Records", "get_record"]


class Records:
    """The views of one resource."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    @property
    def of_list(self) -> Mapping[str, View]:
        """By method, for the route of the list."""
        return self._those({"GET": self.list, "POST": self.create})

    @property
    def of_item(self) -> Mapping[str, View]:
        """By method, for the route of one record."""
        return self._those({"GET": self.read, "PUT": self.update, "PATCH": self.update, "DELETE": self.delete})

    def _those(self, views: Mapping[str, View]) -> Mapping[str, View]:
        return {method: view for method, view in views.items() if method in self.resource.methods}

    def list(self, call: Call) -> Answer:
        """Those that the caller may see and asks for."""
        return list_records(call, self.resource)

    def create(self, call: Call) -> Answer:
        """A new one: 201."""
        resource = self.resource
        values = values_of(call, resource)
        for hook in resource.prepare:
            hook(call, values, None)
        record = resource.model(**values)
        call.session.add(record)
        call.session.flush()
        self._check(call, resource.access.create, record)
        for hook in resource.created:
            hook(call, values, record)
        call.session.expire(record)
        note(call, resource, "create", record.id, {}, snapshot(resource, record))
        call.session.flush()
        return Answer(201, represent(call, resource, [record])[0])

    def read(self, call: Call) -> Answer:
        """One by its number."""
        record = get_record(call, self.resource)
        self._check(call, self.resource.access.read, record)
        return Answer(body=represent(call, self.resource, [record])[0])

    def update(self, call: Call) -> Answer:
        """Change one: all of it, or with PATCH what is in the body."""
        resource = self.resource
        record = get_record(call, resource, for_update=True)
        self._check(call, resource.access.update, record)
        values = values_of(call, resource, record, partial=call.method == "PATCH")
        for hook in resource.prepare:
            hook(call, values, record)
        before = snapshot(resource, record)
        for attribute, value in values.items():
            setattr(record, attribute, value)
        call.session.flush()
        call.session.expire(record)
        # Nobody gives a record to a team where they may not put one.
        self._check(call, resource.access.update, record)
        note(call, resource, "update", record.id, before, snapshot(resource, record))
        call.session.flush()
        return Answer(body=represent(call, resource, [record])[0])

    def delete(self, call: Call) -> Answer:
        """Remove one, with what hangs on it: 204."""
        resource = self.resource
        record = get_record(call, resource, for_update=True)
        self._check(call, resource.access.delete, record)
        number, before = record.id, snapshot(resource, record)
        call.session.expunge(record)
        # By the database, which knows what hangs on it.
        call.session.execute(delete(resource.model).where(resource.model.id == number))
        note(call, resource, "delete", number, before, {})
        return Answer(204)

    def _check(self, call: Call, who: Who, record: Any) -> None:
        if not self.resource.access.allows(who, call.user, record):
            raise forbidden()


def get_record(call: Call, resource: Resource, *, for_update: bool = False) -> Any:
    """The record whose number ends the path.

    Raises:
        ApiError: 404.
    """
    model = resource.model
    number = as_id(call.identifier)
    if number is None:
        raise not_found("" if not call.identifier.isdecimal() else resource.name)
    wanted = select(model).where(model.id == number)
    if resource.access.hides:
        scope = resource.access.scope(model, call.user)
        if scope is not None:
            wanted = wanted.where(scope)
    record = call.session.scalars(wanted.with_for_update() if for_update else wanted).first()
    if record is None:
        raise not_found(resource.name)
    return record
