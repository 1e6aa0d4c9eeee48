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
_MOST_BYTES: Final = 2**26


@dataclass(slots=True)
class Asked:
    """A request as it came.

    Attributes:
        endpoint: Name of who answers there; each service has its own.
        method: Of HTTP.
        target: Path and query as sent.
        headers: By names in lower case; those that came more than once joined by commas.
        form: The body, if it is a form; of parameters that came more than once the last.
        body: Its first 65,536 bytes; None, and no form, if it was forgotten in favour of later ones.
        status: Of the answer; 0 until there is one.
    """

    endpoint: str
    method: str
    target: str = field(repr=False)  # it and the next three may hold secrets
    headers: dict[str, str] = field(repr=False)
    form: dict[str, str] = field(repr=False)
    body: bytes | None = field(default=b"", repr=False)
    status: int = 0

    @property
    def grant_type(self) -> str | None:
        """What a token endpoint was asked for."""
        return self.form.get("grant_type")

    def json(self) -> Any:
        """The body as JSON; None if there is none.

        Raises:
            ValueError: It is something else, longer than what is kept, or forgotten.
        """
        if self.body is None:
            raise ValueError("the body was forgotten: the last ones are kept, of 64 MiB together")
        return json.loads(self.body) if self.body else None

    @property
    def size(self) -> int:
        """Bytes of body and form."""
        return len(self.body or b"") + sum(len(name) + len(value) for name, value in self.form.items())


class Journal:
    """The last 10,000 requests, and of them the last bodies and forms, of 64 MiB together."""

    def __init__(self) -> None:
        self._entries: deque[Asked] = deque(maxlen=_KEPT)
        self._with_body: deque[tuple[Asked, int]] = deque()  # and its size, from the oldest on
        self._bytes = 0

    def add(self, entry: Asked) -> None:
        """Note a request."""
        if len(self._entries) == _KEPT and self._with_body and self._with_body[0][0] is self._entries[0]:
            self._release()
        self._entries.append(entry)
        if entry.size:
            self._with_body.append((entry, entry.size))
            self._bytes += entry.size
        while self._bytes > _MOST_BYTES:
            oldest = self._release()
            oldest.body, oldest.form = None, {}

    def _release(self) -> Asked:
        """Count the oldest one with a body no longer."""
        entry, size = self._with_body.popleft()
        self._bytes -= size
        return entry

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
