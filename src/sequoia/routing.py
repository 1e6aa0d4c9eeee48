"""Which way a request goes: one transport for each origin, over one session.

A plan that is driven by a `Route` is bound to the origin of its first request.  A request to another one, after a
redirect say, goes out as a stranger's: without credentials, cookies and the client's header fields.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

import requests

from restwright.message import EMPTY, Origin, Request, is_absolute, join, no_cookies
from restwright.transport import Transport


class Way(Protocol):
    """Sends requests below an origin."""

    timeout: tuple[float | None, float | None]

    def send(self, request: Request) -> requests.Response:
        """The answer."""
        ...

    async def send_async(self, request: Request) -> requests.Response:
        """The answer, awaited."""
        ...


class Routes:
    """The transports of one session.

    Args:
        session: Its adapters, proxies and certificates count.
        timeout: Seconds to connect and between bytes of an answer.
        is_known: Says of an origin whether it is one that the client certificate, if there is one, is for.
    """

    def __init__(
        self, session: requests.Session, *, timeout: float, is_known: Callable[[str], bool] = lambda origin: True
    ) -> None:
        self._session = session
        self._timeout = (timeout, timeout)
        self._is_known = is_known
        self._ways: dict[tuple[str, bool], Way] = {}

    def set_timeout(self, seconds: float) -> None:
        """From now on it is this."""
        self._timeout = (seconds, seconds)
        for way in self._ways.values():
            way.timeout = self._timeout

    def new(self) -> Route:
        """For one plan."""
        return Route(self)

    def way(self, origin: str) -> Way:
        """The transport for an origin.

        Raises:
            requests.exceptions.InvalidURL: It is none.
        """
        key = (origin, self._is_known(origin))
        way = self._ways.get(key)
        if way is None:
            if origin.lower().startswith(("http:", "https:")):
                way = Transport(self._session, origin, timeout=self._timeout, shows_certificate=key[1])
            else:
                way = _Foreign(self._session, origin, self._timeout, shows_certificate=key[1])
            self._ways[key] = way
        return way

    def close(self) -> None:
        """Close the blocking connections."""
        for transport in self._transports():
            transport.close()

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports():
            await transport.aclose()

    def _transports(self) -> list[Transport]:
        return [way for way in self._ways.values() if isinstance(way, Transport)]


class Route:
    """Sends the requests of one plan."""

    __slots__ = ("_origin", "_routes", "_way")

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._origin = ""
        self._way: Way | None = None

    def send(self, request: Request) -> requests.Response:
        """The answer."""
        way, request = self._led(request)
        return way.send(request)

    async def send_async(self, request: Request) -> requests.Response:
        """The answer, awaited."""
        way, request = self._led(request)
        return await way.send_async(request)

    def _led(self, request: Request) -> tuple[Way, Request]:
        way, url = self._way, request.url
        if way is None:
            self._origin = origin_of(url)
            way = self._way = self._routes.way(self._origin)
        origin = self._origin
        # As a path, which is quicker: it need not be asked any more where it leads to.
        if url.startswith(origin) and url[len(origin) : len(origin) + 1] == "/":
            request = request.but(url=url[len(origin) :])
        return way, request


class _Foreign:
    """URLs of a scheme that only an adapter of the caller's knows."""

    def __init__(
        self,
        session: requests.Session,
        origin: str,
        timeout: tuple[float | None, float | None],
        *,
        shows_certificate: bool,
    ) -> None:
        self._session = session
        self._origin = origin
        self.timeout = timeout
        self._shows_certificate = shows_certificate

    def send(self, request: Request) -> requests.Response:
        """The answer, by way of the adapter."""
        is_home = not is_absolute(request.url) or origin_of(request.url) == self._origin
        body: Any = request.body()
        prepared = requests.PreparedRequest()
        prepared.prepare(
            request.method,
            join(self._origin, request.url, request.params),
            headers={**(self._session.headers if is_home else EMPTY), **request.headers},
            data=body,
            auth=request.auth if is_home else None,
            cookies=None if no_cookies(self._session.cookies) else self._session.cookies,
            hooks=self._session.hooks,
        )
        cert = self._session.cert if is_home and self._shows_certificate else None
        return self._session.send(prepared, timeout=self.timeout, allow_redirects=False, cert=cert)

    async def send_async(self, request: Request) -> requests.Response:
        """The same, in a thread."""
        return await asyncio.to_thread(self.send, request)


def is_same_origin(url: str, other: str) -> bool:
    """Do both have the same origin (RFC 6454, 4)?

    Raises:
        requests.exceptions.InvalidURL: One of them has none.
    """
    return origin_of(url) == origin_of(other) or Origin.of(url) == Origin.of(other)


def has_origin(url: object) -> bool:
    """Is it an absolute URL?"""
    return isinstance(url, str) and _ORIGIN.match(url) is not None


def origin_of(url: str) -> str:
    """The beginning of a URL, up to its path; it is compared as it is written.

    >>> origin_of("https://metadata.example/data/contents?owner=o")
    'https://metadata.example'

    Raises:
        requests.exceptions.MissingSchema: It has no scheme.
    """
    match = _ORIGIN.match(url)
    if match is None:
        raise requests.exceptions.MissingSchema(f"{url[:200]!r} is not an absolute URL, such as https://host/path")
    return match[0]


_ORIGIN: Final = re.compile(r"[\x00-\x7f]+?://[^/?#\\]*")
