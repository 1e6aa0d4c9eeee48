r"""Roles out of the claims of a token, by expressions: `claim.path=REGEX`.

The path leads through nested objects.  The claim `scope` is split at its blanks.  A string has to match as a whole,
of a list any element; what has another shape does not match.

What the expressions yield is a name: a word stands for itself, anything else is a template for the match, with
`\1` for its first group.

    {"admin": ["groups=/project/admins"], r"\1-reader": ["groups=/project/(\w+)", r"scope=read:(\w+)"]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, cast

__all__ = ["NameMapping", "claim_at"]

_WORD: Final = re.compile(r"\w+")


def claim_at(claims: Mapping[str, Any], path: str) -> object:
    """What is at the dotted path of nested claims; None if nothing is, or something else is on the way."""
    found: object = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, object]", found).get(name)
    return found


@dataclass(frozen=True)
class _Expression:
    path: str
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        path, equals, pattern = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form claim.path=REGEX")
        try:
            return cls(path, re.compile(pattern))
        except re.error as error:
            raise ValueError(f"{text!r}: {error}") from error

    def matches(self, claims: Mapping[str, Any]) -> Iterator[re.Match[str]]:
        found = claim_at(claims, self.path)
        if self.path == "scope" and isinstance(found, str):
            found = found.split()
        elements = cast("list[object]", found) if isinstance(found, list) else [found]
        for element in elements:
            if isinstance(element, str) and (match := self.pattern.fullmatch(element)):
                yield match


class NameMapping:
    """Names and the expressions that yield them, compiled.

    Raises:
        ValueError: An expression or a template is wrong.
    """

    def __init__(self, expressions: Mapping[str, Sequence[str]]) -> None:
        self._entries: list[tuple[str, list[_Expression]]] = []
        for name, texts in expressions.items():
            if isinstance(texts, str):
                raise ValueError(f"{name!r}: a list of expressions is needed, not one")  # noqa: TRY004
            parsed = [_Expression.parse(text) for text in texts]
            for expression in parsed:
                try:
                    expression.pattern.sub(name, "")  # reads the template, whether anything matches or not
                except (re.error, IndexError) as error:
                    raise ValueError(
                        f"template {name!r} does not fit {expression.pattern.pattern!r}: {error}"
                    ) from error
            self._entries.append((name, parsed))

    def names(self, claims: Mapping[str, Any]) -> set[str]:
        """All names that these claims yield."""
        found: set[str] = set()
        for name, expressions in self._entries:
            matches = (match for expression in expressions for match in expression.matches(claims))
            if _WORD.fullmatch(name):
                if next(matches, None):
                    found.add(name)
            else:
                found.update(match.expand(name) for match in matches)
        return found
