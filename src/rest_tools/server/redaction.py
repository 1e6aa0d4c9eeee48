"""What is logged of a request: no secrets, and nothing that is too long or does things to the terminal."""

from __future__ import annotations

import logging

from tornado.httputil import HTTPServerRequest

from rest_tools.utils.redaction import redact, traceback_of

__all__ = ["Printable", "logged_uri", "printable", "redact", "request_line", "traceback_of"]

_MAX_LOGGED = 2000  # characters of a URL or a message
_MAX_METHOD = 20


def printable(text: str, most: int) -> str:
    """The text, cut, with escapes for what cannot be printed: control characters, and lone surrogates."""
    cut = text if len(text) <= most else text[:most] + "..."
    return cut if cut.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)


def logged_uri(request: HTTPServerRequest) -> str:
    """The target of a request without secrets, for log lines."""
    uri = request.uri or ""
    return printable(redact(uri) if "?" in uri else uri, _MAX_LOGGED)


def request_line(request: HTTPServerRequest) -> str:
    """`METHOD uri (ip)`, for log lines."""
    return f"{printable(request.method or '', _MAX_METHOD)} {logged_uri(request)} ({request.remote_ip})"


class Printable(logging.Filter):
    """Cuts and escapes the messages of others, such as Tornado's about requests that are none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the message, and let it pass."""
        record.msg, record.args = printable(record.getMessage(), _MAX_LOGGED), ()
        return True
