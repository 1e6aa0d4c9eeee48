"""What the servers are asked, and what all of them have to answer, to the byte."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

GREETING = {"status": "ok", "version": "1.4.2", "uptime": 86400.5, "workers": 4, "regions": ["eu", "us"]}
FRUIT = {"name": "apple", "amount": 2.5, "fresh": True, "tags": ["red", "round"]}
_QUERY = "name=apple&amount=2.5&fresh=true&tags=red&tags=round"


@dataclass(frozen=True)
class Request:
    """One request, and the body of its answer."""

    method: str
    target: str
    answer: bytes
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def message(self) -> bytes:
        """As it goes over the wire."""
        length = {} if self.body is None else {"Content-Length": str(len(self.body))}
        fields = "".join(
            f"{name}: {value}\r\n" for name, value in {"Host": "localhost", **self.headers, **length}.items()
        )
        return f"{self.method} {self.target} HTTP/1.1\r\n{fields}\r\n".encode() + (self.body or b"")


def _answer(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


REQUESTS = {
    "plain": Request("GET", "/plain", _answer(GREETING)),
    "arguments": Request("GET", f"/arguments?{_QUERY}", _answer(FRUIT)),
    "declared": Request("GET", f"/declared?{_QUERY}", _answer(FRUIT)),
    "json": Request("POST", "/json", _answer(FRUIT), {"Content-Type": "application/json"}, _answer(FRUIT)),
}
