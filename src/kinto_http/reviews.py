"""Signed changesets and the review of changes, of the plugins kinto-changes and kinto-signer."""

from __future__ import annotations

import random
from typing import Any, cast

from kinto_http.answers import Json
from kinto_http.collections import CollectionOperations
from restwright.operation import operation
from restwright.plan import Operation


class ReviewOperations(CollectionOperations):
    """A review is asked for and given by patching the collection's status."""

    @operation
    def get_changeset(
        self, /, bucket: str | None = None, collection: str | None = None, bust_cache: bool = False, **kwargs: Any
    ) -> Operation[Json]:
        """The signed changeset of a collection.

        Args:
            bust_cache: Ask in a way that no cache has seen; an explicit `_expected` counts more.
        """
        expected = random.randint(999999000000, 999999999999) if bust_cache else 0  # noqa: S311 - not a secret
        path = self.path("changeset", bucket, collection)
        return (yield from self._read(path, {"_expected": expected, **kwargs}))

    @operation
    def request_review(
        self, /, message: str, id: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Operation[Json]:
        """Ask for a review of the collection's changes."""
        return (yield from self._to("to-review", "last_editor_comment", message, id, bucket, kwargs))

    @operation
    def decline_changes(
        self, /, message: str, id: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Operation[Json]:
        """Send the changes back to their editor."""
        return (yield from self._to("work-in-progress", "last_reviewer_comment", message, id, bucket, kwargs))

    @operation
    def approve_changes(self, /, id: str | None = None, bucket: str | None = None, **kwargs: Any) -> Operation[Json]:
        """Have the changes signed and published."""
        return (yield from self._to("to-sign", "", "", id, bucket, kwargs))

    @operation
    def rollback_changes(
        self, /, message: str, id: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Operation[Json]:
        """Drop the changes that are not yet published."""
        return (yield from self._to("to-rollback", "last_editor_comment", message, id, bucket, kwargs))

    def _to(
        self, status: str, comment: str, message: str, id: str | None, bucket: str | None, kwargs: dict[str, Any]
    ) -> Operation[Json]:
        data: Json = {**cast("Json", kwargs.pop("data", None) or {}), "status": status}
        if comment:
            data[comment] = message
        return (yield from self.patch_collection(id, bucket=bucket, data=data, **kwargs))
