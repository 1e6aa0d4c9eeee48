"""The clients: the same operations, blocking, awaited, or queued for a batch."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import FunctionType, TracebackType
from typing import Any, Self, TypeVar, cast

import requests

from kinto_http import utils
from kinto_http.attachments import AttachmentOperations
from kinto_http.batch import BatchSession, Queued
from kinto_http.buckets import BucketOperations
from kinto_http.constants import DO_NOT_OVERWRITE
from kinto_http.endpoints import Endpoints
from kinto_http.exceptions import BucketNotFound, CollectionNotFound, KintoBatchException, KintoException
from kinto_http.groups import GroupOperations
from kinto_http.history import HistoryOperations
from kinto_http.operations import Context, Json, mapping_of
from kinto_http.patch_type import BasicPatch, JSONPatch, MergePatch, PatchType
from kinto_http.permissions import PermissionOperations
from kinto_http.records import RecordOperations
from kinto_http.reviews import ReviewOperations
from kinto_http.session import Session, async_pages_over, create_session, drive, drive_async, pages_over
from restwright.drivers import AsyncPages, Pages
from restwright.message import without_credentials
from restwright.operation import AsyncMode, BatchMode, SyncMode
from restwright.plan import Listing, Operation, Page

__all__ = [
    "DO_NOT_OVERWRITE",
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
    "KintoException",
    "MergePatch",
    "PatchType",
    "Session",
    "async_client",
    "async_wrap",
    "create_session",
    "retry_timeout",
    "utils",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")
ItemT = TypeVar("ItemT")

DRY_BATCH = 999999
"""Requests in one batch when nothing is sent anyway."""


class AllOperations(
    BucketOperations,
    GroupOperations,
    ReviewOperations,
    RecordOperations,
    PermissionOperations,
    HistoryOperations,
    AttachmentOperations,
):
    """Every operation of the service; on its own, their plans."""


class _Settings(AllOperations):
    """What clients of all kinds hold: a session, and where operations go by default."""

    session: Any
    _kind = "KintoClient"

    def __init__(self, session: Any, context: Context, *, ignore_batch_4xx: bool = False) -> None:
        super().__init__(context)
        self.operations = AllOperations(context)
        self.session = session
        self._ignore_batch_4xx = ignore_batch_4xx

    @property
    def endpoints(self) -> Endpoints:
        """The paths of the service."""
        return self.context.endpoints

    @endpoints.setter
    def endpoints(self, value: Endpoints) -> None:
        self.context.endpoints = value

    @property
    def bucket_name(self) -> str | None:
        """Id of the bucket that operations are on unless they name another."""
        return self.context.bucket

    @bucket_name.setter
    def bucket_name(self, value: str | None) -> None:
        self.context.bucket = value

    @property
    def collection_name(self) -> str | None:
        """Id of the collection that operations are on unless they name another."""
        return self.context.collection

    @collection_name.setter
    def collection_name(self, value: str | None) -> None:
        self.context.collection = value

    @property
    def _server_info(self) -> Json | None:
        return self.context.server_info

    @_server_info.setter
    def _server_info(self, value: Json | None) -> None:
        self.context.server_info = value

    @property
    def _server_settings(self) -> Json | None:
        info = self.context.server_info
        return None if info is None else info.get("settings")

    @property
    def _records_timestamp(self) -> dict[str, str]:
        return self.context.timestamps

    @property
    def results(self) -> Callable[[], list[Any]] | None:
        """The bodies of a batch's answers, on the client of a batch."""
        return None

    def _endpoint(self, name: str, bucket: Any, group: Any, collection: Any, id: Any) -> str:
        context = self.context
        return context.endpoints.get(
            name, bucket=context.bucket_of(bucket), group=group, collection=context.collection_of(collection), id=id
        )

    def _url(self) -> str:
        context = self.context
        if context.bucket and context.collection:
            path = context.endpoints.get("collection", bucket=context.bucket, collection=context.collection)
        elif context.bucket:
            path = context.endpoints.get("bucket", bucket=context.bucket)
        else:
            path = context.endpoints.get("root")
        return utils.urljoin(without_credentials(str(getattr(self.session, "server_url", None) or "")), path)

    def __repr__(self) -> str:
        return f"<{self._kind} {self._url()}>"


class _Connected(_Settings):
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
        # A login in the browser has to know where; no other auth object is changed.
        declared: Any = getattr(own, "auth", None)
        if own is not session and hasattr(declared, "server_url"):
            declared.server_url = server_url
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


class Client(_Connected, SyncMode):
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Connected, AsyncMode):
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class BatchClient(_Settings, BatchMode):
    """A client whose operations wait in a batch."""

    session: BatchSession

    def __init__(self, session: BatchSession, context: Context, *, ignore_batch_4xx: bool = False) -> None:
        super().__init__(session, context, ignore_batch_4xx=ignore_batch_4xx)

    @property
    def results(self) -> Callable[[], list[Any]]:
        """The bodies of the answers, in the order of the operations."""
        return self.session.results

    def queue(self, plan: Operation[T]) -> Queued[T]:
        """Let a plan of one's own wait."""
        return self.session.add(plan)

    def get_endpoint(
        self, name: str, *, bucket: Any = None, group: Any = None, collection: Any = None, id: Any = None
    ) -> str:
        """The path of an endpoint, without the server's prefix."""
        return self._endpoint(name, bucket, group, collection, id)

    def get_paginated_records(self, **kwargs: Any) -> Queued[list[Json]]:
        """The pages of a collection's records, all in one result."""
        return cast("Queued[list[Json]]", self.get_records(**kwargs))

    def clone(self, *, bucket: Any = None, collection: Any = None) -> BatchClient:
        """A client of the same batch, for another bucket or collection."""
        context = self.context
        places = Context(
            context.endpoints,
            bucket or context.bucket,
            collection or context.collection,
            context.server,
            context.server_info,
            context.timestamps,
        )
        return BatchClient(self.session, places, ignore_batch_4xx=self._ignore_batch_4xx)

    def batch(self, **kwargs: Any) -> Any:
        """Refused: a batch cannot hold another."""
        del kwargs
        raise KintoException("A batch cannot be nested in a batch: queue the operations in this one")

    def _url(self) -> str:
        return f"{super()._url()} ({len(self.session.requests)} waiting)"


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


def retry_timeout(function: Callable[..., T]) -> Callable[..., T]:
    """A decorator that calls a function once more, within a second, when the network failed."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> T:
        try:
            return function(*args, **kwargs)
        except (requests.Timeout, requests.ConnectionError):
            time.sleep(_jitter())
            return function(*args, **kwargs)

    return call


def _jitter() -> float:
    from restwright.policies.retry import backoff  # hardly ever needed

    return backoff(1, first=1.0)


def async_wrap(func: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """A blocking function as a coroutine function, which runs it in a worker thread."""

    @functools.wraps(func)
    async def call(*args: Any, **kwargs: Any) -> T:
        return await asyncio.to_thread(func, *args, **kwargs)

    return call


def async_client(cls: type[T]) -> type[T]:
    """A class decorator: every public function of the class, save `clone`, becomes a coroutine function."""
    for name in dir(cls):
        function = getattr(cls, name)
        if (
            isinstance(function, FunctionType)
            and not name.startswith("_")
            and name not in ("clone", "download_attachment")
        ):
            setattr(cls, name, async_wrap(function))
    return cls
