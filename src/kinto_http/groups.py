"""Operations on groups (https://docs.kinto-storage.org/en/stable/api/1.x/groups.html)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinto_http.answers import Json
from kinto_http.arguments import changes_of, id_of, precondition, split, with_text_id
from kinto_http.filters import with_filters
from kinto_http.operations import KintoOperations, logger
from restwright.criteria import Criteria
from restwright.operation import listing, operation
from restwright.plan import Listing, Operation


class GroupOperations(KintoOperations):
    """A group names members, who share its permissions."""

    @operation
    def create_group(
        self,
        id: str | None = None,
        *,
        bucket: str | None = None,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_not_exists: bool = False,
    ) -> Operation[Json]:
        """Create a group.

        Args:
            safe: Refuse (412) to replace one that exists.
            if_not_exists: Return the one that exists instead of failing.
        """
        data, permissions = split(data, permissions)
        group = id_of(id, data, "group", "create")
        logger.info("Create group %r in bucket %r", group, self.context.bucket_of(bucket))
        return (
            yield from self._create(
                self.path("group", bucket, group=group),
                data,
                permissions,
                safe=safe,
                if_not_exists=if_not_exists,
                read=lambda: self.get_group(group, bucket=bucket),
                parent="bucket",
            )
        )

    @operation
    def update_group(
        self,
        id: str | None = None,
        *,
        bucket: str | None = None,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_match: Any = None,
    ) -> Operation[Json]:
        """Create or replace a group; refused (412) if it changed since `if_match`, or the data's `last_modified`.

        With neither, or `safe=False`, it is written whatever is there.
        """
        data, permissions = split(data, permissions)
        group = id_of(id, data, "group", "update")
        logger.info("Update group %r in bucket %r", group, self.context.bucket_of(bucket))
        path = self.path("group", bucket, group=group)
        return (yield from self._put(path, with_text_id(data), permissions, precondition(safe, if_match, data)))

    @operation
    def patch_group(
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
        """Change some fields of a group; `original` tells id and timestamp without being sent."""
        data, permissions = split(data, permissions)
        original, _ = split(original, None)
        group = id_of(id, original or data, "group", "patch")
        logger.info("Patch group %r in bucket %r", group, self.context.bucket_of(bucket))
        path = self.path("group", bucket, group=group)
        guard = precondition(safe, if_match, original, data)
        return (yield from self._patch(path, changes_of(changes, data, permissions), guard))

    @operation
    def get_groups(self, /, *criteria: Criteria, bucket: str | None = None, **kwargs: Any) -> Operation[list[Json]]:
        """All groups of the bucket that may be read; `kwargs` filter, sort and page."""
        return (yield from self._all_objects(self.path("groups", bucket), with_filters(criteria, kwargs)))

    @listing
    def groups(self, /, *criteria: Criteria, bucket: str | None = None, **kwargs: Any) -> Listing[Json]:
        """The groups of the bucket that may be read, fetched as they are consumed."""
        yield from self._each_page(self.path("groups", bucket), with_filters(criteria, kwargs))

    @operation
    def get_group(self, /, id: str, *, bucket: str | None = None, **kwargs: Any) -> Operation[Json]:
        """A group."""
        group = id_of(id, None, "group", "get")
        logger.info("Get group %r in bucket %r", group, self.context.bucket_of(bucket))
        return (yield from self._read(self.path("group", bucket, group=group), kwargs))

    @operation
    def delete_group(
        self,
        id: str,
        *,
        bucket: str | None = None,
        safe: bool = True,
        if_match: Any = None,
        if_exists: bool = False,
    ) -> Operation[Any]:
        """Delete a group: its tombstone, or None if `if_exists` and it was not there."""
        group = id_of(id, None, "group", "delete")
        logger.info("Delete group %r in bucket %r", group, self.context.bucket_of(bucket))
        path = self.path("group", bucket, group=group)
        return (yield from self._delete(path, safe=safe, if_match=if_match, if_exists=if_exists))

    @operation
    def delete_groups(
        self, *, bucket: str | None = None, safe: bool = True, if_match: Any = None
    ) -> Operation[list[Json]]:
        """Delete every group of the bucket that may be written: all tombstones."""
        logger.info("Delete groups in bucket %r", self.context.bucket_of(bucket))
        return (yield from self._delete_all(self.path("groups", bucket), safe=safe, if_match=if_match))
