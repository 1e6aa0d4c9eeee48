"""What both type checkers must see of the Keystone clients.  Nothing in here runs."""

from __future__ import annotations

from typing import Any, assert_type

import requests

from keystone_client import AsyncKeystoneClient, KeystoneClient
from restwright import where


def blocking(client: KeystoneClient) -> None:
    assert_type(client.create_cluster(name="c1"), dict[str, Any])
    assert_type(client.retrieve_cluster(), list[dict[str, Any]])
    assert_type(client.retrieve_cluster(filters=where("id") >= 1, order=["name"]), list[dict[str, Any]])
    assert_type(client.retrieve_cluster(pk=1), dict[str, Any] | None)
    assert_type(client.update_cluster(1, {"name": "c2"}), dict[str, Any])
    assert_type(client.http_get("version"), requests.Response)
    client.delete_cluster(1, raise_not_exists=True)
    for record in client.iterate_cluster(search="x"):
        assert_type(record, dict[str, Any])
    with client.batch() as batch:
        made = batch.create_team(name="t")
    assert_type(made.result(), dict[str, Any])


async def awaited(client: AsyncKeystoneClient) -> None:
    assert_type(await client.create_cluster(name="c1"), dict[str, Any])
    assert_type(await client.retrieve_cluster(), list[dict[str, Any]])
    assert_type(await client.retrieve_cluster(pk=1), dict[str, Any] | None)
    assert_type(await client.is_authenticated(), bool)
    async for record in client.iterate_cluster():
        assert_type(record, dict[str, Any])


def misuse(client: KeystoneClient) -> None:
    client.delete_cluster()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.update_cluster("1", data=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.retrieve_cluster(pk=1, order="x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    client.login("user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
