"""From the body of a request to the documents that are stored, or to what is wrong with it."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson

from rest_tools.utils.json_util import is_deeper
from restwright.sandbox.sequoia.kinds import Kind
from restwright.sandbox.sequoia.refusals import bad_request

__all__ = ["Draft", "documents_of", "draft", "drafts"]

_DEEPEST: Final = 200
_LONGEST: Final = 190
_KEPT: Final = frozenset({"ref", "owner", "name", "version", "createdAt", "updatedAt"})
# What the grammar of filters and lists of references are made of: no filter could name such a resource.
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f,/*|]")


@dataclass(frozen=True)
class Draft:
    """A resource that is going to be written."""

    ref: str
    version: str
    document: dict[str, Any]


def documents_of(kind: Kind, body: bytes) -> list[dict[str, Any]]:
    """The resources in a body: one or several, under the key of their kind.

    Raises:
        Refusal: 400.
    """
    try:
        content: Any = orjson.loads(body)
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    given: object = cast("dict[str, Any]", content).get(kind.key) if isinstance(content, dict) else None
    several = cast("list[object]", given) if isinstance(given, list) else [given]
    if not several or not all(isinstance(one, dict) for one in several):
        raise bad_request(f'the body must be {{"{kind.key}": [...]}}, with one resource or more')
    if is_deeper(content, _DEEPEST):
        raise bad_request(f"the body is nested in more than {_DEEPEST} levels")
    return cast("list[dict[str, Any]]", several)


def drafts(documents: Iterable[Mapping[str, Any]], owner: str) -> list[Draft]:
    """New resources of an owner.

    Raises:
        Refusal: 400.
    """
    made: dict[str, Draft] = {}
    for place, document in enumerate(documents):
        new = draft(document, owner, where=f"resource {place + 1}")
        if new.ref in made:
            raise bad_request(f"resource {place + 1}: {new.ref} comes twice")
        made[new.ref] = new
    return list(made.values())


def draft(document: Mapping[str, Any], owner: str, *, where: str, ref: str = "", before: str | None = None) -> Draft:
    """A resource with what the service maintains.

    Args:
        document: As it was given.
        owner: Whose it is.
        where: It was given, for messages.
        ref: That it must have; any if empty.
        before: The document that it takes the place of, in JSON.

    Raises:
        Refusal: 400, it has no name, or another owner or reference than it can have.
    """
    name = document.get("name")
    if name is None and isinstance(document.get("ref"), str):
        name = document["ref"].removeprefix(f"{owner}:")
    _check_word("name", name, where)
    _check_word("owner", owner, where)
    if ":" in owner or owner.startswith("!"):
        raise bad_request(f"{where}: owner must have no : and not begin with !, got {owner!r}")
    its = f"{owner}:{name}"
    for member, value in (("owner", owner), ("ref", its)):
        if document.get(member, value) != value:
            raise bad_request(f"{where}: {member} must be {value!r}, got {document[member]!r}")
    if ref and its != ref:
        raise bad_request(f"{where}: ref must be {ref!r}, got {its!r}")
    now = _now()
    version = uuid.uuid4().hex
    content = {
        "ref": its,
        "owner": owner,
        "name": name,
        **{member: value for member, value in document.items() if member not in _KEPT},
        "version": version,
        "createdAt": now if before is None else orjson.loads(before)["createdAt"],
        "updatedAt": now,
    }
    return Draft(its, version, content)


def _check_word(member: str, value: object, where: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise bad_request(f"{where}: {member} must be a text, and not empty, got {value!r:.80}")
    if len(value) > _LONGEST:
        raise bad_request(f"{where}: {member} must have {_LONGEST} characters at most, got {len(value)}")
    if _UNSPEAKABLE.search(value):
        raise bad_request(f"{where}: {member} must have no , / * | nor control characters, got {value!r}")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
