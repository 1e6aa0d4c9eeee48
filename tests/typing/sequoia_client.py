"""What both type checkers must see of the Sequoia clients, whose services and resources exist only at run time."""

from __future__ import annotations

from typing import Any, assert_type

from restwright import where
from sequoia.client import AsyncClient, AsyncPageBrowser, Client, HttpResponse, PageBrowser


def blocking(client: Client) -> None:
    endpoint = client.metadata.contents
    assert_type(endpoint.read("o", "o:c1"), HttpResponse)
    assert_type(client["metadata"].contents.update("o", [], "o:c1", 1), HttpResponse)
    assert_type(endpoint.browse("o", where("a") == 1), PageBrowser)
    for page in endpoint.browse("o"):
        assert_type(page, HttpResponse)
    for assets in endpoint.browse("o").linked("assets"):
        assert_type(assets, list[dict[str, Any]])
    assert_type(client.workflow.business("/x").browse("s", ref="r"), HttpResponse)
    assert_type(client._http.get("https://h"), HttpResponse)  # pyright: ignore[reportPrivateUsage]
    endpoint.read(owner="o")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def awaited(client: AsyncClient) -> None:
    endpoint = client.metadata.contents
    assert_type(await endpoint.read("o", "o:c1"), HttpResponse)
    assert_type(await client["metadata"].contents.store("o", {}), HttpResponse)
    assert_type(endpoint.browse("o"), AsyncPageBrowser)
    async for page in endpoint.browse("o"):
        assert_type(page, HttpResponse)
    async for assets in endpoint.browse("o").linked("assets"):
        assert_type(assets, list[dict[str, Any]])
    assert_type(await client.workflow.business("/x").browse("s"), HttpResponse)
    unawaited: HttpResponse = endpoint.read("o", "o:c1")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    del unawaited
