"""The query of a request, read at once: what is not understood is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from restwright.sandbox.sequoia.filters import Filter, Malformed, fields_of, parse
from restwright.sandbox.sequoia.kinds import Kind, Relationship, camel_case
from restwright.sandbox.sequoia.refusals import bad_request

__all__ = ["MOST_PER_PAGE", "Inclusion", "Query", "Sorting", "read_query"]

MOST_PER_PAGE: Final = 1000
_PER_PAGE: Final = 100
_LAST_PAGE: Final = 10**12
_DECISIVE: Final = frozenset({"owner", "q", "sort"})
_TAKEN_AS_THEY_ARE: Final = ("lang", "_pretty")
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sorting:
    """A path to sort by."""

    path: str
    is_descending: bool


@dataclass(frozen=True)
class Inclusion:
    """Related resources to put in, with only some of their fields if there are some."""

    relationship: Relationship
    fields: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name in JSON."""
        return camel_case(self.relationship.kind)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked for.

    Attributes:
        pairs: All parameters as they came, but for those of the page.
        owner: Whose resources.
        filters: Each with the paths that it is about.
        words: That have to be in the texts of a resource.
        sortings: In order.
        fields: To give, or all if empty.
        inclusions: To put in.
        counts: Whether to tell how many there are.
        page: Number of the page, from 1.
        per_page: Resources in a page.
        token: In continue mode where to go on, or `true` to begin; None in page mode.
        pretty: Whether people read it.
    """

    pairs: Pairs
    owner: str
    filters: tuple[tuple[tuple[str, ...], Filter], ...] = ()
    words: tuple[str, ...] = ()
    sortings: tuple[Sorting, ...] = ()
    fields: tuple[str, ...] = ()
    inclusions: tuple[Inclusion, ...] = ()
    counts: bool = False
    page: int = 1
    per_page: int = _PER_PAGE
    token: str | None = None
    pretty: bool = False

    @property
    def selection(self) -> Pairs:
        """What decides which resources there are, and in what order: a token is for that alone."""
        return tuple(sorted(pair for pair in self.pairs if pair[0] in _DECISIVE or fields_of(pair[0])))


def read_query(kind: Kind, arguments: Mapping[str, list[bytes]], *, of_read: bool, of_page: bool) -> Query:
    """The query of a request.

    Args:
        kind: Of the resources.
        arguments: As Tornado parsed them.
        of_read: Whether it may say which fields and related resources to give.
        of_page: Whether it may filter, sort and page.

    Raises:
        Refusal: 400, there is no such parameter, or it cannot be that.
    """
    given = _Given(arguments)
    pairs = tuple(pair for pair in given.texts.items() if pair[0] not in {"page", "perPage", "continue", "_pretty"})
    owner = given.text("owner")
    if owner is None:
        raise bad_request("owner is missing: whose resources?")
    pretty = given.texts.get("_pretty") == "true"
    for name in _TAKEN_AS_THEY_ARE:
        given.texts.pop(name, None)
    members: dict[str, Any] = {}
    if of_read:
        members |= {"fields": given.names("fields"), "inclusions": _inclusions(kind, given)}
    if of_page:
        members |= _of_page(given)
    given.finish()
    return Query(pairs=pairs, owner=owner, pretty=pretty, **members)


@dataclass
class _Given:
    """What is left of the parameters; taken out one by one."""

    arguments: Mapping[str, list[bytes]]
    texts: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = {}
        for name, values in self.arguments.items():
            if len(values) > 1:
                raise bad_request(f"{name} is given more than once")
            try:
                self.texts[name] = values[0].decode()
            except UnicodeDecodeError:
                raise bad_request(f"{name} is not UTF-8") from None
            if "\0" in self.texts[name]:
                raise bad_request(f"{name} has the character U+0000")

    def text(self, name: str) -> str | None:
        """A text, which is not empty."""
        text = self.texts.pop(name, None)
        if text is not None and not text.strip():
            raise bad_request(f"{name} is empty")
        return text

    def names(self, name: str) -> tuple[str, ...]:
        """Names, with commas between them; each once."""
        text = self.text(name)
        found = [] if text is None else [one.strip() for one in text.split(",")]
        if not all(one.removeprefix("-") for one in found):
            raise bad_request(f"{name} must be names with commas between them, got {text!r}")
        return tuple(dict.fromkeys(found))

    def number(self, name: str, unless_given: int, most: int) -> int:
        """A number, from 1."""
        text = self.text(name)
        if text is None:
            return unless_given
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= most):
            raise bad_request(f"{name} must be a number, 1 to {most}, got {text!r}")
        return int(text)

    def flag(self, name: str) -> bool:
        """Whether it is `true`."""
        text = self.text(name)
        if text not in {None, "true", "false"}:
            raise bad_request(f"{name} must be true or false, got {text!r}")
        return text == "true"

    def finish(self) -> None:
        """Refuse what is left."""
        if self.texts:
            raise bad_request(f"there is no parameter {next(iter(self.texts))!r} here")


def _inclusions(kind: Kind, given: _Given) -> tuple[Inclusion, ...]:
    found: dict[str, Inclusion] = {}
    for name in given.names("include"):
        relationship = kind.included.get(name)
        if relationship is None:
            known = ", ".join(one.kind for one in kind.relationships) or "nothing"
            raise bad_request(f"include has {name!r}, but {kind.name} can include {known}")
        fields = tuple(dict.fromkeys(given.names(f"{name}.fields")))
        found.setdefault(relationship.kind, Inclusion(relationship, fields))
    return tuple(found.values())


def _of_page(given: _Given) -> dict[str, object]:
    token = given.text("continue")
    if token is not None and "page" in given.texts:
        raise bad_request("page is given beside continue")
    return {
        "filters": tuple(_filters(given)),
        "words": tuple((given.text("q") or "").casefold().split()),
        "sortings": tuple(Sorting(name.removeprefix("-"), name.startswith("-")) for name in given.names("sort")),
        "counts": given.flag("count"),
        "page": given.number("page", 1, _LAST_PAGE),
        "per_page": given.number("perPage", _PER_PAGE, MOST_PER_PAGE),
        "token": token,
    }


def _filters(given: _Given) -> list[tuple[tuple[str, ...], Filter]]:
    found: list[tuple[tuple[str, ...], Filter]] = []
    for name in [name for name in given.texts if fields_of(name)]:
        text = given.texts.pop(name)
        try:
            found.append((fields_of(name), parse(text)))
        except Malformed as error:
            raise bad_request(f"{name}={text} cannot be read: {error}") from None
    return found
