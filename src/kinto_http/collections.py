"""Operations on collections (https://docs.kinto-storage.org/en/stable/api/1.x/collections.html)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinto_http.answers import Json, is_status
from kinto_http.arguments import changes_of, id_of, precondition, split, with_text_id
from kinto_http.exceptions import CollectionNotFound, KintoException
from kinto_http.filters import with_filters
from kinto_http.operations import KintoOperations, logger
from restwright.criteria import Criteria
from restwright.operation import listing, operation
from restwright.plan import Listing, Operation


class CollectionOperations(KintoOperations):
    """A collection holds records."""

    @operation
    def create_collection(
        self,
        id: str | None = None,
        *,
        bucket: str | None = None,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_not_exists: bool = False,
    ) -> Operation[Json]:
        """Create a collection.

        Args:
            safe: Refuse (412) to replace one that exists.
            if_not_exists: Return the one that exists instead of failing.
        """
        data, permissions = split(data, permissions)
        collection = id_of(id, data, "collection", "create", self.context.collection)
        logger.info("Create collection %r in bucket %r", collection, self.context.bucket_of(bucket))
        return (
            yield from self._create(
                self.path("collection", bucket, collection),
                data,
                permissions,
                safe=safe,
                if_not_exists=if_not_exists,
                read=lambda: self.get_collection(collection, bucket=bucket),
                parent="bucket",
            )
        )

    @operation
    def update_collection(
        self,
        id: str | None = None,
        *,
        bucket: str | None = None,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_match: Any = None,
    ) -> Operation[Json]:
        """Create or replace a collection; refused (412) if it changed since `if_match`, or the data's `last_modified`.

        With neither, or `safe=False`, it is written whatever is there.
        """
        data, permissions = split(data, permissions)
        collection = id_of(id, data, "collection", "update", self.context.collection)
        logger.info("Update collection %r in bucket %r", collection, self.context.bucket_of(bucket))
        path = self.path("collection", bucket, collection)
        return (yield from self._put(path, with_text_id(data), permissions, precondition(safe, if_match, data)))

    @operation
    def patch_collection(
        self,
        id: str | None = None,
        *,
        bucket: str | None = None,
        changes: Any = None,
        data: Any = None,
        original: Mapping[str, Any] | None = None,
        permissions: Any = None,
        safe: bool = True,
        if_match: Any = None,
    ) -> Operation[Json]:
        """Change some fields of a collection; `original` tells id and timestamp without being sent."""
        data, permissions = split(data, permissions)
        original, _ = split(original, None)
        collection = id_of(id, original or data, "collection", "patch", self.context.collection)
        logger.info("Patch collection %r in bucket %r", collection, self.context.bucket_of(bucket))
        path = self.path("collection", bucket, collection)
        guard = precondition(safe, if_match, original, data)
        return (yield from self._patch(path, changes_of(changes, data, permissions), guard))

    @operation
    def get_collections(
        self, /, *criteria: Criteria, bucket: str | None = None, **kwargs: Any
    ) -> Operation[list[Json]]:
        """All collections of the bucket that may be read; `kwargs` filter, sort and page."""
        return (yield from self._all_objects(self.path("collections", bucket), with_filters(criteria, kwargs)))

    @listing
    def collections(self, /, *criteria: Criteria, bucket: str | None = None, **kwargs: Any) -> Listing[Json]:
        """The collections of the bucket that may be read, fetched as they are consumed."""
        yield from self._each_page(self.path("collections", bucket), with_filters(criteria, kwargs))

    @operation
    def get_collection(self, /, id: str | None = None, *, bucket: str | None = None, **kwargs: Any) -> Operation[Json]:
        """A collection.

        Raises:
            CollectionNotFound: It is not there.
        """
        collection = id_of(id, None, "collection", "get", self.context.collection)
        logger.info("Get collection %r in bucket %r", collection, self.context.bucket_of(bucket))
        try:
            return (yield from self._read(self.path("collection", bucket, collection), kwargs))
        except KintoException as error:
            if is_status(error, 404):
                raise CollectionNotFound(collection, error) from error
            raise

    @operation
    def delete_collection(
        self,
        id: str | None = None,
        *,
        bucket: str | None = None,
        safe: bool = True,
        if_match: Any = None,
        if_exists: bool = False,
    ) -> Operation[Any]:
        """Delete a collection and everything under it: its tombstone, or None if `if_exists` and it was not there."""
        collection = id_of(id, None, "collection", "delete", self.context.collection)
        logger.info("Delete collection %r in bucket %r", collection, self.context.bucket_of(bucket))
        path = self.path("collection", bucket, collection)
        return (yield from self._delete(path, safe=safe, if_match=if_match, if_exists=if_exists))

    @operation
    def delete_collections(
        self, *, bucket: str | None = None, safe: bool = True, if_match: Any = None
    ) -> Operation[list[Json]]:
        """Delete every collection of the bucket that may be written: all tombstones."""
        logger.info("Delete collections in bucket %r", self.context.bucket_of(bucket))
        return (yield from self._delete_all(self.path("collections", bucket), safe=safe, if_match=if_match))
