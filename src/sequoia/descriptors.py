"""Descriptors: what a service says about its resources and how they are related."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

from restwright.message import Request
from restwright.plan import Operation
from sequoia.error import ClientError
from sequoia.http import Executor

logger = logging.getLogger(__name__)


class Descriptors:
    """The descriptors of a client's services, each fetched when it is first needed, and then kept.

    One that cannot be had is not asked for again; there are then no models.

    Args:
        known: Those that are there already, by the location of the service.
    """

    def __init__(self, known: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._known: dict[str, Mapping[str, Any] | None] = dict(known or {})

    def descriptor(self, http: Executor, location: str) -> Operation[Mapping[str, Any] | None]:
        """The descriptor of the service there; None if it has none that can be used."""
        if location not in self._known:
            request = Request("GET", f"{location}/descriptor/raw", {"_pretty": "true"})
            try:
                response = yield from http.ask(request, http.call())
                document: Any = response.data
                is_usable = isinstance(document, Mapping)
                found = cast("Mapping[str, Any]", document) if is_usable else None
            except ClientError as error:
                logger.warning("No models for %s, whose descriptor cannot be had: %s", location, error)
                found = None
            self._known[location] = found
        return self._known[location]
