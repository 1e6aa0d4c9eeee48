"""The arguments that a method takes, declared once, and the values that a request has for them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, Self

from rest_tools.server.arguments.argument import Argument
from rest_tools.server.arguments.converters import Convert, converter
from rest_tools.server.arguments.intake import from_json, from_texts
from rest_tools.server.arguments.problems import Rejected, arguments_error
from rest_tools.server.arguments.source import ArgumentSource, HasArguments, received


class Arguments:
    """Declared arguments of one source; iterate over them to document them.

    >>> fruit = Arguments(ArgumentSource.QUERY_ARGUMENTS, Argument("name"), Argument("amount", type=float, default=1.0))
    >>> [(argument.name, argument.required) for argument in fruit]
    [('name', True), ('amount', False)]

    Args:
        source: Where the values come from.
        arguments: The declarations, in the order in which errors name them.
        strict: Whether those that do not say so themselves take what their type says and nothing else.

    Raises:
        argparse.ArgumentError: Two of them have a name in common, or one is called `help`.
    """

    __slots__ = ("_aliases", "_declared", "_is_json", "_names", "source", "strict")

    def __init__(self, source: ArgumentSource, *arguments: Argument, strict: bool = False) -> None:
        self.source = source if source.__class__ is ArgumentSource else ArgumentSource(source)
        self.strict = strict
        self._is_json = source is ArgumentSource.JSON_BODY_ARGUMENTS
        self._declared: list[tuple[Argument, Convert | None, bool]] = []
        self._names: set[str] = set()
        self._aliases: dict[str, str] = {}
        for argument in arguments:
            self.add(argument)

    def __iter__(self) -> Iterator[Argument]:
        return (argument for argument, _, _ in self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def add(self, argument: Argument) -> Self:
        """Take one more; the collection itself comes back, for the next one."""
        for name in argument.names:
            if name in self._names or name == "help":
                raise argparse.ArgumentError(None, f"argument {argument.name}: conflicting option string: {name}")
            self._names.add(name)
        if argument.aliases:
            self._aliases.update(dict.fromkeys(argument.aliases, argument.name))
        strict = self.strict if argument.strict is None else argument.strict
        self._declared.append((argument, converter(argument.type, self.source, strict=strict), strict))
        return self

    def parse(self, handler: HasArguments) -> argparse.Namespace:
        """The values of a request.

        Raises:
            ArgumentsError: 400, with all that is wrong.
        """
        given = received(self.source, handler)
        if self._aliases:
            given = self._by_name(given)
        namespace = argparse.Namespace()
        values = vars(namespace)
        rejected: list[tuple[str, Rejected]] = []
        missing: list[str] = []
        surplus: dict[str, str] = {}
        found = 0
        for argument, convert, strict in self._declared:
            name = argument.name
            if name in given:
                found += 1
                raw = given[name]
                try:
                    if self._is_json:
                        value = from_json(argument, convert, raw, strict=strict)
                    else:
                        if len(raw) > argument.most:
                            surplus[name] = f"expected {argument.most} argument{'s' * (argument.most != 1)}"
                        value = from_texts(argument, convert, raw)
                    values[argument.dest] = value if argument.action == "store" else argument.added(value)
                except Rejected as fault:
                    rejected.append((name, fault))
            elif argument.required:
                missing.append(name)
            elif argument.dest not in values and argument.default is not argparse.SUPPRESS:
                values[argument.dest] = argument.absent()
        if rejected or missing or surplus or found < len(given):
            unknown = (  # there may be a hundred thousand, of which a few are told
                (name, surplus.get(name, "unrecognized"))
                for name in given
                if name in surplus or name not in self._names
            )
            count = len(given) - found + len(surplus)
            raise arguments_error(_by_arrival(rejected, given), missing, unknown, count=count)
        return namespace

    def _by_name(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What came under any of its names is the argument's, as if one key had been repeated."""
        merged: dict[str, Any] = {}
        for key, raw in given.items():
            name = self._aliases.get(key, key)
            merged[name] = raw if self._is_json else merged.get(name, []) + raw
        return merged


def _by_arrival(rejected: list[tuple[str, Rejected]], given: Mapping[str, Any]) -> list[tuple[str, Rejected]]:
    if len(rejected) < 2:
        return rejected
    arrival = {name: position for position, name in enumerate(given)}
    return sorted(rejected, key=lambda entry: arrival[entry[0]])
