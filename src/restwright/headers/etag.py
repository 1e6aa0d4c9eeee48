"""Entity tags, the validators of `ETag`, `If-Match` and `If-None-Match` (RFC 9110, 8.8.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LISTED = re.compile(rf"[ \t,]*+{_ENTITY_TAG.pattern}[ \t]*+(?=,|$)")  # elements may be empty (RFC 9110, 5.6.1.2)


@dataclass(frozen=True, slots=True)
class ETag:
    """An entity tag: an opaque `value` without its quotes, and whether it is weak.

    `str()` gives the header form. `==` compares both fields; the comparisons of the standard are methods.

    >>> str(ETag("33a64df5", weak=True))
    'W/"33a64df5"'
    """

    value: str
    weak: bool = False

    def __str__(self) -> str:
        return quote_etag(self.value, weak=self.weak)

    def matches_strongly(self, other: ETag) -> bool:
        """Same bytes: equal values and neither weak; what `If-Match` asks for (RFC 9110, 8.8.3.2)."""
        return not self.weak and not other.weak and self.value == other.value

    def matches_weakly(self, other: ETag) -> bool:
        """Same meaning: equal values, weak or not; what `If-None-Match` asks for (RFC 9110, 8.8.3.2)."""
        return self.value == other.value


def parse_etag(value: str | None) -> ETag | None:
    """The entity tag in an `ETag` value; `None` when there is none, or one that no server could match again.

    >>> parse_etag('"1533762576015"')
    ETag(value='1533762576015', weak=False)
    """
    match = None if value is None else _ENTITY_TAG.fullmatch(value.strip(" \t"))
    return ETag(match[2], match[1] is not None) if match else None


def parse_etags(value: str) -> list[ETag] | None:
    """The entity tags of an `If-Match` or `If-None-Match` list; `None` when it is no such list, as with `*`.

    >>> parse_etags('"7", W/"a,b"')
    [ETag(value='7', weak=False), ETag(value='a,b', weak=True)]
    """
    tags: list[ETag] = []
    position = 0
    while match := _LISTED.match(value, position):
        tags.append(ETag(match[2], match[1] is not None))
        position = match.end()
    return tags if tags and not value[position:].strip(" \t,") else None


def quote_etag(value: str, *, weak: bool = False) -> str:
    """The header form of an entity tag, for `If-Match` and its like; one that has its quotes stays as it is.

    Raises:
        ValueError: `value` has characters that no entity tag can hold: quotes, blanks, line ends.

    >>> quote_etag("1533762576015")
    '"1533762576015"'
    """
    if _ENTITY_TAG.fullmatch(value):
        return value
    quoted = f'W/"{value}"' if weak else f'"{value}"'
    if not _ENTITY_TAG.fullmatch(quoted):
        raise ValueError(f"an entity tag holds visible characters without quotes or blanks, got {value!r}")
    return quoted
