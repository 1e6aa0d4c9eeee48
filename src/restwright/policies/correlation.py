"""Name each exchange, so that the service's log and the client's error speak of the same one."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import requests

from restwright.errors import RestwrightError
from restwright.message import Request
from restwright.plan import Operation, Policy, exchange
from restwright.policies.layer import Layer


def _new_id() -> str:
    return str(uuid.uuid4())


def correlate(field: str = "X-Correlation-ID", *, make: Callable[[], str] = _new_id) -> Layer:
    """Send a correlation id in the header `field`, the same for all attempts, unless the request has one."""

    def layer(request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        given = request.header(field)
        correlation_id = make() if given is None else given
        named = request.with_header(field, correlation_id) if given is None else request
        try:
            response = yield from inner(named)
        except requests.RequestException as error:
            if isinstance(error, RestwrightError):
                error.correlation_id = correlation_id
            else:
                error.add_note(f"id {correlation_id}")
            raise
        vars(response)["correlation_id"] = correlation_id
        return response

    return layer
