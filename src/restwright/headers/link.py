"""The `Link` header field (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# RFC 8288, appendix B.3. Every repetition is possessive, so a match takes linear time. A quoted string
# without an end reaches to the end of the value (B.4).
_PARAMETER = re.compile(
    r"""[ \t]*+;[ \t]*+([^\s=;,]*+)[ \t]*+(?:=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"?|([^;,]*+)))?""", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a `Link` header.

    Attributes:
        target: The URL as sent: often absolute, sometimes relative to the URL that was asked for.
        rel: The relation types, in lower case (RFC 8288, 2.1); empty when the server named none.
        params: The other parameters by lower-case name; of one sent twice, the first. Names with a star
            (`title*`) keep it, and their value its encoding (RFC 8187).
    """

    target: str
    rel: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict[str, str])


def parse_link(value: str) -> list[Link]:
    """The links of a `Link` header value, in order; several header lines are joined with commas beforehand.

    Elements that are not links are skipped (RFC 8288, 3 and appendix B.2).

    >>> parse_link('</items?page=2>; rel="next"; title="Page 2, of 9"')
    [Link(target='/items?page=2', rel=('next',), params={'title': 'Page 2, of 9'})]
    """
    links: list[Link] = []
    position = 0
    while position < len(value):
        if value[position] in " \t,":
            position += 1
        elif value[position] == "<":
            end = value.find(">", position)
            if end < 0:
                break
            target = value[position + 1 : end].strip()
            params, position = _parse_parameters(value, end + 1)
            rel = params.pop("rel", "").lower().split()
            links.append(Link(target, tuple(rel), params))
            position = _after_comma(value, position)
        else:
            position = _after_comma(value, position)
    return links


def next_link(headers: Mapping[str, str]) -> str | None:
    """The target of the first link with `rel=next`, as sent; join it with the URL of the response.

    Links with an `anchor` speak of another resource than the one that was asked for, and are passed over
    (RFC 8288, 3.2).

    Args:
        headers: Those of a response; names are expected to be found in any case, as in `requests`.

    >>> next_link({"Link": '<https://api.example/items?page=2>; rel=next'})
    'https://api.example/items?page=2'
    """
    value = headers.get("Link") or headers.get("link")
    if not value:
        return None
    for link in parse_link(value):
        if "next" in link.rel and not link.params.get("anchor"):
            return link.target
    return None


def _parse_parameters(value: str, position: int) -> tuple[dict[str, str], int]:
    params: dict[str, str] = {}
    while match := _PARAMETER.match(value, position):
        name, quoted, token = match.groups()
        if name:
            text = (token or "").strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
            params.setdefault(name.lower(), text)
        position = match.end()
    return params, position


def _after_comma(value: str, position: int) -> int:
    comma = value.find(",", position)
    return len(value) if comma < 0 else comma + 1
