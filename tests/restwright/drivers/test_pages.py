"""Listings: lazy, restartable, in constant memory, and gone when left early; blocking and awaited."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Iterator

import pytest

from restwright import Listing, Page, Request, Response, Wait, fetch
from restwright.drivers import AsyncPages, Pages
from restwright.errors import NotFound, ReadTimeout
from restwright.plan import exchange, under


class Service:
    """So many pages of two numbers each."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.open = 0

    def send(self, request: Request) -> Response:
        self.asked.append(request.url)
        number = int(request.url)
        if number >= self.pages:
            return Response(404)
        return Response(200, json=[2 * number, 2 * number + 1], headers={"Page": request.url})

    async def send_async(self, request: Request) -> Response:
        await asyncio.sleep(0)
        return self.send(request)

    def numbers(self, *, first: int = 0) -> Listing[int]:
        self.open += 1
        try:
            for number in range(first, self.pages):
                response = yield from fetch(Request("GET", str(number)))
                yield Page(response.json(), has_more=number + 1 < self.pages, headers=response.headers)
        finally:
            self.open -= 1


async def listed(pages: AsyncPages[int]) -> list[int]:
    return [item async for item in pages]


def test_items_and_pages_in_order():
    service = Service(3)
    pages = Pages(service.send, service.numbers)
    assert list(pages) == [0, 1, 2, 3, 4, 5]
    assert [(page.items, page.has_more, page.headers["Page"]) for page in pages.pages()] == [
        ([0, 1], True, "0"),
        ([2, 3], True, "1"),
        ([4, 5], False, "2"),
    ]


def test_items_and_pages_in_order_awaited():
    service = Service(3)
    pages = AsyncPages(service.send_async, service.numbers)

    async def main() -> None:
        assert await listed(pages) == [0, 1, 2, 3, 4, 5]
        assert [page.items async for page in pages.pages()] == [[0, 1], [2, 3], [4, 5]]

    asyncio.run(main())


def test_pages_are_asked_for_as_they_are_consumed():
    service = Service(3)
    pages = Pages(service.send, service.numbers)
    assert service.asked == []
    items = iter(pages)
    assert service.asked == []
    assert [next(items), next(items)] == [0, 1]
    assert service.asked == ["0"]
    assert next(items) == 2
    assert service.asked == ["0", "1"]


def test_pages_are_asked_for_as_they_are_consumed_awaited():
    service = Service(3)

    async def main() -> None:
        items = aiter(AsyncPages(service.send_async, service.numbers))
        assert service.asked == []
        assert [await anext(items), await anext(items)] == [0, 1]
        assert service.asked == ["0"]
        assert await anext(items) == 2
        assert service.asked == ["0", "1"]

    asyncio.run(main())


def test_each_loop_begins_anew():
    service = Service(2)
    pages = Pages(service.send, service.numbers)
    assert list(pages) == list(pages) == [0, 1, 2, 3]
    assert service.asked == ["0", "1", "0", "1"]
    assert list(zip(pages, pages, strict=True)) == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_each_loop_begins_anew_awaited():
    service = Service(2)
    pages = AsyncPages(service.send_async, service.numbers)

    async def main() -> None:
        assert await listed(pages) == await listed(pages) == [0, 1, 2, 3]

    asyncio.run(main())


def test_an_empty_listing_and_empty_pages():
    def empty() -> Listing[int]:
        yield Page([])
        yield Page([1])
        yield Page([])

    service = Service(0)
    assert list(Pages(service.send, service.numbers)) == []
    assert list(Pages(service.send, empty)) == [1]
    assert asyncio.run(listed(AsyncPages(service.send_async, service.numbers))) == []
    assert asyncio.run(listed(AsyncPages(service.send_async, empty))) == [1]


def test_leaving_early_leaves_nothing_behind():
    service = Service(3)
    for _ in Pages(service.send, service.numbers):
        assert service.open == 1
        break
    assert service.open == 0
    assert service.asked == ["0"]


def test_leaving_early_leaves_nothing_behind_awaited():
    service = Service(3)

    async def main() -> None:
        asyncgens = asyncio.get_running_loop()._asyncgens  # type: ignore[attr-defined]
        async for _ in AsyncPages(service.send_async, lambda: under(exchange, service.numbers())):
            assert service.open == 1
            break
        assert service.open == 0
        async for _ in AsyncPages(service.send_async, service.numbers).pages():
            break
        assert service.open == 0
        assert len(asyncgens) == 0
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_an_error_ends_the_loop_and_closes_the_plan():
    service = Service(3)

    def numbers() -> Listing[int]:
        yield from service.numbers()
        yield from fetch(Request("GET", "99"))

    with pytest.raises(NotFound):
        list(Pages(service.send, numbers))
    with pytest.raises(NotFound):
        asyncio.run(listed(AsyncPages(service.send_async, numbers)))
    assert service.open == 0


def flaky(failing: str) -> tuple[Service, Listing[int]]:
    service = Service(3)

    def numbers() -> Listing[int]:
        for number in range(3):
            try:
                response = yield Request("GET", str(number))
            except ReadTimeout:
                yield Wait(0.0)
                response = yield Request("GET", str(number))
            yield Page(response.json())

    once = [failing]
    whole = service.send

    def send(request: Request) -> Response:
        if request.url in once:
            once.remove(request.url)
            raise ReadTimeout("late")
        return whole(request)

    service.send = send  # type: ignore[method-assign]
    return service, numbers()


def test_a_listing_may_recover_from_an_error():
    service, plan = flaky("1")
    assert list(Pages(service.send, lambda: plan)) == [0, 1, 2, 3, 4, 5]
    service, plan = flaky("1")
    assert asyncio.run(listed(AsyncPages(service.send_async, lambda: plan))) == [0, 1, 2, 3, 4, 5]


def test_a_cancelled_page_closes_its_plan():
    service = Service(3)

    async def never(_: Request) -> Response:
        await asyncio.sleep(60)
        raise AssertionError

    async def main() -> None:
        items = aiter(AsyncPages(never, service.numbers))

        async def first() -> int:
            return await anext(items)

        task = asyncio.create_task(first())
        await asyncio.sleep(0)
        assert service.open == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert service.open == 0
        with pytest.raises(StopAsyncIteration):
            await anext(items)

    asyncio.run(main())


PAGES = 10_000


def depth() -> int:
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1  # type: ignore[assignment]
    return count


class Endless:
    """Pages without content of their own, and a watch on the stack that asks for them."""

    def __init__(self) -> None:
        self.depths: set[int] = set()

    def send(self, request: Request) -> Response:
        self.depths.add(depth())
        return Response(200, content=b"x" * 1000)

    async def send_async(self, request: Request) -> Response:
        return self.send(request)

    def numbers(self) -> Listing[int]:
        for number in range(PAGES):
            yield from fetch(Request("GET", str(number)))
            yield Page([number])


def watched(numbers: Iterator[int]) -> int:
    """Bytes by which memory grew from the hundredth page to the last."""
    gc.collect()
    tracemalloc.start()
    try:
        for number in numbers:
            if number == 100:
                early = tracemalloc.get_traced_memory()[0]
        return tracemalloc.get_traced_memory()[0] - early
    finally:
        tracemalloc.stop()


def test_ten_thousand_pages_deepen_no_stack_and_hold_no_memory():
    service = Endless()
    grown = watched(iter(Pages(service.send, lambda: under(exchange, service.numbers()))))
    assert len(service.depths) == 1
    assert grown < 50_000


def test_ten_thousand_pages_deepen_no_stack_and_hold_no_memory_awaited():
    service = Endless()

    async def main() -> int:
        gc.collect()
        tracemalloc.start()
        try:
            async for number in AsyncPages(service.send_async, lambda: under(exchange, service.numbers())):
                if number == 100:
                    early = tracemalloc.get_traced_memory()[0]
            return tracemalloc.get_traced_memory()[0] - early
        finally:
            tracemalloc.stop()

    assert asyncio.run(main()) < 50_000
    assert len(service.depths) == 1
