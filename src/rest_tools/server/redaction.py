"""A request as it may be logged."""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest

from rest_tools.utils.redaction import redact, traceback_of

__all__ = ["redact", "request_line", "traceback_of"]


def request_line(request: HTTPServerRequest) -> str:
    """`METHOD uri (ip)`, for log lines."""
    uri = request.uri or ""
    if "?" in uri:
        uri = redact(uri)
    return f"{request.method} {uri} ({request.remote_ip})"
