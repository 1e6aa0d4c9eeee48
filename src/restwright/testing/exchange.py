"""What the app of a test server is given, a `SeenRequest`, and what it answers, a `Reply`."""

from __future__ import annotations

import http
import json as json_
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from requests.structures import CaseInsensitiveDict

_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


@dataclass(frozen=True, slots=True, repr=False)
class SeenRequest:
    """A request as the server received it.

    Attributes:
        method: As sent.
        target: Path and query as sent, percent-encoding and all.
        headers: By name in any case; fields sent more than once are joined with `", "`.
        header_lines: The fields one by one, as sent.
        body: The whole body, without its chunked framing.
        connection: Number of the connection it came on, from 1; the same one again means it was reused.
    """

    method: str
    target: str
    headers: CaseInsensitiveDict[str]
    header_lines: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def __repr__(self) -> str:
        return f"<SeenRequest {self.method} {self.target} on connection {self.connection}>"

    @property
    def path(self) -> str:
        """The target without its query, percent-encoded as sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, list[str]]:
        """The decoded query parameters, empty values included."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    def json(self) -> Any:
        """The body, parsed as JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return json_.loads(self.body)


class Reply:
    """A correct answer: `Reply(404)`, `Reply(json={"id": 7})`, `Reply(201, headers={"ETag": '"1"'})`.

    Args:
        status: The status code.
        json: A value to send as JSON; for `null` use `content`.
        text: A text to send as UTF-8, as `text/plain` unless `headers` say otherwise.
        content: Bytes to send as they are.
        headers: A list of values sends the field once for each. `Content-Length` is added unless the framing
            is given here; `Connection: close` closes the connection after this answer.
    """

    __slots__ = ("content", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        *,
        json: Any = None,
        text: str | None = None,
        content: bytes = b"",
        headers: Mapping[str, str | Sequence[str]] | None = None,
    ) -> None:
        self.status = status
        self.headers = [
            (name, value)
            for name, values in (headers or {}).items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        if json is not None:
            content = json_.dumps(json).encode()
            self._add_default("Content-Type", "application/json")
        elif text is not None:
            content = text.encode()
            self._add_default("Content-Type", "text/plain; charset=utf-8")
        # 1xx, 204 and 304 have no content and no length (RFC 9110, 6.4.1 and 8.6).
        if status < 200 or status in (204, 304):
            content = b""
        elif self.header("Transfer-Encoding") is None:
            self._add_default("Content-Length", str(len(content)))
        self.content = content

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.content)} bytes>"

    def header(self, name: str) -> str | None:
        """The value of the first header field of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def head(self) -> bytes:
        """Status line and header fields as sent, the empty line included."""
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def _add_default(self, name: str, value: str) -> None:
        if self.header(name) is None:
            self.headers.append((name, value))
