"""Links of documents: paths from the root of the service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, urlencode

from restwright.sandbox.sequoia.kinds import Kind

__all__ = ["BEGIN", "link"]

BEGIN: Final = "true"
"""The token of a first page in continue mode."""


def link(kind: Kind, parameters: Iterable[tuple[str, str | int]]) -> str:
    """To resources of a kind.

    >>> link(Kind("assets", "asset"), [("continue", "A/1="), ("withContentRef", "o:c1")])
    '/data/assets?continue=A%2F1%3D&withContentRef=o:c1'
    """
    return f"/data/{kind.name}?{urlencode(list(parameters), safe=':,', quote_via=quote)}"
