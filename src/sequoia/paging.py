"""Browsing: page after page, and the linked resources of each page.

One plan walks from page to page.  The pages that were fetched beforehand are kept, and all of them if asked for;
what comes after is fetched as it is consumed, and anew by each loop.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

import requests

from restwright.message import Origin, Request, is_absolute, join
from restwright.plan import Listing, Operation, Page
from sequoia.criteria._criteria import as_criteria
from sequoia.error import RequestError
from sequoia.http import AsyncHttpExecutor, Call, HttpExecutor
from sequoia.models import ResponseBuilder
from sequoia.raw_requests import params_of
from sequoia.response import HttpResponse
from sequoia.routing import is_same_origin
from sequoia.util import member

if TYPE_CHECKING:
    from sequoia import endpoints

EndpointT = TypeVar("EndpointT", bound="endpoints.ResourceEndpoint[Any]")
BrowserT = TypeVar("BrowserT", bound="_Browser[Any]")
Resource = dict[str, Any]


class _Browser(Generic[EndpointT]):
    """What both browsers are.

    Args:
        endpoint: Whose resources.
        resource_name: Their name in the answer.
        criteria: Which ones, and which related ones with them.
        query_string: A query that is put in front, as it is.
        params: Query parameters.
        prefetch_pages: How many pages to fetch at once, and to keep; the first one is kept anyway.
        retry_when_empty_result: Ask again as long as an answer lacks resources.
        backoff_strategy: How each request is repeated, in place of the client's strategy.
        keep_pages: Keep all pages, so that a second loop asks for none again.
    """

    def __init__(
        self,
        endpoint: EndpointT,
        resource_name: str | None = None,
        criteria: Any = None,
        query_string: str | None = None,
        params: Mapping[str, Any] | None = None,
        prefetch_pages: int = 1,
        retry_when_empty_result: Any = None,
        backoff_strategy: Mapping[str, Any] | None = None,
        *,
        keep_pages: bool = False,
    ) -> None:
        if not isinstance(prefetch_pages, int):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all are typed
            raise TypeError(f"prefetch_pages is a number of pages, got {prefetch_pages!r}")
        if query_string is not None and not isinstance(query_string, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"query_string is a text such as 'continue=true&perPage=2', got {query_string!r}")
        self._endpoint = endpoint
        self.http: Any = endpoint.http
        self._resource = resource_name or endpoint.resource
        self._criteria = None if criteria is None else as_criteria(criteria)
        self.query_string = query_string and query_string.lstrip("?&")
        given = dict(params or {})
        self._owner = given.get("owner")
        if self._criteria is not None:
            given |= self._criteria.get_criteria_params()
        asked = _query(self.query_string) if self.query_string else {}
        if "owner" in asked:
            self._owner = asked["owner"]
            given.pop("owner", None)
        self.params = dict(params_of(given))
        included = tuple(name for name in (self.params.get("include") or asked.get("include", "")).split(",") if name)
        self.response_builder: ResponseBuilder | None = None
        self.next_url: str | None = None
        self._prefetch = prefetch_pages
        self._most_kept = None if keep_pages else max(1, prefetch_pages)
        self._kept: list[HttpResponse] = []
        self._lock = threading.Lock()
        builds = None if endpoint.place.descriptors is None else self._build
        self._call = endpoint.place.http.call(
            self._resource, backoff_strategy, retry_when_empty_result, included, model_builder=builds
        )
        self._start()

    def _start(self) -> None:
        """Fetch what is to be fetched at once."""

    @property
    def url(self) -> str:
        """Where the first page is, without its parameters."""
        url: str = self._endpoint.url
        return f"{url}?{self.query_string}" if self.query_string else url

    def plan(self) -> Listing[HttpResponse]:
        """The pages."""
        walk = _Walk(self)
        while (page := (yield from walk.next())) is not None:
            yield Page([page], walk.has_more)

    def fetching(self, pages: int) -> Operation[None]:
        """The plan of fetching the first pages, to keep them."""
        walk = _Walk(self)
        while pages > 0 and (yield from walk.next()) is not None:
            pages -= 1

    def linked_plan(self, resource: str) -> Listing[list[Resource]]:
        """The linked resources of each page, and what comes after them: lists of them."""
        walk = _Walk(self)
        while (page := (yield from walk.next())) is not None:
            items = linked_of(page, resource)
            if items:
                yield Page([items], has_more=True)
            for query in open_queries(page, resource):
                yield from self._further(resource, query)

    def _further(self, resource: str, query: str) -> Listing[list[Resource]]:
        params = {} if self._owner is None or "owner" in _query(query) else {"owner": str(self._owner)}
        place = self._endpoint.place
        service = yield from place.service.located()
        shared = self._call
        call = Call(shared.repeat.about(resource), shared.correlation_id, resource)
        first = Request("GET", f"{service.location}/data/{resource}?{query}", params)
        walk = _Walk(None, self, first, call)
        while (page := (yield from walk.next())) is not None:
            items = member(_mapping(page.data), resource)
            if items:
                yield Page([items], has_more=True)

    def first_request(self) -> Operation[Request]:
        """The request for the first page."""
        place = self._endpoint.place
        service = yield from place.service.located()
        if place.descriptors is not None and self.response_builder is None:
            descriptor = yield from place.descriptors.descriptor(place.http, service.location)
            if descriptor is not None:
                self.response_builder = ResponseBuilder(descriptor, self._criteria)
        query = f"?{self.query_string}" if self.query_string else ""
        return Request("GET", f"{service.location}/data/{place.resource}{query}", self.params)

    def keep(self, page: HttpResponse, index: int) -> None:
        """Keep a page, if it is one to be kept."""
        with self._lock:
            if len(self._kept) == index and (self._most_kept is None or index < self._most_kept):
                self._kept.append(page)

    def kept(self, index: int) -> HttpResponse | None:
        """The page that was kept under this number."""
        return self._kept[index] if index < len(self._kept) else None

    def ask(self, request: Request, call: Call | None) -> Operation[HttpResponse]:
        """One page."""
        return self._endpoint.place.http.ask(request, call or self._call)

    def link_url(self, page: HttpResponse) -> str | None:
        """The URL of the page after this one; None if it is the last.

        Raises:
            RequestError: It is at another origin, where credentials must not go.
        """
        meta = _mapping(_mapping(page.data).get("meta"))
        link = meta.get("next") or meta.get("continue")
        if not link:
            return None
        location: str = self._endpoint.place.service.location
        if not isinstance(link, str):
            raise RequestError(f"The link to the next page is not a text: {link!r:.80}")
        if not is_absolute(link):
            return join(location, link)
        try:
            is_near = is_same_origin(link, location)
        except requests.RequestException as error:
            raise RequestError(f"The link to the next page leads nowhere: {error}", error) from error
        if not is_near:
            raise RequestError(f"The link to the next page leads away from {location}, to {Origin.of(link)}")
        return link

    def _build(self, document: Any, resource_name: str) -> Any:
        return None if self.response_builder is None else self.response_builder.build(document, resource_name)

    def _first_kept(self, name: str) -> HttpResponse:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_call" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=None)
        return getattr(self._first_kept(name), name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._resource}>"


class PageBrowser(_Browser["endpoints.ResourceEndpointProxy"]):
    """The pages of a collection, fetched as they are consumed; what it has not itself, its first page has."""

    http: HttpExecutor

    def _start(self) -> None:
        if self._prefetch > 0:
            self.http.run(self.fetching(self._prefetch))

    def __iter__(self) -> Iterator[HttpResponse]:
        return iter(self.http.pages(self.plan))

    def linked(self, resource: str) -> LinkedResourcesPageBrowser:
        """The linked resources of all pages, in lists."""
        return LinkedResourcesPageBrowser(self._endpoint, self, resource, self._owner)

    def _first_kept(self, name: str) -> HttpResponse:  # noqa: ARG002  # it is there, whatever it is wanted for
        if not self._kept:
            self.http.run(self.fetching(1))
        return self._kept[0]


class AsyncPageBrowser(_Browser["endpoints.AsyncResourceEndpointProxy"]):
    """The pages of a collection, for `async for`; awaited, it fetches its first page and then also behaves as that."""

    http: AsyncHttpExecutor

    def __aiter__(self) -> AsyncIterator[HttpResponse]:
        return aiter(self.http.pages(self.plan))

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._fetched().__await__()

    async def _fetched(self) -> Self:
        if not self._kept:
            await self.http.run(self.fetching(max(1, self._prefetch)))
        return self

    def linked(self, resource: str) -> AsyncLinkedResourcesPageBrowser:
        """The linked resources of all pages, in lists."""
        return AsyncLinkedResourcesPageBrowser(self._endpoint, self, resource, self._owner)

    def _first_kept(self, name: str) -> HttpResponse:
        if not self._kept:
            raise AttributeError(f"{name!r} is of the first page, which is not there yet: `await endpoint.browse(...)`")
        return self._kept[0]


class _Linked(Generic[BrowserT]):
    """Linked resources of the pages of a browser."""

    def __init__(self, endpoint: Any, main_page_browser: BrowserT, resource: str, owner: str | None) -> None:
        self.endpoint = endpoint
        self.resource = resource
        self.owner = owner
        self._browser = main_page_browser

    def plan(self) -> Listing[list[Resource]]:
        """Lists of them."""
        return self._browser.linked_plan(self.resource)

    @property
    def resources(self) -> list[Resource] | None:
        """Those that came with the first page; None if it has none."""
        linked = _mapping(self._browser.data).get("linked")
        found: list[Resource] | None = member(_mapping(linked), self.resource)
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.resource}>"


class LinkedResourcesPageBrowser(_Linked[PageBrowser]):
    """The linked resources of all pages, in lists, fetched as they are consumed."""

    def __iter__(self) -> Iterator[list[Resource]]:
        return iter(self._browser.http.pages(self.plan))


class AsyncLinkedResourcesPageBrowser(_Linked[AsyncPageBrowser]):
    """The linked resources of all pages, in lists, for `async for`; awaited, it fetches the first page."""

    def __aiter__(self) -> AsyncIterator[list[Resource]]:
        return aiter(self._browser.http.pages(self.plan))

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._fetched().__await__()

    async def _fetched(self) -> Self:
        await self._browser
        return self


class _Walk:
    """A way from page to page; it takes those that the browser keeps, and fetches the others.

    Args:
        keeper: The browser whose pages these are; None if none are kept.
        browser: That which asks, if it is not the keeper.
        first: The request for the first page, if it is not the keeper's.
        call: The operation, if it is not the browser's.
    """

    def __init__(
        self,
        keeper: _Browser[Any] | None,
        browser: _Browser[Any] | None = None,
        first: Request | None = None,
        call: Call | None = None,
    ) -> None:
        self._keeper = keeper
        self._browser = cast("_Browser[Any]", browser or keeper)
        self._first = first
        self._call = call
        self._index = 0
        self._link: str | None = None
        self._seen: tuple[str | None, int] = (None, 1)

    @property
    def has_more(self) -> bool:
        """Is there a page after this one?"""
        return self._link is not None

    def next(self) -> Operation[HttpResponse | None]:
        """The next page; None after the last."""
        keeper, index = self._keeper, self._index
        if index and self._link is None:
            return None
        page = None if keeper is None else keeper.kept(index)
        if page is None:
            page = yield from self._browser.ask((yield from self._request()), self._call)
            if keeper is not None:
                keeper.keep(page, index)
        self._index += 1
        self._link = self._browser.link_url(page)
        if keeper is not None:
            keeper.next_url = self._link
        self._refuse_circles()
        return page

    def _request(self) -> Operation[Request]:
        if self._link is not None:
            return Request("GET", self._link)
        return (yield from self._browser.first_request()) if self._first is None else self._first

    def _refuse_circles(self) -> None:
        """Compare with one link of before, of which the distance doubles: enough to find any circle (Brent)."""
        before, steps = self._seen
        if self._link is not None and self._link == before:
            raise RequestError(f"The links to next pages lead in a circle: {self._link}")
        if self._index == steps:
            self._seen = (self._link, 2 * steps)


def linked_of(page: HttpResponse, resource: str) -> list[Resource] | None:
    """The linked resources of a page."""
    found: list[Resource] | None = member(_mapping(_mapping(page.data).get("linked")), resource)
    return found


def open_queries(page: HttpResponse, resource: str) -> list[str]:
    """The queries that lead on from the linked resources of a page: those that the service has not followed itself."""
    linked = _mapping(_mapping(_mapping(page.data).get("meta")).get("linked"))
    fetches = [_mapping(each) for each in member(linked, resource) or ()]
    followed = {_token(str(fetch["request"])) for fetch in fetches if fetch.get("request")}
    queries: dict[str, str] = {}
    for link in (str(fetch["continue"]) for fetch in fetches if fetch.get("continue")):
        token = _token(link)
        if token not in followed:
            queries.setdefault(token, link.partition("?")[2])
    return list(queries.values())


def _token(link: str) -> str:
    """What tells a fetch from others: its token, and what it filters by; nothing more of it need be the same."""
    query = _query(link.partition("?")[2])
    token = {name: value for name, value in query.items() if name == "continue" or name.startswith("with")}
    return urlencode(sorted((token if "continue" in token else query).items()))


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
