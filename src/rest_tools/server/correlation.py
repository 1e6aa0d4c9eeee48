"""The id by which the logs of several services tell that they speak of one request."""

from __future__ import annotations

import re
import uuid

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

__all__ = ["HEADER", "ReturnCorrelationId", "correlation_id"]

HEADER = "X-Correlation-ID"

_HARMLESS = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")  # in a log, a header field and a search box alike
_ID = "rest_tools_correlation_id"


def correlation_id(request: HTTPServerRequest) -> str:
    """What the client sent as `X-Correlation-ID`, if that is up to 128 harmless characters; else a new id."""
    known: str | None = vars(request).get(_ID)
    if known is None:
        sent = request.headers.get(HEADER, "")
        known = sent if _HARMLESS.fullmatch(sent) else str(uuid.uuid4())
        vars(request)[_ID] = known
    return known


class ReturnCorrelationId(OutputTransform):
    """Sends the id with the answer, whatever handler gives it."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._id = correlation_id(request)

    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: ARG002  # Tornado's
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the header field."""
        headers[HEADER] = self._id
        return status_code, headers, chunk
