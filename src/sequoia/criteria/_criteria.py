"""What a browse is about: which resources, which of the related ones with them, and which fields of those."""

from __future__ import annotations

import enum
from typing import Any, Self, cast

import restwright.criteria
from sequoia.criteria.filters import filters, parameter

__all__ = ["Criteria", "FieldSelector", "Inclusion", "Operator", "SimpleExpression", "StringExpressionFactory"]


class Operator(enum.Enum):
    """How a field relates to a value."""

    EQUALS = 1
    LIKE = 2


class FieldSelector:
    """A field of an included resource."""

    def __init__(self, field_name: str) -> None:
        self.field = field_name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSelector) and self.field == other.field

    def __hash__(self) -> int:
        return hash(self.field)

    def __repr__(self) -> str:
        return f"FieldSelector({self.field!r})"


class SimpleExpression:
    """A query parameter and its value."""

    def __init__(self, property_name: str, value: Any, op: Operator = Operator.EQUALS) -> None:
        self.property_name = property_name
        self.value = value
        self.op = op

    def apply_expression(self, query: dict[str, str]) -> None:
        """Put it into the query."""
        query[self.property_name] = str(self.value)

    def __repr__(self) -> str:
        return f"<SimpleExpression {self.property_name}={self.value}>"


class StringExpressionFactory:
    """Makes expressions about a field: `StringExpressionFactory.field("engine").equal_to("diesel")`.

    For all that the service can compare, see `restwright.where`.
    """

    def __init__(self, property_name: str) -> None:
        self.property_name = property_name

    @classmethod
    def field(cls, property_name: str) -> Self:
        """About the field of this name."""
        return cls(cls.build_with(property_name))

    @classmethod
    def build_with(cls, property_name: str) -> str:
        """The query parameter of a field.

        >>> StringExpressionFactory.build_with("contentRef")
        'withContentRef'
        """
        return parameter(property_name)

    def equal_to(self, value: Any) -> SimpleExpression:
        """The field has this value, which goes out as `str(value)`."""
        return SimpleExpression(self.property_name, value, Operator.EQUALS)


class Inclusion:
    """A related resource to be sent along."""

    def __init__(self, resource_name: str) -> None:
        if not isinstance(resource_name, str) or not resource_name:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"an inclusion is the name of a resource, got {resource_name!r}")
        self.resource_name = resource_name
        self.fields_entries: set[FieldSelector] = set()

    @staticmethod
    def resource(resource_name: str) -> Inclusion:
        """Of the resource of this name."""
        return Inclusion(resource_name)

    def fields(self, *names: str) -> Self:
        """Only with these fields, and those of earlier calls."""
        self.fields_entries.update(map(FieldSelector, names))
        return self

    def add_field_entries(self, params: dict[str, str]) -> None:
        """Put its fields into the query, if there are any."""
        if self.fields_entries:
            params[f"{self.resource_name}.fields"] = ",".join(sorted(entry.field for entry in self.fields_entries))

    def __str__(self) -> str:
        return self.resource_name

    def __repr__(self) -> str:
        return f"<Inclusion {self.resource_name}>"


class Criteria:
    """A query, told step by step: `Criteria().add(inclusion=Inclusion.resource("assets"))`.

    Of expressions about the same field the last one counts.

    Attributes:
        inclusion_entries: The inclusions.
        criterion_entries: The expressions.
    """

    def __init__(self) -> None:
        self.inclusion_entries: set[Inclusion] = set()
        self.criterion_entries: set[SimpleExpression | restwright.criteria.Criteria] = set()
        self._turns: dict[SimpleExpression | restwright.criteria.Criteria, None] = {}
        """The expressions in the order in which they were added, which a set does not keep."""

    @property
    def included(self) -> tuple[str, ...]:
        """The names of the included resources, each once, sorted."""
        return tuple(sorted({inclusion.resource_name for inclusion in self.inclusion_entries}))

    def add(self, **kwargs: Any) -> Self:
        """Add an `inclusion`, a `criterion`, or both."""
        if kwargs.get("inclusion") is not None:
            self.add_inclusion(kwargs["inclusion"])
        if kwargs.get("criterion") is not None:
            self.add_criterion(kwargs["criterion"])
        return self

    def add_inclusion(self, inclusion: Inclusion) -> Self:
        """Have a related resource sent along."""
        if not isinstance(inclusion, Inclusion):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all are typed
            raise TypeError(f"an inclusion is made by Inclusion.resource('assets'), got {inclusion!r}")
        self.inclusion_entries.add(inclusion)
        return self

    def add_criterion(self, criterion: SimpleExpression | restwright.criteria.Criteria) -> Self:
        """Only resources for which this holds: an expression, or criteria of `restwright.where`.

        Raises:
            UnsupportedCriteria: Sequoia has no way to say it.
        """
        if isinstance(criterion, restwright.criteria.Criteria):
            filters(criterion)
        elif not hasattr(criterion, "apply_expression"):
            raise TypeError(
                "a criterion is made by StringExpressionFactory.field('name').equal_to('value') or by "
                f"restwright.where('name') == 'value', got {criterion!r}"
            )
        self.criterion_entries.add(criterion)
        self._turns.pop(criterion, None)
        self._turns[criterion] = None
        return self

    def get_criteria_params(self) -> dict[str, str]:
        """The query parameters."""
        params: dict[str, str] = {}
        entries = self.criterion_entries
        for criterion in [*(one for one in self._turns if one in entries), *(entries - self._turns.keys())]:
            if isinstance(criterion, restwright.criteria.Criteria):
                params.update(filters(criterion))
            else:
                criterion.apply_expression(params)
        if self.inclusion_entries:
            params["include"] = ",".join(self.included)
            for name in self.included:
                together = Inclusion(name)
                for inclusion in self.inclusion_entries:
                    if inclusion.resource_name == name:
                        together.fields_entries |= inclusion.fields_entries
                together.add_field_entries(params)
        return params


def as_criteria(given: Any) -> Criteria:
    """Criteria from what a browse takes: ours, those of `restwright.where`, or None.

    Raises:
        TypeError: It is none of these.
        UnsupportedCriteria: Sequoia has no way to say it.
    """
    if given is None:
        return Criteria()
    if isinstance(given, restwright.criteria.Criteria):
        return Criteria().add_criterion(given)
    if not hasattr(given, "get_criteria_params"):
        raise TypeError(f"criteria are Criteria() or made by restwright.where(), got {given!r}")
    return cast("Criteria", given)
