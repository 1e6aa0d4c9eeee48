"""Endpoints, which exist only at run time: of a resource, or of a path that is no resource."""

from __future__ import annotations

import uuid
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from restwright.operation import AsyncMode, SyncMode
from restwright.plan import Operation
from sequoia.descriptors import Descriptors
from sequoia.http import AsyncHttpExecutor, Executor, HttpExecutor
from sequoia.operations import BusinessOperations, Located, Place, ResourceOperations, check_reference
from sequoia.paging import AsyncPageBrowser, PageBrowser

T = TypeVar("T")
BrowserT = TypeVar("BrowserT", PageBrowser, AsyncPageBrowser)


class GenericEndpointProxy:
    """Base of all endpoints."""

    http: Any = None

    @staticmethod
    def _build_correlation_id(user_id: str | None = None, application_id: str | None = None) -> str | None:
        """A new id for an operation of a user and an application; None without both."""
        return f"{user_id}/{application_id}/{uuid.uuid4()}" if user_id and application_id else None


class ResourceEndpoint(GenericEndpointProxy, Generic[BrowserT]):
    """A resource of a service, in one of the modes."""

    _browser: ClassVar[Any]

    def __init__(
        self,
        http: Any,
        service: Located,
        resource: str,
        descriptor: Mapping[str, Any] | None = None,
        *,
        descriptors: Descriptors | None = None,
    ) -> None:
        self.http: Any = http
        self.service = service
        self.resource = resource
        if descriptor is not None:
            descriptors = Descriptors({service.location: descriptor})
        self.place = Place(http, service, resource, descriptors)
        self.operations = ResourceOperations(self.place)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.service.location}/data/{self.resource}"

    def browse(
        self,
        owner: str | None,
        criteria: Any = None,
        fields: str | Iterable[str] | None = None,
        query_string: str | None = None,
        prefetch_pages: int = 1,
        retry_when_empty_result: Any = None,
        backoff_strategy: Mapping[str, Any] | None = None,
        *,
        keep_pages: bool = False,
    ) -> BrowserT:
        """The resources of an owner, page by page.

        Args:
            owner: Whose they are.
            criteria: Which ones: `Criteria()`, or criteria of `restwright.where`.
            fields: Only these fields of them.
            query_string: A query that is put in front, as it is, such as `continue=true&perPage=2`.
            prefetch_pages: How many pages to fetch at once, and to keep; 0 for none until one is needed.
            retry_when_empty_result: Ask again as long as resources are missing in an answer: True for all that were
                asked for, the main ones and the linked ones, or a dict of name to bool.  When the strategy ends, the
                last answer counts.
            backoff_strategy: How each request is repeated, in place of the client's strategy.
            keep_pages: Keep all pages, so that a second loop asks for none again.

        Raises:
            UnsupportedCriteria: Sequoia has no way to say one of the criteria.
            RequestError: The first page cannot be had; as for later ones, the loop raises it.
        """
        params: dict[str, Any] = {"owner": owner}
        names = fields if isinstance(fields, str) else ",".join(sorted(map(str, fields or ())))
        if names:
            params["fields"] = names
        browser: BrowserT = self._browser(
            self,
            self.resource,
            criteria,
            query_string,
            params,
            prefetch_pages,
            retry_when_empty_result,
            backoff_strategy,
            keep_pages=keep_pages,
        )
        return browser

    @staticmethod
    def validate_reference_to_update_with_json_reference(json: Mapping[str, Any], ref: str) -> None:
        """Is the document that of the reference?

        Raises:
            ReferencesMismatchException: It is not, or lacks `ref`, `owner` or `name`.
        """
        check_reference(json, ref)

    def _described(self) -> Operation[Mapping[str, Any] | None]:
        descriptors = self.place.descriptors
        if descriptors is None:
            return None
        service = yield from self.service.located()
        return (yield from descriptors.descriptor(self.place.http, service.location))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.resource} of {self.service!r}>"


class ResourceEndpointProxy(ResourceEndpoint[PageBrowser], SyncMode, ResourceOperations):
    """A resource of a service; calls return results."""

    _browser = PageBrowser
    http: HttpExecutor

    def run(self, plan: Operation[T]) -> T:
        """Drive a plan to its end."""
        return self.http.run(plan)

    @property
    def descriptor(self) -> Mapping[str, Any] | None:
        """What the service says about its resources; None unless models are resolved."""
        return self.http.run(self._described())


class AsyncResourceEndpointProxy(ResourceEndpoint[AsyncPageBrowser], AsyncMode, ResourceOperations):
    """A resource of a service; calls are awaited."""

    _browser = AsyncPageBrowser
    http: AsyncHttpExecutor

    def run(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """Drive a plan to its end."""
        return self.http.run(plan)

    @property
    def descriptor(self) -> Coroutine[Any, Any, Mapping[str, Any] | None]:
        """What the service says about its resources, to be awaited; None unless models are resolved."""
        return self.http.run(self._described())


class _BusinessEndpoint(GenericEndpointProxy):
    """A path below a service."""

    def __init__(self, http: Executor, service: Located, path_template: str) -> None:
        self.http: Any = http
        self.service = service
        self.path_template = path_template
        self.operations = BusinessOperations(http, service, path_template)

    @property
    def url(self) -> str:
        """Where the service is."""
        return self.service.location

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path_template} of {self.service!r}>"


class BusinessEndpointProxy(_BusinessEndpoint, SyncMode, BusinessOperations):
    """A path below a service; calls return results."""

    def run(self, plan: Operation[T]) -> T:
        """Drive a plan to its end."""
        http: HttpExecutor = self.http
        return http.run(plan)


class AsyncBusinessEndpointProxy(_BusinessEndpoint, AsyncMode, BusinessOperations):
    """A path below a service; calls are awaited."""

    def run(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """Drive a plan to its end."""
        http: AsyncHttpExecutor = self.http
        return http.run(plan)
