"""Operations on buckets (https://docs.kinto-storage.org/en/stable/api/1.x/buckets.html)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinto_http.answers import Json, is_status
from kinto_http.arguments import changes_of, id_of, precondition, split, with_text_id
from kinto_http.exceptions import BucketNotFound, KintoException
from kinto_http.filters import with_filters
from kinto_http.operations import KintoOperations, logger
from restwright.criteria import Criteria
from restwright.operation import listing, operation
from restwright.plan import Listing, Operation


class BucketOperations(KintoOperations):
    """A bucket holds collections and groups."""

    @operation
    def create_bucket(
        self,
        id: str | None = None,
        *,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_not_exists: bool = False,
    ) -> Operation[Json]:
        """Create a bucket.

        Args:
            safe: Refuse (412) to replace one that exists.
            if_not_exists: Return the one that exists instead of failing.
        """
        data, permissions = split(data, permissions)
        bucket = id_of(id, data, "bucket", "create", self.context.bucket)
        logger.info("Create bucket %r", bucket)
        return (
            yield from self._create(
                self.path("bucket", bucket),
                data,
                permissions,
                safe=safe,
                if_not_exists=if_not_exists,
                read=lambda: self.get_bucket(bucket),
            )
        )

    @operation
    def update_bucket(
        self,
        id: str | None = None,
        *,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_match: Any = None,
    ) -> Operation[Json]:
        """Create or replace a bucket; refused (412) if it changed since `if_match`, or the data's `last_modified`.

        With neither, or `safe=False`, it is written whatever is there.
        """
        data, permissions = split(data, permissions)
        bucket = id_of(id, data, "bucket", "update", self.context.bucket)
        logger.info("Update bucket %r", bucket)
        guard = precondition(safe, if_match, data)
        return (yield from self._put(self.path("bucket", bucket), with_text_id(data), permissions, guard))

    @operation
    def patch_bucket(
        self,
        id: str | None = None,
        *,
        changes: Any = None,
        data: Any = None,
        original: Mapping[str, Any] | None = None,
        permissions: Any = None,
        safe: bool = True,
        if_match: Any = None,
    ) -> Operation[Json]:
        """Change some fields of a bucket; `original` tells id and timestamp without being sent."""
        data, permissions = split(data, permissions)
        original, _ = split(original, None)
        bucket = id_of(id, original or data, "bucket", "patch", self.context.bucket)
        logger.info("Patch bucket %r", bucket)
        guard = precondition(safe, if_match, original, data)
        return (yield from self._patch(self.path("bucket", bucket), changes_of(changes, data, permissions), guard))

    @operation
    def get_buckets(self, /, *criteria: Criteria, **kwargs: Any) -> Operation[list[Json]]:
        """All buckets that may be read; `kwargs` filter, sort and page."""
        return (yield from self._all_objects(self.path("buckets"), with_filters(criteria, kwargs)))

    @listing
    def buckets(self, /, *criteria: Criteria, **kwargs: Any) -> Listing[Json]:
        """The buckets that may be read, fetched as they are consumed."""
        yield from self._each_page(self.path("buckets"), with_filters(criteria, kwargs))

    @operation
    def get_bucket(self, /, id: str | None = None, **kwargs: Any) -> Operation[Json]:
        """A bucket.

        Raises:
            BucketNotFound: It is not there or may not be read (the service answers 403 to both).
        """
        bucket = id_of(id, None, "bucket", "get", self.context.bucket)
        logger.info("Get bucket %r", bucket)
        try:
            return (yield from self._read(self.path("bucket", bucket), kwargs))
        except KintoException as error:
            if is_status(error, 401):
                told = "Unauthorized. Please authenticate or check your credentials."
                raise KintoException(told, error) from error
            if is_status(error, 403) or is_status(error, 404) or (type(error) is KintoException and not error.response):
                raise BucketNotFound(bucket, error) from error
            raise

    @operation
    def delete_bucket(
        self, id: str | None = None, *, safe: bool = True, if_match: Any = None, if_exists: bool = False
    ) -> Operation[Any]:
        """Delete a bucket and everything under it: its tombstone, or None if `if_exists` and it was not there."""
        bucket = id_of(id, None, "bucket", "delete", self.context.bucket)
        logger.info("Delete bucket %r", bucket)
        return (
            yield from self._delete(
                self.path("bucket", bucket),
                safe=safe,
                if_match=if_match,
                if_exists=if_exists,
                absent=frozenset({403, 404}),  # the service answers 403 for a bucket it does not have
            )
        )

    @operation
    def delete_buckets(self, *, safe: bool = True, if_match: Any = None) -> Operation[list[Json]]:
        """Delete every bucket that may be written: all tombstones."""
        logger.info("Delete buckets")
        return (yield from self._delete_all(self.path("buckets"), safe=safe, if_match=if_match))
