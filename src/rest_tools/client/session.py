"""Sessions of `requests` that repeat what failed, blocking or in worker threads."""

from __future__ import annotations

import functools
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from requests.__version__ import __version__ as requests_version
from urllib3.util import Retry

from rest_tools.client.retries import BACKOFF_MAX, METHODS, STATUSES
from restwright.adapter import Adapter

if TYPE_CHECKING:
    from requests_futures.sessions import FuturesSession  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["AsyncSession", "Session"]

SessionT = TypeVar("SessionT", bound=requests.Session)


def AsyncSession(
    retries: int,
    backoff_factor: float,
    allowed_methods: Collection[str] = METHODS,
    status_forcelist: Collection[int] = STATUSES,
) -> FuturesSession:
    """A session whose calls return a `concurrent.futures.Future` of the response; they run in eight threads.

    Args:
        retries: How often a request is repeated when the network fails or the answer has a listed status.
        backoff_factor: Seconds of the delays: none before the first retry, then 2, 4, 8, ... times so many, 120 at
            most, or what the server says in `Retry-After`.
        allowed_methods: What is repeated. POST and PATCH are not idempotent: leave them out if a request that was
            carried out, though its answer was lost, must not be carried out twice.
        status_forcelist: The statuses.
    """
    from requests_futures.sessions import FuturesSession  # pyright: ignore[reportMissingTypeStubs]

    session: Any = FuturesSession()
    return with_retries(session, retries, backoff_factor, allowed_methods, status_forcelist)


def Session(
    retries: int,
    backoff_factor: float,
    allowed_methods: Collection[str] = METHODS,
    status_forcelist: Collection[int] = STATUSES,
) -> requests.Session:
    """A session whose calls block; its arguments are those of `AsyncSession`."""
    return with_retries(requests.Session(), retries, backoff_factor, allowed_methods, status_forcelist)


def with_retries(
    session: SessionT,
    retries: int,
    backoff_factor: float,
    allowed_methods: Collection[str],
    status_forcelist: Collection[int],
) -> SessionT:
    """The session, with an adapter of ours that repeats its calls; the plans of a client repeat by themselves."""
    adapter = Adapter()
    adapter.max_retries = Retry(
        total=retries,
        backoff_factor=backoff_factor,
        backoff_max=BACKOFF_MAX,
        allowed_methods=allowed_methods,
        status_forcelist=status_forcelist,
    )
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


@functools.cache
def default_headers() -> dict[str, str]:
    """The header fields that a client sends with each request, to the origin of its address."""
    try:
        own = version("restwright")
    except PackageNotFoundError:  # a source tree on the path, not installed
        own = "0"
    return {
        "User-Agent": f"rest_tools/{own} requests/{requests_version}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Content-Type": "application/json",
    }


def blocking_view(session: requests.Session) -> requests.Session:
    """The session itself, or of one that has threads, a plain one with the very same settings and adapters."""
    from requests_futures.sessions import FuturesSession  # pyright: ignore[reportMissingTypeStubs]

    if type(session) is not FuturesSession:
        return session
    view = requests.Session.__new__(requests.Session)
    view.__dict__ = session.__dict__
    return view
