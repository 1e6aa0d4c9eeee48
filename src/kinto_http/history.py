"""Operations on a bucket's history (https://docs.kinto-storage.org/en/stable/api/1.x/history.html)."""

from __future__ import annotations

from typing import Any

from kinto_http.answers import Json
from kinto_http.filters import with_filters
from kinto_http.operations import KintoOperations, logger
from restwright.criteria import Criteria
from restwright.operation import listing, operation
from restwright.plan import Listing, Operation


class HistoryOperations(KintoOperations):
    """The history plugin keeps an entry for each change of a bucket and what is in it."""

    @operation
    def get_history(self, /, *criteria: Criteria, bucket: str | None = None, **kwargs: Any) -> Operation[list[Json]]:
        """All entries, newest first; `kwargs` filter by any of their fields, sort and page."""
        logger.info("Get history of bucket %r", self.context.bucket_of(bucket))
        return (yield from self._all_objects(self.path("history", bucket), with_filters(criteria, kwargs)))

    @listing
    def history(self, /, *criteria: Criteria, bucket: str | None = None, **kwargs: Any) -> Listing[Json]:
        """The entries, newest first, fetched as they are consumed."""
        yield from self._each_page(self.path("history", bucket), with_filters(criteria, kwargs))

    @operation
    def purge_history(
        self, /, *, bucket: str | None = None, safe: bool = True, if_match: Any = None, **kwargs: Any
    ) -> Operation[list[Json]]:
        """Delete the entries that `kwargs` select, all unless given: their tombstones."""
        logger.info("Purge history of bucket %r", self.context.bucket_of(bucket))
        path = self.path("history", bucket)
        return (yield from self._delete_all(path, safe=safe, if_match=if_match, params=kwargs))
