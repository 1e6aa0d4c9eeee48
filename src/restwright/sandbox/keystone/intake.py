"""From the body of a request to the values that are written, or to all that is wrong with them.

Forms have peculiarities, and clients have stumbled over them: in a form nothing tells an absent boolean from one that
is not ticked, so it is false unless the update is partial; and lists are repeated names.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import select

from restwright.sandbox.keystone.answers import bad_request
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.content import Content
from restwright.sandbox.keystone.kinds import FilePart, Flag, Invalid, Json, Text, json_text
from restwright.sandbox.keystone.links import Link, Links
from restwright.sandbox.keystone.resource import Field, Resource

__all__ = ["spoken", "values_of"]

_ABSENT: Final = object()


def values_of(call: Call, resource: Resource, record: Any = None, *, partial: bool = False) -> dict[str, Any]:
    """Values to write, by attribute of the row.

    Args:
        call: The request.
        resource: What is written.
        record: The row that is updated; None for a new one.
        partial: Whether required fields may be left out.

    Raises:
        ApiError: 400 with messages by field.
    """
    content = call.content
    _ = content.data  # which has to be an object
    errors: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for field in resource.written:
        if (field.fixed and record is not None) or (field.staff_only and not call.user.is_staff):
            continue
        try:
            raw = _raw(content, field, partial=partial)
            if raw is _ABSENT and field.is_caller and record is None:
                raw = call.user.id
            value = _value(call, field, raw, partial=partial)
            if value is not _ABSENT:
                values[field.attribute] = value
                _check_unique(call, resource, field, value, record)
        except Invalid as fault:
            errors[field.name] = fault.messages
    if not errors and resource.together:
        errors |= _check_together(call, resource, values, record)
    if errors:
        raise bad_request(errors)
    return values


def spoken(name: str) -> str:
    """A name of a class as people say it: `AllocationRequest` is an `allocation request`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _raw(content: Content, field: Field, *, partial: bool) -> Any:
    """The value as it came, `_ABSENT` if it did not."""
    name = field.name
    if isinstance(field.kind, FilePart):
        return content.files.get(name, content.data.get(name, _ABSENT))
    if content.form is None:
        return content.data.get(name, _ABSENT)
    texts = content.form.get(name)
    if isinstance(field.kind, Links):
        return _ABSENT if texts is None and partial else list(texts or ())
    if texts is None:
        return False if isinstance(field.kind, Flag) and not partial else _ABSENT
    text = texts[-1]
    if text == "" and not (isinstance(field.kind, Text) and field.kind.blank):
        return None if field.null else text if field.required else _ABSENT
    return json_text(text) if isinstance(field.kind, Json) else text


def _value(call: Call, field: Field, raw: Any, *, partial: bool) -> Any:
    """The value to write, `_ABSENT` for none."""
    kind = field.kind
    if raw is _ABSENT:
        if field.required and not partial:
            is_file = isinstance(kind, FilePart)
            raise Invalid("No file was submitted." if is_file else "This field is required.")
        return _ABSENT
    if raw is None:
        if not field.null:
            raise Invalid("This field may not be null.")
        return None
    value = kind.parse(raw)
    if isinstance(kind, Links):
        found = call.session.scalars(select(kind.target).where(kind.target.id.in_(value))).all()
        there = {one.id for one in found}
        for number in value:
            if number not in there:
                raise kind.missing(number)
        return list(found)
    if isinstance(kind, Link) and call.session.get(kind.target, value) is None:
        raise kind.missing(raw)
    return value


def _check_unique(call: Call, resource: Resource, field: Field, value: Any, record: Any) -> None:
    if field.unique and value is not None and _exists(call, resource, {field.attribute: value}, record):
        label = field.name.replace("_", " ")
        raise Invalid(field.taken or f"{spoken(resource.name)} with this {label} already exists.")


def _check_together(call: Call, resource: Resource, values: dict[str, Any], record: Any) -> dict[str, list[str]]:
    attributes = [resource.by_name[name].attribute for name in resource.together]
    key = {name: values[name] if name in values else getattr(record, name) for name in attributes}
    if not _exists(call, resource, key, record):
        return {}
    return {"non_field_errors": [f"The fields {', '.join(resource.together)} must make a unique set."]}


def _exists(call: Call, resource: Resource, key: dict[str, Any], record: Any) -> bool:
    """Whether another record has these values."""
    model = resource.model
    wanted = select(model.id).where(*(getattr(model, name) == value for name, value in key.items()))
    if record is not None:
        wanted = wanted.where(model.id != record.id)
    return call.session.scalars(wanted.limit(1)).first() is not None
