"""Tokens in the steps of a batch: `@ref{alias.path}` stands for what an earlier step gave, `@file{part}` for a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from restwright.sandbox.keystone.answers import ApiError
from restwright.sandbox.keystone.content import FileContent

__all__ = ["References"]

_TOKEN: Final = re.compile(r"@(ref|file)\{([^{}]*)\}")


class References:
    """What tokens stand for.

    Args:
        files: Parts of the body, by name.
    """

    def __init__(self, files: Mapping[str, FileContent]) -> None:
        self._files = files
        self._bodies: dict[str, Any] = {}

    def keep(self, alias: str, body: Any) -> None:
        """Let later steps refer to the answer of this one."""
        if alias:
            self._bodies[alias] = body

    def resolved(self, value: Any) -> Any:
        """A JSON value with all tokens in it replaced; a text that is nothing but a token becomes what that stands for.

        Raises:
            ApiError: 422, a token stands for nothing.
        """
        if isinstance(value, str):
            alone = _TOKEN.fullmatch(value)
            return self.resolved_text(value) if alone is None else self._meaning(alone)
        if isinstance(value, dict):
            members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            return {name: self.resolved(member) for name, member in members.items()}
        if isinstance(value, list):
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            return [self.resolved(item) for item in items]
        return value

    def resolved_text(self, text: str) -> str:
        """A text with the tokens in it replaced by texts.

        Raises:
            ApiError: 422, a token stands for nothing.
        """
        return _TOKEN.sub(self._text, text)

    def _text(self, token: re.Match[str]) -> str:
        meaning = self._meaning(token)
        if isinstance(meaning, FileContent):
            raise _unresolved(token[0], "A file cannot be a part of a text.")
        return str(meaning)

    def _meaning(self, token: re.Match[str]) -> Any:
        kind, name = token.groups()
        if kind == "file":
            if name not in self._files:
                raise _unresolved(token[0], f'There is no file part "{name}".')
            return self._files[name]
        alias, *path = name.split(".")
        if alias not in self._bodies:
            raise _unresolved(token[0], f'No earlier step has the reference "{alias}".')
        value = self._bodies[alias]
        for key in path:
            try:
                value = _member(value, key)
            except LookupError:
                raise _unresolved(token[0], f'There is no "{key}" in the response of "{alias}".') from None
        return value


def _member(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        members: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return members[key]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes) and re.fullmatch(r"[0-9]{1,9}", key):
        items: Sequence[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return items[int(key)]
    raise KeyError(key)


def _unresolved(token: str, detail: str) -> ApiError:
    return ApiError(422, {"detail": f"Unresolved token {token}. {detail}", "token": token})
