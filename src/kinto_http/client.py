"""The clients: the same operations, blocking, awaited, or queued for a batch."""

from __future__ import annotations

import logging
from abc import ABCMeta
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Self, TypeVar

import requests

from kinto_http import utils
from kinto_http.answers import Json, mapping_of
from kinto_http.awaiting import AwaitableStr, PageBodies
from kinto_http.batch import BatchSession
from kinto_http.batch_client import AllOperations, BatchClient, Settings
from kinto_http.constants import DO_NOT_OVERWRITE
from kinto_http.decorators import async_client, async_wrap, retry_timeout
from kinto_http.endpoints import Endpoints
from kinto_http.exceptions import BucketNotFound, CollectionNotFound, KintoBatchException, KintoException
from kinto_http.operations import Context
from kinto_http.patch_type import BasicPatch, JSONPatch, MergePatch, PatchType
from kinto_http.running import async_pages_over, drive, drive_async, pages_over
from kinto_http.session import Session, create_session
from restwright.closing import AsyncClosing, Closing
from restwright.drivers import AsyncPages, Pages
from restwright.message import without_credentials
from restwright.operation import AsyncMode, SyncMode
from restwright.plan import Listing, Operation

__all__ = [
    "DO_NOT_OVERWRITE",
    "AllOperations",
    "AsyncClient",
    "BasicPatch",
    "BatchClient",
    "BatchSession",
    "BucketNotFound",
    "Client",
    "CollectionNotFound",
    "Endpoints",
    "JSONPatch",
    "KintoBatchException",
    "KintoClient",
    "KintoException",
    "MergePatch",
    "PatchType",
    "Session",
    "async_client",
    "async_wrap",
    "create_session",
    "requests",
    "retry_timeout",
    "utils",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")
ItemT = TypeVar("ItemT")

DRY_BATCH = 999999
"""Requests in one batch when nothing is sent anyway."""


class _Connected(Settings, metaclass=ABCMeta):
    """A client with a session of its own, from the settings that people give."""

    def __init__(
        self,
        *,
        server_url: str | None = None,
        session: Session | None = None,
        auth: Any = None,
        bucket: str | None = "default",
        collection: str | None = None,
        retry: int = 0,
        retry_after: int | None = None,
        timeout: float | tuple[float | None, float | None] | bool | None = False,
        ignore_batch_4xx: bool = False,
        headers: Mapping[str, str] | None = None,
        dry_mode: bool = False,
    ) -> None:
        """A client of the Kinto server at `server_url`.

        Args:
            server_url: Root of the service, with its version prefix.
            session: A session to share, instead of `server_url` and `auth`.
            auth: A (user, password) pair, a `requests` auth policy, "user:password" or "Bearer token"; it goes to
                the origin of `server_url` only.
            bucket: Id of the bucket that operations are on unless they name another.
            collection: Id of the collection that operations are on unless they name another.
            retry: How often a request is repeated when the server answers 409, 429 or 5xx.
            retry_after: Seconds between repetitions, instead of what the server asks for.
            timeout: Seconds to connect and between bytes of an answer, or a (connect, read) pair; None waits for
                ever.  Unless given: 10 and 60.
            ignore_batch_4xx: Drop the errors of requests in a batch that the server refuses.
            headers: Header fields sent with each request.
            dry_mode: Log requests and send nothing.
        """
        own = create_session(
            server_url=server_url,
            auth=auth,
            session=session,
            retry=retry,
            retry_after=retry_after,
            timeout=timeout,
            headers=headers,
            dry_mode=dry_mode,
        )
        server = without_credentials(str(getattr(own, "server_url", None) or ""))
        super().__init__(own, Context(Endpoints(), bucket, collection, server), ignore_batch_4xx=ignore_batch_4xx)

    def clone(self, **kwargs: Any) -> Self:
        """A copy with some settings changed.

        The session is shared unless one of its own settings (`server_url`, `auth`, `retry`, `retry_after`, `timeout`,
        `headers`, `dry_mode`) is given.
        """
        session = self.session
        places = {
            "bucket": kwargs.pop("bucket", self.bucket_name),
            "collection": kwargs.pop("collection", self.collection_name),
            "ignore_batch_4xx": kwargs.pop("ignore_batch_4xx", self._ignore_batch_4xx),
        }
        if "session" in kwargs or not kwargs.keys() & {"server_url", "auth", *_SESSION_SETTINGS}:
            shared = {"session": session, **kwargs}
            for name in _SESSION_SETTINGS:
                shared.pop(name, None)
            return type(self)(**places, **shared)
        settings = {name: getattr(session, attribute) for name, attribute in _SESSION_SETTINGS.items()}
        settings |= {"server_url": session.server_url, "auth": session.auth}
        copy = type(self)(**places, **{**settings, **kwargs})
        for limit in ("total_timeout", "max_bytes"):  # which only a session that was made by hand has otherwise
            setattr(copy.session, limit, getattr(session, limit))
        return copy

    def _batch_client(self, kwargs: Mapping[str, Any], info: Mapping[str, Any]) -> BatchClient:
        most: Any = mapping_of(info.get("settings")).get("batch_max_requests")
        try:
            most = int(most or 0)
        except (TypeError, ValueError) as error:
            raise KintoException(f"The server takes {most!r} requests in a batch, which is no number") from error
        if getattr(self.session, "dry_mode", False) is True:
            most = DRY_BATCH
        ignore = bool(kwargs.get("ignore_batch_4xx", self._ignore_batch_4xx))
        queue = BatchSession(self, most, ignore, send_full=True)
        context = self.context
        places = Context(
            context.endpoints,
            kwargs.get("bucket", context.bucket),
            kwargs.get("collection", context.collection),
            context.server,
            context.server_info,
            context.timestamps,
        )
        unknown = kwargs.keys() - {"bucket", "collection", "ignore_batch_4xx"}
        if unknown:
            raise TypeError(f"batch() takes bucket, collection and ignore_batch_4xx, got {', '.join(sorted(unknown))}")
        return BatchClient(queue, places, ignore_batch_4xx=ignore)


_SESSION_SETTINGS = {
    "retry": "nb_retry",
    "retry_after": "retry_after",
    "timeout": "timeout",
    "headers": "headers",
    "dry_mode": "dry_mode",
}


class Client(_Connected, SyncMode, Closing):
    """A client whose calls return results."""

    def run(self, plan: Operation[T]) -> T:
        """Drive a plan of one's own over the client's session."""
        return drive(self.session, plan)

    def pages(self, start: Callable[[], Listing[ItemT]]) -> Pages[ItemT]:
        """The items of a listing of one's own."""
        return pages_over(self.session, start)

    def get_endpoint(
        self, name: str, *, bucket: Any = None, group: Any = None, collection: Any = None, id: Any = None
    ) -> str:
        """The path of an endpoint, without the server's prefix."""
        return self._endpoint(name, bucket, group, collection, id)

    def get_paginated_records(
        self, *, collection: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Iterator[Json]:
        """The pages of a collection's records, each as the server sends it, `{"data": [...]}`."""
        kwargs.pop("pages", None)
        for page in self.records(collection=collection, bucket=bucket, **kwargs).pages():
            yield {"data": page.items}

    @contextmanager
    def batch(self, **kwargs: Any) -> Generator[BatchClient]:
        """A client that queues its operations; they are sent in chunks, as they fill and at the end of the block.

        If the block ends with an exception, what still waits is not sent.

        Raises:
            KintoBatchException: Some requests were refused; the others were carried out.
            KintoException: The server failed; what came after was not sent.
        """
        batch = self._batch_client(kwargs, self.server_info())
        yield batch
        batch.session.send()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if isinstance(self.session, Session):
            self.session.close()


KintoClient = Client


class AsyncClient(_Connected, AsyncMode, AsyncClosing):
    """A client whose calls are awaited."""

    _kind = "KintoAsyncClient"

    def run(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """Drive a plan of one's own over the client's session."""
        return drive_async(self.session, plan)

    def pages(self, start: Callable[[], Listing[ItemT]]) -> AsyncPages[ItemT]:
        """The items of a listing of one's own."""
        return async_pages_over(self.session, start)

    def get_endpoint(
        self, name: str, *, bucket: Any = None, group: Any = None, collection: Any = None, id: Any = None
    ) -> AwaitableStr:
        """The path of an endpoint, without the server's prefix; it need not be awaited, but may."""
        return AwaitableStr(self._endpoint(name, bucket, group, collection, id))

    def get_paginated_records(
        self, *, collection: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> PageBodies:
        """The pages of a collection's records, each as the server sends it, for `async for`.

        Awaited, all of them at once.
        """
        kwargs.pop("pages", None)
        return PageBodies(self.records(collection=collection, bucket=bucket, **kwargs))

    def batch(self, **kwargs: Any) -> AbstractAsyncContextManager[BatchClient]:
        """A client that queues its operations, for `async with`; they are sent in chunks at the end of the block.

        Awaiting a queued operation sends those that fill a chunk.  If the block ends with an exception, what
        still waits is not sent.

        Raises:
            KintoBatchException: Some requests were refused; the others were carried out.
            KintoException: The server failed; what came after was not sent.
        """
        return self._batch(kwargs)

    @asynccontextmanager
    async def _batch(self, kwargs: Mapping[str, Any]) -> AsyncGenerator[BatchClient]:
        batch = self._batch_client(kwargs, await self.server_info())
        yield batch
        await batch.session.send()

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        if isinstance(self.session, Session):
            await self.session.aclose()


# To `isinstance` all are clients, though they share no method that returns.
Client.register(AsyncClient)
Client.register(BatchClient)
