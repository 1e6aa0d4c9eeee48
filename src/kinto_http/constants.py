"""Names and defaults of the protocol, as `kinto-http` published them."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version

from requests.__version__ import __version__ as _requests_version

try:
    kinto_http_version: str = version("restwright")
except PackageNotFoundError:  # a source tree on the path, not installed
    kinto_http_version = "0"
requests_version: str = _requests_version
python_version: str = platform.python_version()

USER_AGENT: str = f"kinto_http/{kinto_http_version} requests/{requests_version} python/{python_version}"
"""Sent unless the caller names an agent of their own."""

OBJECTS_PERMISSIONS: dict[str, list[str]] = {
    "bucket": ["group:create", "collection:create", "write", "read"],
    "group": ["write", "read"],
    "collection": ["write", "read", "record:create"],
    "record": ["read", "write"],
}
"""The permissions each kind of object knows."""

ID_FIELD: str = "id"

DO_NOT_OVERWRITE: dict[str, str] = {"If-None-Match": "*"}
"""Refuse to create what exists already: 412 (RFC 9110, 13.1.2)."""

VALID_SLUG_REGEXP: re.Pattern[str] = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$")
"""An id the server takes.  Ask with `fullmatch`: `$` alone lets a trailing newline pass."""

SERVER_URL: str = "http://localhost:8888/v1"
DEFAULT_AUTH: tuple[str, str] = ("user", "p4ssw0rd")

ALL_PARAMETERS: list[list[str]] = [
    ["-h", "--help"],
    ["-s", "--server"],
    ["-a", "--auth"],
    ["-b", "--bucket"],
    ["-c", "--collection"],
    ["--retry"],
    ["--retry-after"],
    ["--ignore-batch-4xx"],
    ["-v", "--verbose"],
    ["-q", "--quiet"],
    ["-D", "--debug"],
]
"""The flags that `cli_utils.add_parser_options` adds, `--help` included."""
