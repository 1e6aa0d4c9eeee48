"""The header fields that all requests have."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from typing import Final

import requests

__all__ = ["CORRELATION_ID", "CommonHeaders"]

CORRELATION_ID: Final = "X-Correlation-ID"


class CommonHeaders(UserDict[str, "str | None"]):
    """The header fields of all requests; what is set here goes out with the later ones, to the services' origins."""

    def __init__(self, session: requests.Session, fields: Mapping[str, str | None]) -> None:
        self._session = session
        super().__init__(fields)

    def __setitem__(self, name: str, value: str | None) -> None:
        super().__setitem__(name, value)
        if name == CORRELATION_ID:  # it is said for each operation
            return
        if value is None:
            self._session.headers.pop(name, None)
        else:
            self._session.headers[name] = value

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._session.headers.pop(name, None)
