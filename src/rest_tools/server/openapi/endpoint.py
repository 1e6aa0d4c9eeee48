"""Where a server tells its OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_tools.server.handler import RestHandler

__all__ = ["OpenApiHandler"]


class OpenApiHandler(RestHandler):
    """Answers with the document."""

    is_documented = False

    def initialize(self, *args: Any, document: Callable[[], dict[str, Any]], **kwargs: Any) -> None:  # type: ignore[override]  # by keyword alone
        """Take what makes the document."""
        super().initialize(*args, **kwargs)
        self._document = document

    def get(self) -> None:
        """As it is now, in JSON."""
        self.write(self._document())
