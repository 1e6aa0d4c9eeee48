"""Resources as data.

A resource is a table of the database with a route. Its fields follow from the columns of the table: type, length,
whether they are required, unique, may be null. A catalogue adds what columns cannot say. From a resource follow the
handlers, validation, filters, expansions and the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import JSON, Boolean, Date, Integer, String
from sqlalchemy.orm import Mapper, class_mapper

from restwright.sandbox.keystone.access import Access, Who
from restwright.sandbox.keystone.columns import Choice, Email, Moment, Money, Slug
from restwright.sandbox.keystone.kinds import (
    Amount,
    Coded,
    Day,
    EmailText,
    Flag,
    Instant,
    Json,
    Kind,
    SlugText,
    Text,
    Whole,
)
from restwright.sandbox.keystone.links import Link, Links

if TYPE_CHECKING:
    from restwright.sandbox.keystone.call import Call

__all__ = ["Catalogue", "Field", "Hook", "Resource", "computed", "fields_of"]

Hook: TypeAlias = "Callable[[Call, dict[str, Any], Any], None]"
"""Called with the request, the values to write, and the record: as it is before an update, None before a create."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One member of a record.

    Attributes:
        name: In JSON.
        kind: Of its values.
        attribute: Of the row; empty if the value is computed.
        compute: Makes the value in JSON, where it is computed.
        required: Whether a new record needs it.
        null: Whether it may be null.
        unique: Whether no two records may have the same.
        taken: What is said when they would; empty for the usual words.
        default: Of a new record, for documentation; the table has it, too.
        read_only: Ignored in bodies.
        write_only: Not in answers.
        fixed: Ignored in bodies of updates.
        staff_only: Ignored in bodies of others.
        is_caller: Whether it is the number of the caller, in a new record that does not say otherwise.
    """

    name: str
    kind: Kind
    attribute: str = ""
    compute: Callable[[Any], Any] | None = None
    required: bool = False
    null: bool = False
    unique: bool = False
    taken: str = ""
    default: Any = None
    read_only: bool = False
    write_only: bool = False
    fixed: bool = False
    staff_only: bool = False
    is_caller: bool = False

    def show(self, record: Any) -> Any:
        """The value of a record in JSON."""
        if self.compute is not None:
            return self.compute(record)
        value = getattr(record, self.attribute)
        if isinstance(self.kind, Links):
            return sorted(one.id for one in value)
        return None if value is None else self.kind.show(value)

    @property
    def is_column(self) -> bool:
        """Whether a column of the table has the value, by which lists can be ordered and filtered."""
        return self.compute is None and not self.write_only and not isinstance(self.kind, Links)


def fields_of(model: type[Any], names: str, **changes: Mapping[str, Any]) -> tuple[Field, ...]:
    """Fields by the columns and relationships of a table.

    Args:
        model: Class of the table.
        names: Of the fields, in order, with blanks between.
        **changes: Attributes that are not as the column would have it, by the field's name.
    """
    return tuple(replace(_field(model, name), **changes.get(name, {})) for name in names.split())


def computed(name: str, kind: Kind, compute: Callable[[Any], Any]) -> Field:
    """A read-only field whose value is made from the row."""
    return Field(name=name, kind=kind, compute=compute, read_only=True)


_FOR_STAFF: Final = Access()


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """A table with a route.

    Attributes:
        route: Such as `allocations/clusters`, without slashes around it.
        model: Class of the table.
        fields: Of a record, in order.
        access: Who may do what.
        search: Paths of attributes that `_search` looks into. None: the service fails when it is asked to.
        summary: Fields that other records show of this one, beside its id.
        methods: Verbs that there are, beside HEAD and OPTIONS.
        together: Fields whose values may be together in one record only.
        prepare: Called before a record is written.
        created: Called when a new record is in the database, with its values.
        loaders: Options of a query that fetch what computed fields need.
        is_audited: Whether changes are kept, and shown as `_history`.
        expand: Show linked records in underscore fields.
    """

    route: str
    model: type[Any]
    fields: tuple[Field, ...]
    access: Access = _FOR_STAFF
    search: tuple[str, ...] | None = None
    summary: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE")
    together: tuple[str, ...] = ()
    prepare: Sequence[Hook] = ()
    created: Sequence[Hook] = ()
    loaders: tuple[Any, ...] = ()
    is_audited: bool = False
    expand: bool = False
    by_name: Mapping[str, Field] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.name: one for one in self.fields})

    @property
    def name(self) -> str:
        """Of the model, as errors and the OpenAPI document call it."""
        return self.model.__name__

    @cached_property
    def shown(self) -> tuple[Field, ...]:
        """Fields that answers have."""
        return tuple(one for one in self.fields if not one.write_only)

    @cached_property
    def written(self) -> tuple[Field, ...]:
        """Fields that bodies may have."""
        return tuple(one for one in self.fields if not one.read_only)

    def allowed(self, method: str) -> Who:
        """Who may do what the method does."""
        who = {"POST": self.access.create, "PUT": self.access.update, "PATCH": self.access.update}
        return self.access.delete if method == "DELETE" else who.get(method, self.access.read)


class Catalogue:
    """All resources of a service, and each by its table."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self.by_model = {one.model: one for one in self.resources}

    def summary_of(self, model: type[Any]) -> tuple[Field, ...]:
        """Fields that other records show of one of these; none where they show the number alone."""
        resource = self.by_model.get(model)
        if resource is None or not resource.summary:
            return ()
        return tuple(resource.by_name[name] for name in ("id", *resource.summary))


def _field(model: type[Any], name: str) -> Field:
    mapper: Mapper[Any] = class_mapper(model)
    relation = mapper.relationships.get(name)
    if relation is not None and relation.uselist:
        return Field(name=name, kind=Links(relation.mapper.class_), attribute=name)
    if relation is not None:
        attribute = f"{name}_id"
        kind: Kind = Link(relation.mapper.class_)
    else:
        attribute = name
        kind = _kind(mapper.columns[name])
    column: Any = mapper.columns[attribute]
    default = column.default.arg if column.default is not None and column.default.is_scalar else None
    return Field(
        name=name,
        kind=kind,
        attribute=attribute,
        required=not (column.nullable or column.default is not None or column.primary_key),
        null=bool(column.nullable),
        unique=bool(column.unique),
        taken=column.info.get("taken", ""),
        default=default,
        read_only=column.primary_key,
    )


def _kind(column: Any) -> Kind:
    kind = column.type
    blank = column.nullable or column.default is not None
    by_type: list[tuple[type[Any], Callable[[], Kind]]] = [
        (Choice, lambda: Coded(kind.labels)),
        (Email, lambda: EmailText(kind.impl.length, blank=blank)),
        (Slug, lambda: SlugText(kind.impl.length)),
        (Moment, Instant),
        (Money, Amount),
        (Boolean, Flag),
        (Integer, Whole),
        (Date, Day),
        (JSON, Json),
        (String, lambda: Text(kind.length, blank=blank)),
    ]
    return next(make() for one, make in by_type if isinstance(kind, one))
