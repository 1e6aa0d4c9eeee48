"""Users and clients from a JSON file, for `python -m restwright.sandbox identity --config FILE`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from restwright.sandbox.identity.clients import SAMPLE_CLIENTS, Client
from restwright.sandbox.identity.users import SAMPLE_USERS, User

__all__ = ["read_configuration"]

_KINDS: Final = {
    "claims": dict,
    "redirect_uris": list,
    "logout_uris": list,
    "grant_types": list,
    "scopes": list,
}
"""Of members that are no texts."""

T = TypeVar("T")


def read_configuration(file: str) -> tuple[list[User], list[Client]]:
    """The users and the clients of a file; the samples in the place of those that it does not have.

    It is an object with `users` and `clients`, lists of objects whose members are named as the attributes of `User`
    and `Client`.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not like that; the message names the entry.
    """
    try:
        document: Any = json.loads(Path(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from None
    if not isinstance(document, dict) or not document.keys() <= {"users", "clients"}:
        raise ValueError(f"{file} must be a JSON object with `users`, `clients` or both")
    members = cast("dict[str, Any]", document)
    users = _entries(file, "users", User, members.get("users"))
    clients = _entries(file, "clients", Client, members.get("clients"))
    return users or list(SAMPLE_USERS), clients or list(SAMPLE_CLIENTS)


def _entries(file: str, what: str, kind: Callable[..., T], listed: object) -> list[T]:
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise ValueError(f"{file}: {what} must be a list")  # noqa: TRY004  # one kind of error for the whole file
    made: list[T] = []
    for number, entry in enumerate(cast("list[object]", listed), 1):
        try:
            made.append(kind(**_members(entry)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{file}: entry {number} of {what}: {error}") from None
    return made


def _members(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise TypeError("it must be an object")
    members = dict(cast("dict[str, Any]", entry))
    for name, value in members.items():
        wanted: type = _KINDS.get(name, str)
        if not isinstance(value, wanted) and not (name == "secret" and value is None):
            raise TypeError(f"{name} must be of type {wanted.__name__}, got {value!r}")
        if isinstance(value, list):
            members[name] = tuple(map(str, cast("list[object]", value)))
    return members
