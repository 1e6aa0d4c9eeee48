"""One declared argument: checked when it is declared, never changed afterwards."""

from __future__ import annotations

import argparse
import enum
import sys
from collections.abc import Container
from typing import Any, Final, Literal, TypeAlias

from rest_tools.server.arguments.converters import Convert, converter
from rest_tools.server.arguments.source import ArgumentSource

MAX_ITEMS = 100_000
MAX_LENGTH = 10_000_000

Action: TypeAlias = Literal["store", "append", "extend"]
Nargs: TypeAlias = int | Literal["?", "*", "+"]


class Unset(enum.Enum):
    """A default that was not given; None is one that was."""

    UNSET = enum.auto()


class Argument:
    """An argument as `argparse` users declare one.

    Args:
        name: The key as the client writes it, without dashes in front.
        aliases: More keys for it, with dashes in front (`"--zed"`), as argparse has them.
        type: Called on the text or JSON value; ValueError and TypeError mean 400, and so does
            `argparse.ArgumentTypeError`, whose message the client gets.
        default: Makes the argument optional. One that is text goes through `type`, and has to pass it. A list,
            dict or set is copied for each request.
        required: Asked for even though there is a default.
        choices: What the converted value has to be one of.
        nargs: How many values: a number, `"*"`, `"+"` or `"?"`.
        action: `store`, or `append` and `extend`, which add to a default that is a list.
        dest: Name of the attribute; the name with underscores for dashes if not given.
        const: Taken as argparse does, with `nargs="?"` only; no request can ask for it.
        metavar: What stands for the value in documentation.
        help: What documentation says about it.
        strict: Take what the type says and nothing else; if not given, as the collection says.
        max_items: Most values of a list, or members of an object.
        max_length: Most characters of a text.

    Raises:
        ValueError: It cannot work as declared.
        TypeError: An option that there is not.
    """

    __slots__ = (
        "_absent",
        "_absent_kind",
        "action",
        "aliases",
        "choices",
        "const",
        "default",
        "dest",
        "help",
        "max_items",
        "max_length",
        "metavar",
        "most",
        "name",
        "names",
        "nargs",
        "required",
        "strict",
        "type",
    )

    def __init__(
        self,
        name: str,
        *aliases: str,
        type: Convert | None = None,
        default: Any = Unset.UNSET,
        required: bool | None = None,
        choices: Container[Any] | None = None,
        nargs: Nargs | None = None,
        action: Action = "store",
        dest: str | None = None,
        const: Any = None,
        metavar: str | tuple[str, ...] | None = None,
        help: str | None = None,
        strict: bool | None = None,
        max_items: int = MAX_ITEMS,
        max_length: int = MAX_LENGTH,
    ) -> None:
        if not name or name.startswith("-"):
            raise ValueError(f"an argument has a name without dashes in front, got {name!r}")
        if not all(alias.startswith("-") and alias.lstrip("-") for alias in aliases):
            raise ValueError(f"argument {name}: a further name starts with dashes, as in '--zed'")
        if type is not None and not callable(type):
            raise ValueError(f"argument {name}: {type!r} is not callable")
        if required is False and default is Unset.UNSET:
            raise ValueError(f"argument {name}: one that is not required needs a default")
        if action not in {"store", "append", "extend"}:
            raise ValueError(
                f"argument {name}: no action {action!r}, for a key of a request always has a value; "
                "take type=bool with a default for a flag"
            )
        if action == "extend" and nargs not in {"*", "+"} and not isinstance(nargs, int):
            raise ValueError(f"argument {name}: action 'extend' needs nargs, as in nargs='+'")
        if nargs is not None and nargs not in {"?", "*", "+"} and not (isinstance(nargs, int) and nargs > 0):
            raise ValueError(f"argument {name}: nargs is '?', '*', '+' or a number above 0, got {nargs!r}")
        if const is not None and nargs != "?":
            raise ValueError(f"argument {name}: nargs must be '?' to supply const")
        self.name: Final = name
        self.aliases: Final = tuple(alias.lstrip("-") for alias in aliases)
        self.names: Final = (name, *self.aliases)
        self.type: Final = type
        self.default: Final = default
        self.required: Final = default is Unset.UNSET if required is None else required
        self.choices: Final = _fixed(choices)
        self.nargs: Final = nargs
        self.most: Final = nargs if isinstance(nargs, int) else 1 if nargs in {None, "?"} else sys.maxsize
        """How many values one request may have for it; those of a list are bounded by `max_items`."""
        self.action: Final = action
        self.dest: Final = dest or name.replace("-", "_")
        self.const: Final = const
        self.metavar: Final = metavar
        self.help: Final = help
        self.strict: Final = strict
        self.max_items: Final = max_items
        self.max_length: Final = max_length
        self._absent, self._absent_kind = self._prepare_default()

    def __repr__(self) -> str:
        return f"<Argument {self.name}>"

    def absent(self) -> Any:
        """The value when the client sent none: the request's own, where it is one that can be changed."""
        kind = self._absent_kind
        if kind == "constant":
            return self._absent
        return _fresh(self._absent) if kind == "fresh" else self._convert_default()

    def added(self, value: Any) -> Any:
        """The value added to the default, which is what `append` and `extend` do; of one that is no list, alone."""
        start: Any = [] if self.default is Unset.UNSET else self.absent()
        return [*(start if isinstance(start, list) else ()), *(value if self.action == "extend" else (value,))]

    def has_choice(self, value: Any) -> bool:
        """Whether a converted value is one of the choices."""
        try:
            return self.choices is None or value in self.choices
        except TypeError:
            return False  # a set or an enumeration is asked for a value that could never be in it

    def _prepare_default(self) -> tuple[Any, Literal["constant", "fresh", "converted"]]:
        default = self.default
        if isinstance(default, str) and self.type is not None and default is not argparse.SUPPRESS:
            try:
                value = self._convert_default()
            except Exception as error:
                raise ValueError(f"argument {self.name}: its type does not take its default {default!r}") from error
            # What one's own callable says may depend on the time of the call: it is asked for each request.
            return value, "constant" if self.type in (str, int, float, bool) else "converted"
        return default, "fresh" if isinstance(default, list | dict | set) else "constant"

    def _convert_default(self) -> Any:
        convert = converter(self.type, ArgumentSource.QUERY_ARGUMENTS, strict=False)
        return self.default if convert is None else convert(self.default)


def _fixed(choices: Any) -> Container[Any] | None:
    """A list may change after the declaration, an iterator would end; other containers stay, such as a range."""
    return tuple(choices) if choices.__class__ is list or hasattr(choices, "__next__") else choices


def _fresh(value: Any) -> Any:
    """A copy as deep as lists, dicts and sets go, so that no request sees what another one did to it."""
    kind = value.__class__
    if kind is list:
        return [_fresh(item) for item in value]
    if kind is dict:
        return {key: _fresh(item) for key, item in value.items()}
    return value.copy() if kind is set else value
