"""The clients: the same operations, blocking or awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from restwright.closing import AsyncClosing, Closing
from sequoia.auth import AuthFactory, AuthType, ClientGrantAuth
from sequoia.descriptors import Descriptors
from sequoia.endpoints import (
    AsyncBusinessEndpointProxy,
    AsyncResourceEndpointProxy,
    BusinessEndpointProxy,
    GenericEndpointProxy,
    ResourceEndpointProxy,
)
from sequoia.error import UnknownService
from sequoia.http import AsyncHttpExecutor, HttpExecutor, HttpResponse, timeout_of
from sequoia.models import ResponseBuilder
from sequoia.paging import (
    AsyncLinkedResourcesPageBrowser,
    AsyncPageBrowser,
    LinkedResourcesPageBrowser,
    PageBrowser,
)
from sequoia.registry import AsyncRegistry, NamedService, RegisteredService, Registry
from sequoia.services import AsyncServiceProxy, ServiceProxy

__all__ = [
    "DIRECT_MODEL",
    "AsyncBusinessEndpointProxy",
    "AsyncClient",
    "AsyncLinkedResourcesPageBrowser",
    "AsyncPageBrowser",
    "AsyncResourceEndpointProxy",
    "AsyncServiceProxy",
    "AuthFactory",
    "AuthType",
    "BusinessEndpointProxy",
    "Client",
    "GenericEndpointProxy",
    "HttpResponse",
    "LinkedResourcesPageBrowser",
    "PageBrowser",
    "ResourceEndpointProxy",
    "ResponseBuilder",
    "ServiceProxy",
]

DIRECT_MODEL: Final = "direct"


class _Settings:
    """What both clients are.

    Args:
        registry_url: The whole URL of the registry.
        proxies: As `requests` takes them.
        user_agent: Put before our own.
        backoff_strategy: How requests are repeated: a dict with `wait_gen` (a generator function of delays, such as
            `backoff.expo`) and its arguments, `max_tries`, `max_time` in seconds, `jitter`,
            `retry_http_status_codes`, `retry_when_empty_result`.
        adapters: Pairs of a prefix of URLs and a `requests` transport adapter.
        request_timeout: Seconds to connect and between bytes of an answer, for each attempt.
        model_resolution: `DIRECT_MODEL` to have the pages of `browse` with a `model`.
        correlation_id: Sent with each request.
        user_id: With `application_id`, the beginning of an id that is made for each operation.
        application_id: See `user_id`.
        content_type: Of what is sent and accepted.
        retry_writes: False to repeat requests that are not idempotent only if they were surely not carried out.
        auth_kwargs: `auth_type` and what it needs: `grant_client_id`, `grant_client_secret`, `byo_token`,
            `client_cert`, `client_key`, `server_cert`.

    Raises:
        ValueError: A credential is missing or no credential, or a setting is out of range.
        OSError: A file cannot be read.
        TypeError: An argument is unknown.
    """

    _executor: Any
    _registry_kind: Any

    def __init__(
        self,
        registry_url: str,
        proxies: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        backoff_strategy: Mapping[str, Any] | None = None,
        adapters: Iterable[tuple[str, Any]] | None = None,
        request_timeout: float | None = None,
        model_resolution: Any = None,
        correlation_id: str | None = None,
        user_id: str | None = None,
        application_id: str | None = None,
        content_type: str | None = None,
        *,
        retry_writes: bool = True,
        **auth_kwargs: Any,
    ) -> None:
        timeout = timeout_of(request_timeout)
        settings: dict[str, Any] = {"request_timeout": timeout, **auth_kwargs}
        auth = self._auth = AuthFactory.create(**settings)
        auth.check()
        auth.register_adapters(adapters)
        self._http = self._executor(
            auth,
            proxies=proxies,
            user_agent=user_agent,
            request_timeout=timeout,
            backoff_strategy=backoff_strategy,
            correlation_id=correlation_id,
            user_id=user_id,
            application_id=application_id,
            content_type=content_type,
            retry_writes=retry_writes,
        )
        self.user_id = self._http.user_id
        self.application_id = self._http.application_id
        self._descriptors = Descriptors() if model_resolution else None
        self._services: dict[str, Any] = {}
        self._registry = self._registry_kind(registry_url, self._http, self._learn)
        self._start()

    def _start(self) -> None:
        """Fetch what is to be fetched at once."""

    def _learn(self, services: Mapping[str, RegisteredService]) -> None:
        """The registry says where tokens are had from."""
        auth = self._auth
        if isinstance(auth, ClientGrantAuth):
            identity = services.get("identity")
            if identity is None:
                raise UnknownService("the registry has no service 'identity', where access tokens are had from")
            auth.token_url = f"{identity.location}/oauth/token"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._registry.registry_url}>"


class Client(_Settings, Closing):
    """A client whose calls return results; it reads the registry when it is made.

    Its services are its attributes, and its items: `client.metadata.contents`.
    """

    _executor = HttpExecutor
    _registry_kind = Registry
    _http: HttpExecutor
    _registry: Registry
    _services: dict[str, ServiceProxy]

    def _start(self) -> None:
        self._auth.init_session()

    def __getattr__(self, name: str) -> ServiceProxy:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=None)
        return self[name]

    def __getitem__(self, name: str) -> ServiceProxy:
        self._registry.service(name)
        if name not in self._services:
            service = ServiceProxy(self._http, NamedService(name, self._registry), self._descriptors)
            self._services.setdefault(name, service)
        return self._services[name]

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._http.close()


class AsyncClient(_Settings, AsyncClosing):
    """A client whose calls are awaited; it reads the registry at its first call, or in `async with`."""

    _executor = AsyncHttpExecutor
    _registry_kind = AsyncRegistry
    _http: AsyncHttpExecutor
    _registry: AsyncRegistry
    _services: dict[str, AsyncServiceProxy]

    def __getattr__(self, name: str) -> AsyncServiceProxy:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=None)
        return self[name]

    def __getitem__(self, name: str) -> AsyncServiceProxy:
        if self._registry.is_loaded:
            self._registry.service(name)
        if name not in self._services:
            service = AsyncServiceProxy(self._http, NamedService(name, self._registry), self._descriptors)
            self._services.setdefault(name, service)
        return self._services[name]

    async def aclose(self) -> None:
        """Close the connections, those of the running event loop included."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        await self._http.run(self._registry.loaded())
        return self
