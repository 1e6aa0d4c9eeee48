"""What an `AsyncClient` hands out at once, and what may nevertheless be awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any, Self

from kinto_http.answers import Json
from restwright.drivers import AsyncPages
from restwright.plan import Page


class AwaitableStr(str):
    """Text that may be awaited, for callers from the days when it had to be."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, str]:
        return str(self)
        yield


class PageBodies:
    """The bodies of pages: `async for`, or awaited for all of them."""

    def __init__(self, pages: AsyncPages[Json]) -> None:
        self._pages = pages

    def __aiter__(self) -> AsyncIterator[Json]:
        return _Bodies(self._pages.pages())

    def __await__(self) -> Generator[Any, Any, Iterator[Json]]:
        return self._all().__await__()

    async def _all(self) -> Iterator[Json]:
        return iter([body async for body in self])


class _Bodies:
    def __init__(self, pages: AsyncIterator[Page[Json]]) -> None:
        self._pages = pages

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Json:
        return {"data": (await anext(self._pages)).items}
