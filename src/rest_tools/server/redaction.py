"""What must not reach a log is taken out of the text that goes there.

A login callback carries `code` and `state` in its query, other requests may carry tokens there, and exceptions
of HTTP clients quote the URLs they failed on.  And what clients write may be long, and of characters that do things
to the terminal where it is read.
"""

from __future__ import annotations

import logging
import re
import traceback
from urllib.parse import unquote_plus

from tornado.httputil import HTTPServerRequest

__all__ = ["Printable", "logged_uri", "printable", "redact", "request_line", "traceback_of"]

_MAX_LOGGED = 2000  # characters of a URL or a message
_MAX_METHOD = 20

_PARAMETER = re.compile(r"(?P<key>(?:^|(?<=[?&;]))[^=&;?\s\"'<>]+)=[^&;\s\"'<>]+")
_SECRET = re.compile(r"(?i)code|state|session_state|nonce|code_verifier|assertion|[a-z_]*token|[a-z_]*secret|password")
_CREDENTIALS = re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/-]{8,}=*")


def redact(text: str) -> str:
    """The text with `***` for the values of secret query parameters and for credentials after their scheme."""
    return _CREDENTIALS.sub(r"\1***", _PARAMETER.sub(_without_secret, text))


def _without_secret(parameter: re.Match[str]) -> str:
    key = parameter["key"]
    # The server decodes keys, so a secret one may come percent-encoded.
    return f"{key}=***" if _SECRET.fullmatch(unquote_plus(key)) else parameter[0]


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


def traceback_of(error: BaseException) -> str:
    """The traceback as text without secrets.

    A log record that is given the exception itself would print the messages of its whole chain as they are.
    """
    return redact("".join(traceback.format_exception(error)))
