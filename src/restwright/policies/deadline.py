"""One total deadline for an exchange, whatever happens inside it: retries, waits, redirects, token requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import NoneType

import requests

from restwright.message import Request
from restwright.plan import Operation, Policy, exchange
from restwright.policies.layer import Layer


def deadline(seconds: float, *, clock: Callable[[], float] = time.monotonic) -> Layer:
    """Every exchange must be over `seconds` after it began; an earlier deadline of the request itself stays.

    The transfer of a file, streamed one way or the other, may take longer: the transport bounds how slowly it may go.
    """
    if not seconds > 0:
        raise ValueError(f"deadline must be more than 0 seconds, got {seconds!r}")

    def layer(request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        if request.sink is not None or not isinstance(request.content, (bytes, NoneType)):
            return inner(request)
        until = clock() + seconds
        if request.deadline is not None and request.deadline < until:
            return inner(request)
        return inner(request.but(deadline=until))

    return layer
