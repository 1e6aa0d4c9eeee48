"""All operations of the service together, what clients of all kinds hold, and the client of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self, TypeVar, cast

from kinto_http import utils
from kinto_http.answers import Json
from kinto_http.attachments import AttachmentOperations
from kinto_http.batch import BatchSession, Queued
from kinto_http.buckets import BucketOperations
from kinto_http.endpoints import Endpoints
from kinto_http.exceptions import KintoException
from kinto_http.groups import GroupOperations
from kinto_http.history import HistoryOperations
from kinto_http.operations import Context
from kinto_http.permissions import PermissionOperations
from kinto_http.records import RecordOperations
from kinto_http.reviews import ReviewOperations
from restwright.message import without_credentials
from restwright.operation import BatchMode
from restwright.plan import Operation

T = TypeVar("T")


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


class Settings(AllOperations):
    """What clients of all kinds hold: a session, and where operations go by default."""

    session: Any
    _kind = "KintoClient"

    def __init__(self, session: Any, context: Context, *, ignore_batch_4xx: bool = False) -> None:
        super().__init__(context)
        self.operations = AllOperations(context)
        self.session = session
        self._ignore_batch_4xx = ignore_batch_4xx

    def __copy__(self) -> Self:
        """A client of its own: with another bucket or collection set, this one keeps its."""
        copy = object.__new__(type(self))
        vars(copy).update(vars(self))
        copy.context = replace(self.context)
        copy.operations = AllOperations(copy.context)
        return copy

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


class BatchClient(Settings, BatchMode):
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
