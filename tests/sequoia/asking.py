"""What tests need beside the services of the sandbox: clients of theirs, and what these asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from restwright.sandbox.journal import Asked
from restwright.sandbox.sequoia import SequoiaService
from sequoia.client import AsyncClient, Client

CONTENTS = "metadata/contents"
DOMAIN = "sequoia.piksel.com"
TOKEN = "identity/oauth/token"
LOGIN = {"grant_client_id": "clientId", "grant_client_secret": "clientSecret"}


def new_client(sequoia: SequoiaService, **settings: Any) -> Client:
    return Client(sequoia.registry_url, **{**LOGIN, **settings})


def new_async_client(sequoia: SequoiaService, **settings: Any) -> AsyncClient:
    return AsyncClient(sequoia.registry_url, **{**LOGIN, **settings})


def add(sequoia: SequoiaService, kind: str, *documents: dict[str, Any]) -> None:
    """Store resources of the owner `o` in the service metadata."""
    sequoia.load("metadata", kind, documents, owner="o")


def asked(sequoia: SequoiaService, start: str = "metadata/") -> list[Asked]:
    """The requests to endpoints whose names begin so, in order."""
    return [one for one in sequoia.requests if one.endpoint.startswith(start)]


def tokens(requests: list[Asked]) -> list[int | None]:
    """By which of the tokens, from 1 in the order in which they were first seen; None for those without one."""
    fields = [one.headers.get("authorization") for one in requests]
    known = [*dict.fromkeys(field for field in fields if field is not None)]
    return [None if field is None else known.index(field) + 1 for field in fields]


def query(request: Asked) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.target).query, keep_blank_values=True)


def names(pages: Any) -> list[list[str]]:
    """Of the resources of each page."""
    return [[item["name"] for item in page.resources] for page in pages]


def each(lists: Any) -> Iterator[dict[str, Any]]:
    """The resources of all lists."""
    return (item for one in lists for item in one)
