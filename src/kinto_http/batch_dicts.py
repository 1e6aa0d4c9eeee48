"""Requests and responses within a batch, shaped enough like real ones to stand in an exception."""

from __future__ import annotations

from typing import Any


class WrapDict(dict[str, Any]):
    """A dict whose keys can be read as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} has no key or attribute {name!r}") from None


class RequestDict(WrapDict):
    """`exception.request` of a failed item: `method`, `path`, `headers`, `body`."""

    @property
    def path_url(self) -> str:
        """The path, under the name that a prepared request has for it."""
        path: str = self.path
        return path


class ResponseDict(WrapDict):
    """`exception.response` of a failed item: `status`, `path`, `headers`, `body`."""

    @property
    def status_code(self) -> int:
        """The status, under the name that a response has for it."""
        status: int = self.status
        return status

    def json(self) -> Any:
        """The body, under the name that a response has for it."""
        return self.get("body")
