"""Operations on records (https://docs.kinto-storage.org/en/stable/api/1.x/records.html)."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from typing import Any, cast

from kinto_http.answers import Json, mapping_of
from kinto_http.arguments import changes_of, id_of, precondition, split, with_text_id
from kinto_http.exceptions import KintoException
from kinto_http.filters import with_filters
from kinto_http.models import Changes, Home, Objects, ObjectsPage, Record, timestamp_of
from kinto_http.operations import KintoOperations, logger
from restwright.criteria import Criteria
from restwright.message import Request
from restwright.operation import listing, operation
from restwright.plan import Listing, Operation, paged


class RecordOperations(KintoOperations):
    """Records are the JSON objects of a collection."""

    @operation
    def get_records_timestamp(self, *, collection: str | None = None, bucket: str | None = None) -> Operation[str]:
        """The timestamp of a collection's records, in milliseconds since the epoch; "" if it has none.

        Remembered from the last listing, until this client writes to the collection.
        """
        path = self.records_path(bucket, collection)
        known = self.context.timestamps.get(path)
        if known is None:
            response = yield Request("HEAD", path)
            known = timestamp_of(response.headers)
            if known:
                self.context.timestamps[path] = known
        return known

    @operation
    def get_records(
        self, /, *criteria: Criteria, collection: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Operation[list[Json]]:
        """All records of a collection, page after page, in one list.

        Args:
            criteria: Of `restwright.where`, as in `where("size") >= 5`: which records.
            kwargs: Filters in Kinto's own words, `_sort`, `_fields`, `_since`; `_limit` records a page, and then
                `pages` pages (1 unless given); `if_none_match`, a timestamp: [] with `not_modified` set if nothing
                has changed since.
        """
        path = self.records_path(bucket, collection)
        objects: Objects = yield from self._all_objects(path, with_filters(criteria, kwargs))
        home = self._home(*self._place(bucket, collection))
        objects[:] = [Record(item, home) for item in objects]
        return objects

    @listing
    def records(
        self, /, *criteria: Criteria, collection: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Listing[Json]:
        """The records of a collection, fetched as they are consumed, page after page; nothing is held.

        None is missed if others write meanwhile: those that have changed come at the end, once more if need be.
        With `_since`, what was deleted comes too, as tombstones with `deleted: True`.
        Its `pages()` know the `timestamp` of the collection and their `tombstones`.
        """
        home = self._home(*self._place(bucket, collection))
        plan = self._each_page(self.records_path(bucket, collection), with_filters(criteria, kwargs))
        yield from paged(
            plan, lambda page: ObjectsPage([Record(i, home) for i in page.items], page.has_more, page.headers)
        )

    @operation
    def get_changes(
        self, /, *, since: Any, collection: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Operation[Changes]:
        """What was created, changed and deleted since a timestamp, and the timestamp to ask with the next time.

        Args:
            since: In milliseconds since the epoch, with or without quotes; None or "" for all there is.
        """
        query = kwargs if since is None or since == "" else {"_since": str(since), **kwargs}
        found: Objects = yield from self._all_objects(self.records_path(bucket, collection), query)
        home = self._home(*self._place(bucket, collection))
        gone = [item for item in found if item.get("deleted") is True]
        there = [cast("Json", Record(item, home)) for item in found if item.get("deleted") is not True]
        return Changes(there, gone, found.timestamp)

    @operation
    def get_record(
        self, /, id: str, *, collection: str | None = None, bucket: str | None = None, **kwargs: Any
    ) -> Operation[Json]:
        """A record, in its envelope `{"data", "permissions"}`."""
        record = id_of(id, None, "record", "get")
        bucket, collection = self._place(bucket, collection)
        logger.info("Get record %r in collection %r of bucket %r", record, collection, bucket)
        path = self.record_path(record, bucket, collection)
        return self._at_home((yield from self._read(path, kwargs)), bucket, collection)

    @operation
    def create_record(
        self,
        id: str | None = None,
        *,
        bucket: str | None = None,
        collection: str | None = None,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_not_exists: bool = False,
    ) -> Operation[Json]:
        """Create a record; without an id, here or in the data, it gets a new UUID.

        Args:
            safe: Refuse (412) to replace one that exists.
            if_not_exists: Return the one that exists instead of failing.
        """
        data, permissions = split(data, permissions)
        # Once, before anything is sent: a repeated request must not create a second record.
        record = id_of(id, data, "record", "create", str(uuid.uuid4()))
        bucket, collection = self._place(bucket, collection, data)
        logger.info("Create record %r in collection %r of bucket %r", record, collection, bucket)
        envelope = yield from self._create(
            self.record_path(record, bucket, collection),
            data,
            permissions,
            safe=safe,
            if_not_exists=if_not_exists,
            read=lambda: self.get_record(record, collection=collection, bucket=bucket),
            parent="collection",
        )
        return self._at_home(envelope, bucket, collection)

    @operation
    def update_record(
        self,
        id: str | None = None,
        *,
        collection: str | None = None,
        bucket: str | None = None,
        data: Any = None,
        permissions: Any = None,
        safe: bool = True,
        if_match: Any = None,
    ) -> Operation[Json]:
        """Create or replace a record; refused (412) if it changed since `if_match`, or the data's `last_modified`.

        With neither, or `safe=False`, it is written whatever is there.  A record that was fetched goes back where
        it came from if neither the call nor the client names a collection.
        """
        data, permissions = split(data, permissions)
        record = id_of(id, data, "record", "update")
        bucket, collection = self._place(bucket, collection, data)
        logger.info("Update record %r in collection %r of bucket %r", record, collection, bucket)
        path = self.record_path(record, bucket, collection)
        guard = precondition(safe, if_match, data)
        return self._at_home((yield from self._put(path, with_text_id(data), permissions, guard)), bucket, collection)

    @operation
    def patch_record(
        self,
        id: str | None = None,
        *,
        collection: str | None = None,
        bucket: str | None = None,
        changes: Any = None,
        data: Any = None,
        original: Mapping[str, Any] | None = None,
        permissions: Any = None,
        safe: bool = True,
        if_match: Any = None,
    ) -> Operation[Json]:
        """Change some fields of a record; `original` tells id and timestamp without being sent."""
        data, permissions = split(data, permissions)
        original, _ = split(original, None)
        record = id_of(id, original or data, "record", "patch")
        bucket, collection = self._place(bucket, collection, original or data)
        logger.info("Patch record %r in collection %r of bucket %r", record, collection, bucket)
        path = self.record_path(record, bucket, collection)
        guard = precondition(safe, if_match, original, data)
        patched = yield from self._patch(path, changes_of(changes, data, permissions), guard)
        return self._at_home(patched, bucket, collection)

    @operation
    def delete_record(
        self,
        id: str,
        *,
        collection: str | None = None,
        bucket: str | None = None,
        safe: bool = True,
        if_match: Any = None,
        if_exists: bool = False,
    ) -> Operation[Any]:
        """Delete a record: its tombstone, or None if `if_exists` and it was not there."""
        record = id_of(id, None, "record", "delete")
        bucket, collection = self._place(bucket, collection)
        logger.info("Delete record %r in collection %r of bucket %r", record, collection, bucket)
        path = self.record_path(record, bucket, collection)
        return (yield from self._delete(path, safe=safe, if_match=if_match, if_exists=if_exists))

    @operation
    def delete_records(
        self, *, collection: str | None = None, bucket: str | None = None, safe: bool = True, if_match: Any = None
    ) -> Operation[list[Json]]:
        """Delete every record that may be written: all tombstones."""
        bucket, collection = self._place(bucket, collection)
        logger.info("Delete records in collection %r of bucket %r", collection, bucket)
        return (yield from self._delete_all(self.records_path(bucket, collection), safe=safe, if_match=if_match))

    def _place(self, bucket: Any, collection: Any, data: Any = None) -> tuple[Any, Any]:
        """Bucket and collection: as the call says, or the client; else those that the record was fetched from."""
        context = self.context
        named = context.collection_of(collection)
        if named or named == 0 or not isinstance(data, Record) or data.home is None:
            return context.bucket_of(bucket), named
        server, from_bucket, from_collection = data.home
        if server != context.server:
            raise KintoException(f"Record {data.get('id')!r} came from {server}: say in which collection to write it")
        return bucket or from_bucket, from_collection

    def _home(self, bucket: Any, collection: Any) -> Home:
        return _home(self.context.server, str(bucket), str(collection))

    def _at_home(self, envelope: Json, bucket: Any, collection: Any) -> Json:
        data = mapping_of(envelope).get("data")
        if isinstance(data, dict):
            envelope["data"] = Record(cast("Json", data), self._home(bucket, collection))
        return envelope


_home = functools.lru_cache(256)(Home)
