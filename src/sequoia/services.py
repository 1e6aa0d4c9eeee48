"""Services, which only the registry knows the names of."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from sequoia.descriptors import Descriptors
from sequoia.endpoints import (
    AsyncBusinessEndpointProxy,
    AsyncResourceEndpointProxy,
    BusinessEndpointProxy,
    ResourceEndpointProxy,
)
from sequoia.operations import Located

ResourceT = TypeVar("ResourceT", ResourceEndpointProxy, AsyncResourceEndpointProxy)
BusinessT = TypeVar("BusinessT", BusinessEndpointProxy, AsyncBusinessEndpointProxy)


class _Service(Generic[ResourceT, BusinessT]):
    """A service; its resources are its attributes, and its items."""

    _resource: ClassVar[Any]
    _business: ClassVar[Any]

    def __init__(self, http: Any, service: Located, model_resolution: Any = None) -> None:
        self._http = http
        self._service = service
        self._descriptors = model_resolution
        if model_resolution and not isinstance(model_resolution, Descriptors):
            self._descriptors = Descriptors()
        self._endpoints: dict[str, ResourceT] = {}

    def business(self, path_template: str) -> BusinessT:
        """An endpoint that is no resource.

        Args:
            path_template: Its path below the service, with `$service`, `$owner`, `$ref`, `$params` or other names.
        """
        endpoint: BusinessT = self._business(self._http, self._service, path_template)
        return endpoint

    def __getattr__(self, name: str) -> ResourceT:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=None)
        return self._endpoint(name)

    def __getitem__(self, name: str) -> Any:
        return self.business if name == "business" else self._endpoint(name)

    def _endpoint(self, name: str) -> ResourceT:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            made: ResourceT = self._resource(self._http, self._service, name, descriptors=self._descriptors or None)
            endpoint = self._endpoints.setdefault(name, made)
        return endpoint

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._service!r}>"


class ServiceProxy(_Service[ResourceEndpointProxy, BusinessEndpointProxy]):
    """A service of a blocking client."""

    _resource = ResourceEndpointProxy
    _business = BusinessEndpointProxy
    _service_models: ClassVar[dict[Any, Any]] = {}
    """For programs that empty it; the descriptors that are known are with each client."""


class AsyncServiceProxy(_Service[AsyncResourceEndpointProxy, AsyncBusinessEndpointProxy]):
    """A service of an awaited client."""

    _resource = AsyncResourceEndpointProxy
    _business = AsyncBusinessEndpointProxy
