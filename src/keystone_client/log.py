"""Logging: the logger `kclient`, whose records tell the client, the request and the answer they are about.

Attach a handler to hear it: `logging.getLogger("kclient").addHandler(...)`.  Importing the package changes nothing
about other loggers.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, Final

__all__ = ["ContextFilter", "DefaultContextAdapter", "logger"]


class DefaultContextAdapter(logging.LoggerAdapter[logging.Logger]):
    """Puts facts of its own into each record, below those that the call gives."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """The message as it is, with the facts of both."""
        return msg, {**kwargs, "extra": {**(self.extra or {}), **(kwargs.get("extra") or {})}}


class ContextFilter(logging.Filter):
    """Lets every record pass, with all the attributes that a format may name."""

    required_attr = ("cid", "baseurl", "method", "endpoint", "url", "status_code")

    def filter(self, record: logging.LogRecord) -> bool:
        """Fill in what is missing."""
        for name in self.required_attr:
            if not hasattr(record, name):
                setattr(record, name, "")
        return True


def _installed() -> logging.Logger:
    logger = logging.getLogger("kclient")
    if not any(isinstance(each, ContextFilter) for each in logger.filters):
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addFilter(ContextFilter())
        logger.addHandler(logging.NullHandler())
    return logger


logger: Final = _installed()


def is_heard() -> bool:
    """Does anybody listen?  A record that nobody gets is not worth making."""
    return len(logger.handlers) > 1 or logger.propagate or not isinstance(logger.handlers[0], logging.NullHandler)
