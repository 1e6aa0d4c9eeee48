"""Ids as they may stand in a path."""

from __future__ import annotations

import re

from kinto_http.constants import VALID_SLUG_REGEXP

_is_valid = VALID_SLUG_REGEXP.fullmatch  # `match` would let a trailing newline pass
_DROPPED = re.compile(r"[^\w\s-]")
_GAPS = re.compile(r"[\s-]+")


def slugify(value: object) -> str:
    """The value as an id the server may take: itself when it is valid, else folded to lower-case ASCII.

    Different values can end as the same id; `is_changed_by_slugify` tells beforehand.

    >>> slugify("Draft_1"), slugify("a.b c"), slugify("北京"), slugify(0)
    ('Draft_1', 'ab-c', 'bei-jing', '0')
    """
    text = value if isinstance(value, str) else str(value)
    if _is_valid(text):
        return text
    from unidecode import unidecode  # only here: valid ids, nearly all, never pay for it

    return _GAPS.sub("-", _DROPPED.sub("", unidecode(text).lower()).strip())


def is_changed_by_slugify(value: object) -> bool:
    """Whether the path would name another id than the caller did: worth asking before a write."""
    text = value if isinstance(value, str) else str(value)
    return not _is_valid(text) and slugify(text) != text
