"""What must not reach a log is taken out of the text that goes there.

A login callback carries `code` and `state` in its query, other requests may carry tokens there, and exceptions
of HTTP clients quote the URLs they failed on.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote_plus

__all__ = ["redact", "redact_values", "traceback_of"]

_PARAMETER = re.compile(r"(?P<key>(?:^|(?<=[?&;]))[^=&;?\s\"'<>]+)=[^&;\s\"'<>]+")
_SECRET = re.compile(r"(?i)code|state|session_state|nonce|code_verifier|assertion|[a-z_]*token|[a-z_]*secret|password")
_CREDENTIALS = re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/-]{8,}=*")


def redact(text: str) -> str:
    """The text with `***` for the values of secret query parameters and for credentials after their scheme."""
    return _CREDENTIALS.sub(r"\1***", _PARAMETER.sub(_without_secret, text))


def redact_values(value: Any) -> Any:
    """A value as JSON has them, with `***` for what stands under a secret name, however deep.

    >>> redact_values({"user": "ann", "login": [{"password": "p4ssw0rd"}]})
    {'user': 'ann', 'login': [{'password': '***'}]}
    """
    if isinstance(value, Mapping):
        pairs: Any = value.items()  # pyright: ignore[reportUnknownVariableType]  # whatever they are
        return {key: "***" if _SECRET.fullmatch(str(key)) else redact_values(item) for key, item in pairs}
    if isinstance(value, (list, tuple)):
        return [redact_values(item) for item in cast("list[Any]", value)]
    return value


def _without_secret(parameter: re.Match[str]) -> str:
    key = parameter["key"]
    # The server decodes keys, so a secret one may come percent-encoded.
    return f"{key}=***" if _SECRET.fullmatch(unquote_plus(key)) else parameter[0]


def traceback_of(error: BaseException) -> str:
    """The traceback as text without secrets.

    A log record that is given the exception itself would print the messages of its whole chain as they are.
    """
    return redact("".join(traceback.format_exception(error)))
