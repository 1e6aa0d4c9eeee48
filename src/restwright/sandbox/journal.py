"""What a service was asked, for tests that count."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["BODY_KEPT", "Asked", "Journal"]

_KEPT: Final = 10_000
BODY_KEPT: Final = 2**16
"""Bytes of each body that are kept."""


@dataclass(slots=True)
class Asked:
    """A request as it came.

    Attributes:
        endpoint: Name of who answers there; each service has its own.
        method: Of HTTP.
        target: Path and query as sent.
        headers: By names in lower case; those that came more than once joined by commas.
        form: The body, if it is a form; of parameters that came more than once the last.
        body: Its first 65,536 bytes.
        status: Of the answer; 0 until there is one.
    """

    endpoint: str
    method: str
    target: str = field(repr=False)  # it and the next three may hold secrets
    headers: dict[str, str] = field(repr=False)
    form: dict[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    status: int = 0

    @property
    def grant_type(self) -> str | None:
        """What a token endpoint was asked for."""
        return self.form.get("grant_type")

    def json(self) -> Any:
        """The body as JSON; None if there is none.

        Raises:
            ValueError: It is something else, or longer than what is kept.
        """
        return json.loads(self.body) if self.body else None


class Journal:
    """The last requests."""

    def __init__(self) -> None:
        self._entries: deque[Asked] = deque(maxlen=_KEPT)

    def add(self, entry: Asked) -> None:
        """Note a request."""
        self._entries.append(entry)

    def entries(self) -> list[Asked]:
        """All of them, in order."""
        return list(self._entries)

    def count(
        self,
        endpoint: str | None = None,
        *,
        method: str | None = None,
        grant_type: str | None = None,
        status: int | None = None,
    ) -> int:
        """How many there are of that kind; None takes any."""
        return sum(
            endpoint in (None, entry.endpoint)
            and method in (None, entry.method)
            and grant_type in (None, entry.grant_type)
            and status in (None, entry.status)
            for entry in self._entries
        )
