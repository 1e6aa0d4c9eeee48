"""Paths: of the resources that are known by name, of single records, and of what a caller writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from restwright.message import is_absolute, without_credentials

ROUTES: Final[Mapping[str, str]] = {
    "allocation": "/allocations/allocations/",
    "attachment": "/allocations/attachments/",
    "cluster": "/allocations/clusters/",
    "comment": "/allocations/comments/",
    "request": "/allocations/requests/",
    "review": "/allocations/reviews/",
    "team": "/users/teams/",
    "research_group": "/users/researchgroups/",
    "membership": "/users/memberships/",
    "user": "/users/users/",
    "grant": "/research/grants/",
    "publication": "/research/publications/",
    "notification": "/notifications/notifications/",
    "preference": "/notifications/preferences/",
}
"""Where the resources of all releases are, by the names that methods have."""

EARLIER_ROUTES: Final[Mapping[str, str]] = {"/users/memberships/": "/users/membership/"}
"""What a route was called before: memberships got their plural with service 0.7.4."""

LOGIN: Final = "/authentication/login/"
LOGOUT: Final = "/authentication/logout/"
WHOAMI: Final = "/authentication/whoami/"
BATCH: Final = "/batch/"
VERSION: Final = "/version/"

_WITHOUT_SLASH: Final = frozenset({"/openapi/json", "/openapi/yaml"})
"""Routes that end without a slash before 0.4; later services redirect to those that do."""

_DOUBLE: Final = re.compile(r"/{2,}")


class Reference(str):
    """Stands for what an earlier step of a batch will answer; see `Step`."""

    __slots__ = ()


def quoted(part: Any) -> str:
    """One segment of a path, percent-encoded."""
    return part if isinstance(part, Reference) else quote(str(part), safe="")


def item_path(route: str, pk: Any) -> str:
    """The path of one record.

    Raises:
        TypeError: `pk` is neither a number nor a text.
        ValueError: It is empty, or would lead to another place.
    """
    if isinstance(pk, bool) or not (isinstance(pk, str) or hasattr(pk, "__index__")):  # of NumPy, too
        raise TypeError(f"pk must be the id of a record, a number or a text, got {pk!r}")
    if pk in ("", ".", "..") or "/" in str(pk):
        raise ValueError(f"pk must be the id of a record, got {pk!r}")
    return f"{route}{quoted(pk)}/"


def endpoint_path(endpoint: str, *, slash: bool | None = None) -> str:
    """What a caller means by an endpoint: a path below the root, or a URL as it is.

    Args:
        endpoint: With or without slashes at its ends, with or without a query.
        slash: Shall the path end in one?  None: as the service's routes do, but not that of a file.

    Raises:
        TypeError: It is no text.
    """
    if not isinstance(endpoint, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all callers are typed
        raise TypeError(f"endpoint must be a path such as 'allocations/clusters', got {endpoint!r}")
    path, mark, query = endpoint.partition("#")[0].partition("?")
    if not is_absolute(endpoint):
        path = f"/{path.lstrip('/')}"
    if slash or (slash is None and not _is_file(path)):
        path = f"{path.rstrip('/')}/"
    return f"{path}{mark}{query}"


def _is_file(path: str) -> bool:
    return path.startswith("/media/") or path in _WITHOUT_SLASH or "." in urlsplit(path).path.rpartition("/")[2]


def normalize_url(url: str) -> str:
    """The URL with one slash at the end of its path and none doubled in it; query and fragment stay.

    Raises:
        ValueError: It is no http or https URL.
    """
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all callers are typed
        raise TypeError(f"url must be a text such as 'https://keystone.example.org', got {url!r}")
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        shown = without_credentials(url)
        raise ValueError(f"url must begin with http:// or https:// and name a host, got {shown!r}")
    path = _DOUBLE.sub("/", f"{parts.path}/")
    return parts._replace(path=path).geturl()
