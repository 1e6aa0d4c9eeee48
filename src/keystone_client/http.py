"""The HTTP side of the clients: settings, connections, log-in and plain requests, blocking and awaited."""

from __future__ import annotations

import uuid
from abc import ABCMeta
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlsplit

import requests

from keystone_client.accepted import seconds_of, timed
from keystone_client.context import Context
from keystone_client.cookies import CSRF_COOKIE
from keystone_client.httpx_errors import translated
from keystone_client.httpx_transport import adapter_of
from keystone_client.log import DefaultContextAdapter, logger
from keystone_client.logins import CSRF_HEADER, Era, Login
from keystone_client.operations import HTTPOperations
from keystone_client.paths import normalize_url
from keystone_client.schema import Schema
from keystone_client.types import HttpMethod
from restwright.client import AsyncClient, Settings, SyncClient
from restwright.drivers import AsyncPages, Pages
from restwright.message import UNSET, Unset
from restwright.plan import Listing, Operation
from restwright.policies import deadline, redirect, retry, stack

__all__ = [
    "DEFAULT_FOLLOW",
    "DEFAULT_LIMITS",
    "DEFAULT_REDIRECTS",
    "DEFAULT_TIMEOUT",
    "DEFAULT_VERIFY",
    "AsyncHTTPClient",
    "HTTPBase",
    "HTTPClient",
    "HttpMethod",
    "Limits",
    "logger",
]

T = TypeVar("T")
ItemT = TypeVar("ItemT")

DEFAULT_TIMEOUT: Final = 15
DEFAULT_REDIRECTS: Final = 10
DEFAULT_VERIFY: Final = True
DEFAULT_FOLLOW: Final = True
TOTAL: Final = 120.0
"""Seconds that a call may take in all, with waits and repetitions."""
ATTEMPTS: Final = 3
"""How often a request is sent that may be repeated, when the service is busy or the network fails."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers of connections.  Any object with these attributes will do in its place."""

    max_connections: int | None = 100
    max_keepalive_connections: int | None = 20


DEFAULT_LIMITS: Final = Limits()


class Authenticated:
    """Is the client logged in?  As an attribute, `if client.is_authenticated`, or called."""

    __slots__ = ("_client",)

    def __init__(self, client: HTTPClient) -> None:
        self._client = client

    def __call__(self, timeout: float | Unset | None = UNSET) -> bool:
        """Is it?  The tokens of a service before 0.4 tell by themselves; about a session, the service is asked."""
        return self._client.run(self._client.operations.context.login.is_authenticated(options=timed(timeout)))

    def __bool__(self) -> bool:
        return self()

    def __repr__(self) -> str:
        return f"<is_authenticated of {self._client!r}>"


class AsyncAuthenticated:
    """Is the client logged in?  To be awaited, called or not; its truth is what one can tell without asking."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncHTTPClient) -> None:
        self._client = client

    def __call__(self, timeout: float | Unset | None = UNSET) -> Coroutine[Any, Any, bool]:
        """Is it?  The tokens of a service before 0.4 tell by themselves; about a session, the service is asked."""
        return self._client.run(self._client.operations.context.login.is_authenticated(options=timed(timeout)))

    def __await__(self) -> Generator[Any, Any, bool]:
        return self().__await__()

    def __bool__(self) -> bool:
        return self._client.operations.context.login.seems_authenticated

    def __repr__(self) -> str:
        return f"<is_authenticated of {self._client!r}>"


class HTTPBase(Settings, metaclass=ABCMeta):
    """What clients of both kinds share.

    Args:
        url: Root of the service, with its protocol; `base_url` is another name for it.
        verify_ssl: Check the certificate of the service; the path of a file: by the authorities in it.
        follow_redirects: Follow those of requests that change nothing; others are never sent elsewhere.
        max_redirects: In a row.
        timeout: Seconds to connect and between bytes of an answer, or a (connect, read) pair; None waits for ever.
        limits: Numbers of connections that the caller has in mind; the pool here sees to itself.
        transport: What to send through in place of ours: a `requests` adapter, or a blocking transport of `httpx`.
        era: How the service is logged in to, "jwt" (before 0.4) or "session"; None: it is found out.
        raise_for_status: Let `http_get` and its like raise the error of a 4xx or 5xx answer, rather than return it.
        attempts: How often a request is sent that may be repeated, when the service is busy or the network fails.
        session: A `requests.Session` with settings of its own; it is not closed with the client.

    Raises:
        TypeError: There is no URL, or two.
        ValueError: The URL is none, or a setting makes no sense.
    """

    CSRF_COOKIE: ClassVar[str] = CSRF_COOKIE
    CSRF_HEADER: ClassVar[str] = CSRF_HEADER
    CID_HEADER: ClassVar[str] = "X-KEYSTONE-CID"
    schema: ClassVar[Schema] = Schema()

    context: Context
    operations: HTTPOperations
    _operations_class: ClassVar[type[HTTPOperations]] = HTTPOperations
    _label: ClassVar[str] = "HTTP"
    _request_label: ClassVar[str] = "HTTP Request"

    def __init__(
        self,
        url: str | None = None,
        *,
        base_url: str | None = None,
        verify_ssl: bool | str = DEFAULT_VERIFY,
        follow_redirects: bool = DEFAULT_FOLLOW,
        max_redirects: int = DEFAULT_REDIRECTS,
        timeout: float | tuple[float | None, float | None] | None = DEFAULT_TIMEOUT,
        limits: Any = DEFAULT_LIMITS,
        transport: Any = None,
        era: Era | None = None,
        raise_for_status: bool = False,
        attempts: int = ATTEMPTS,
        session: requests.Session | None = None,
    ) -> None:
        if (url is None) == (base_url is None):
            raise TypeError("give the address of the service as url (or base_url, which is the same), and once")
        if era not in (None, "jwt", "session"):
            raise ValueError(f"era must be 'jwt', 'session' or None, got {era!r}")
        if not isinstance(max_redirects, int) or max_redirects < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"max_redirects must be 0 or more, got {max_redirects!r}")
        del limits
        whole = normalize_url(url if url is not None else base_url or "")
        root = urlsplit(whole)._replace(query="", fragment="").geturl()  # as a relative path resolves (RFC 3986, 5.2.2)
        own = requests.Session() if session is None else session
        if transport is not None:
            adapter = adapter_of(transport)
            own.mount("http://", adapter)
            own.mount("https://", adapter)
        if verify_ssl is not True:
            own.verify = verify_ssl
        self.cid = str(uuid.uuid4())
        super().__init__(root, timeout=seconds_of(timeout), session=own)
        facts = {"cid": self.cid, "baseurl": f"{self.transport.root}/"}
        marks = {self.CID_HEADER: self.cid}
        labels = self._request_label, f"{self._label} Response"
        login = Login(self.transport, era=era, headers=marks, extra=facts, labels=labels)
        followed = [redirect(most=max_redirects)] if follow_redirects else []
        self.policy = stack(deadline(TOTAL), login.signed, retry(attempts), *followed, login.marked)
        context = Context(login, self.transport.origin, raises=raise_for_status)
        self.context = context
        self.operations = self._operations_class(context)
        self._log = DefaultContextAdapter(logger, facts)
        self._is_closed = False
        self._log.info("%s client created", self._label)

    @property
    def url(self) -> str:
        """Root of the service, with one slash at its end."""
        return f"{self.transport.root}/"

    @property
    def base_url(self) -> str:
        """The same."""
        return self.url

    @property
    def era(self) -> Era | None:
        """How the service is logged in to; None if that was not asked yet."""
        return self.context.login.era

    # As the releases before 0.6.5 call them.

    @property
    def _url(self) -> str:
        return self.url

    @property
    def _session(self) -> requests.Session:
        return self.session

    normalize_url = staticmethod(normalize_url)

    def get_application_headers(self, overrides: dict[str, str] | None = None) -> dict[str, str]:
        """The header fields that are this service's own: the correlation id, and the CSRF token if there is one."""
        csrf = self.context.login.csrf
        return {self.CID_HEADER: self.cid, **({self.CSRF_HEADER: csrf} if csrf else {}), **(overrides or {})}

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("the client is closed: make another one")

    def _note_closed(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._log.info("%s client closed", self._label)


class HTTPClient(HTTPBase, SyncClient, HTTPOperations):
    """A client whose calls return results."""

    operations: HTTPOperations

    @property
    def is_authenticated(self) -> Authenticated:
        """Is the client logged in?  With parentheses or without."""
        return Authenticated(self)

    def run(self, plan: Operation[T]) -> T:
        """Drive a plan of one's own."""
        self._check_open()
        return super().run(translated(plan))

    def pages(self, start: Callable[[], Listing[ItemT]]) -> Pages[ItemT]:
        """The items of a listing of one's own."""
        self._check_open()
        return super().pages(lambda: translated(start()))

    def close(self) -> None:
        """Close the connections; later calls raise `RuntimeError`.  Again does no harm."""
        self._note_closed()
        super().close()


class AsyncHTTPClient(HTTPBase, AsyncClient, HTTPOperations):
    """A client whose calls are awaited."""

    operations: HTTPOperations
    _label = "Async HTTP"
    _request_label = "Async HTTP request"  # in lower case, as formats and filters out there know it

    @property
    def is_authenticated(self) -> AsyncAuthenticated:
        """Is the client logged in?  To be awaited, with parentheses or without."""
        return AsyncAuthenticated(self)

    def run(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """Drive a plan of one's own."""
        self._check_open()
        return super().run(translated(plan))

    def pages(self, start: Callable[[], Listing[ItemT]]) -> AsyncPages[ItemT]:
        """The items of a listing of one's own."""
        self._check_open()
        return super().pages(lambda: translated(start()))

    async def close(self) -> None:
        """Close the connections; later calls raise `RuntimeError`.  Again does no harm."""
        self._note_closed()
        await super().aclose()

    aclose = close
