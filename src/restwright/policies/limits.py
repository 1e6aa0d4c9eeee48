"""Refuse answers that are too large, while they come in."""

from __future__ import annotations

import requests

from restwright.message import Request
from restwright.plan import Operation, Policy, exchange
from restwright.policies.layer import Layer


def limit_response(max_bytes: int) -> Layer:
    """Take at most so many bytes of content, counted after decompression; more ends in `TooLarge`."""
    if max_bytes < 0:
        raise ValueError(f"max_bytes must be 0 or more, got {max_bytes!r}")

    def layer(request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        limited = request.max_bytes is not None and request.max_bytes <= max_bytes
        return inner(request if limited else request.but(max_bytes=max_bytes))

    return layer
