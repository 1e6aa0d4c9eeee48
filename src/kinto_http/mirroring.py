"""What `replication` does: one collection is compared with another, and what differs is written."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

from kinto_http.answers import Json, data_of, is_status
from kinto_http.client import BatchClient, Client
from kinto_http.constants import OBJECTS_PERMISSIONS
from kinto_http.exceptions import BucketNotFound, CollectionNotFound, KintoBatchException, KintoException
from kinto_http.patch_type import BasicPatch
from kinto_http.utils import records_equal
from restwright.drivers.batch import Pending

PAGE: Final = 500
"""Records asked for at a time; the server may give fewer."""
IDS_PAGE: Final = 5000
BATCH: Final = 100
"""Writes sent at a time to a server that does not say how many it takes."""
PROGRESS: Final = 1000
"""Records between two lines of progress."""
MOST_REFUSED: Final = 100
"""Records that the destination may refuse before the rest is given up."""

Permissions: TypeAlias = Mapping[str, list[str]]

logger = logging.getLogger("kinto_http.replication")


@dataclass(slots=True)
class Summary:
    """What a replication did, in records."""

    read: int = 0
    """At the origin."""
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    skipped: int = 0
    """Changed at the destination while they were to be deleted: the next run sees to them."""
    refused: int = 0
    """By the destination (4xx)."""
    seconds: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        counts = ((getattr(self, each.name), each.name) for each in dataclasses.fields(self)[1:-1])
        did = ", ".join(f"{count} {name}" for count, name in counts if count) or "nothing to do"
        return f"{self.read} records in {self.seconds:.1f} s: {did}"


class Mirroring:
    """One replication.

    Args:
        permissions: Also those of records, and of a bucket and a collection that are there already.
    """

    def __init__(self, origin: Client, destination: Client, *, permissions: bool) -> None:
        self._origin = origin
        self._destination = destination
        self._permissions = permissions
        self._summary = Summary()
        self._writer = _Writer(destination, self._summary)
        self._there: dict[str, int] = {}
        """Timestamps at the destination, of the records that the origin has not shown yet."""
        # In the names of groups, which are `/buckets/<bucket>/groups/<group>`.
        self._renamed = tuple(f"/buckets/{_bucket_id(client)}/" for client in (origin, destination))
        self._me: str | None = destination.server_info().get("user", {}).get("id")

    def run(self, report: Callable[[Summary], object] | None) -> None:
        """Do it; `report` is called with a summary."""
        summary, started = self._summary, time.monotonic()
        logger.info("Replicate %r to %r", self._origin, self._destination)
        try:
            self._sync_metadata()
            self._sync_records()
        finally:
            summary.seconds = time.monotonic() - started
            logger.info("%s", summary)
        if report is not None:
            report(summary)
        self._writer.raise_refusals()

    # --- bucket and collection ------------------------------------------------------------------------------------

    def _sync_metadata(self) -> None:
        collection = self._origin.get_collection()
        try:
            self._sync("bucket", self._origin.get_bucket(), BucketNotFound)
        except KintoException as error:  # of either server: one may be allowed to use the collection alone
            if not isinstance(error, BucketNotFound) and not is_status(error, 403):
                raise
            logger.warning("The metadata of the bucket is not copied: %s", error)
        self._sync("collection", collection, CollectionNotFound)

    def _sync(self, kind: str, theirs: Json, absent: type[KintoException]) -> None:
        """Create the destination's bucket or collection, or bring it up to date."""
        call: Callable[..., Json] = getattr(self._destination, f"get_{kind}")
        data = {name: value for name, value in data_of(theirs, {}).items() if name != "id"}
        wanted = self._translated(theirs.get("permissions", {}))
        try:
            ours = call()
        except absent:
            call = getattr(self._destination, f"create_{kind}")
            call(data=data, permissions=wanted, if_not_exists=True)
            logger.info("Created the %s", kind)
            return
        is_same = _same_data(data_of(ours, {}), data)
        are_due = self._permissions and not self._same_permissions(ours.get("permissions", {}), wanted)
        if are_due or not is_same:
            call = getattr(self._destination, f"update_{kind}")
            call(data=data, permissions=_complete(kind, wanted) if are_due else None, safe=False)
            logger.info("Updated the %s", kind)

    # --- records --------------------------------------------------------------------------------------------------

    def _sync_records(self) -> None:
        there, writer = self._there, self._writer
        for record in self._destination.records(_sort="id", _fields="id,last_modified", _limit=IDS_PAGE):
            there[record["id"]] = record["last_modified"]
        logger.info("The destination has %d records", len(there))
        # By id: a record that changes meanwhile keeps its place, and is not missed.
        for page in self._origin.records(_sort="id", _limit=PAGE).pages():
            self._compare([record for record in page.items if record.get("deleted") is not True])
        for gone, timestamp in there.items():
            writer.add("deleted", partial(_delete, record_id=gone, timestamp=timestamp))
        writer.flush()

    def _compare(self, records: list[Json]) -> None:
        """Have written what of a page is not at the destination."""
        known = {record["id"]: self._there.pop(record["id"], None) for record in records}
        # The same timestamp is the same record; an older one at the origin is kept where nothing else differs.
        doubtful = [
            record["id"]
            for record in records
            if (there := known[record["id"]]) is not None
            and (there > record["last_modified"] or (self._permissions and there == record["last_modified"]))
        ]
        ours = _envelopes(self._destination, doubtful)
        theirs = _envelopes(self._origin, list(known)) if self._permissions else {}
        for record in records:
            there, old = known[record["id"]], ours.get(record["id"])
            wanted = self._translated(theirs.get(record["id"], {}).get("permissions", {}))
            if there is None:
                self._writer.add("created", partial(_put, record=record, permissions=wanted))
            elif old is None and there == record["last_modified"] and not self._permissions:
                self._summary.unchanged += 1
            elif old is None or not _same_data(old["data"], record):
                # The service takes no other attachment than the one it knows, unless the record is new.
                put = _put_anew if "attachment" in record else _put
                self._writer.add("updated", partial(put, record=record, permissions=wanted))
            elif wanted and not self._same_permissions(old["permissions"], wanted):
                self._writer.add("updated", partial(_patch, record_id=record["id"], permissions=wanted))
            else:
                self._summary.unchanged += 1
        self._progress(len(records))

    def _progress(self, count: int) -> None:
        before, self._summary.read = self._summary.read, self._summary.read + count
        if before // PROGRESS != self._summary.read // PROGRESS:
            logger.info("%d records read", self._summary.read)

    # --- permissions ----------------------------------------------------------------------------------------------

    def _translated(self, permissions: Permissions) -> Permissions:
        """The origin's permissions, with its groups as those of the destination's bucket."""
        before, after = self._renamed
        return {
            name: [after + each.removeprefix(before) if each.startswith(before) else each for each in principals]
            for name, principals in permissions.items()
        }

    def _same_permissions(self, ours: Permissions, wanted: Permissions) -> bool:
        me = {"write": {self._me}}  # whom the service adds
        return all(
            {*ours.get(name, ()), *me.get(name, ())} == {*wanted.get(name, ()), *me.get(name, ())}
            for name in {*ours, *wanted}
        )


Write: TypeAlias = Callable[[BatchClient], Pending[Any]]


class _Writer:
    """Collects writes, and sends them when they fill a request."""

    def __init__(self, client: Client, summary: Summary) -> None:
        self._client = client
        self._summary = summary
        self._size = int(client.server_info().get("settings", {}).get("batch_max_requests") or BATCH)
        self._waiting: list[tuple[str, Write]] = []
        self._refusals: list[Exception] = []

    def add(self, counted: str, write: Write) -> None:
        """Queue a write, to be counted in that field of the summary."""
        self._waiting.append((counted, write))
        if len(self._waiting) >= self._size:
            self.flush()

    def flush(self) -> None:
        """Send what waits.

        Raises:
            KintoBatchException: The destination has refused too many.
        """
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._send(waiting)
        if len(self._refusals) >= MOST_REFUSED:
            self.raise_refusals()

    def _send(self, writes: Sequence[tuple[str, Write]]) -> None:
        sent: list[tuple[str, Pending[Any]]] = []
        try:
            # One batch for each request: what a batch has sent it keeps.
            with self._client.batch(ignore_batch_4xx=True) as batch:
                sent += [(counted, write(batch)) for counted, write in writes]
        except KintoException as error:
            # The whole request, for the sake of one record, or because it is too large.
            if not is_status(error, 400) and not is_status(error, 413):
                raise
            if len(writes) > 1:
                for each in writes:
                    self._send([each])
                return
        for counted, queued in sent:
            if queued.error is None:
                what = counted
            elif counted == "deleted" and is_status(queued.error, 412):
                what = "skipped"
            else:
                what = "refused"
                logger.warning("Refused: %s", queued.error)
                self._refusals.append(queued.error)
            setattr(self._summary, what, getattr(self._summary, what) + 1)

    def raise_refusals(self) -> None:
        """Raise what the destination has refused, if anything."""
        if self._refusals:
            raise KintoBatchException(self._refusals, [])


def _put(batch: BatchClient, record: Json, permissions: Permissions) -> Pending[Any]:
    wanted = _complete("record", permissions) if permissions else None
    return batch.update_record(record["id"], data=record, permissions=wanted, safe=False)


def _put_anew(batch: BatchClient, record: Json, permissions: Permissions) -> Pending[Any]:
    batch.delete_record(record["id"], if_exists=True)
    return _put(batch, record, permissions)


def _patch(batch: BatchClient, record_id: str, permissions: Permissions) -> Pending[Any]:
    return batch.patch_record(record_id, changes=BasicPatch(permissions=_complete("record", permissions)))


def _delete(batch: BatchClient, record_id: str, timestamp: int) -> Pending[Any]:
    return batch.delete_record(record_id, if_match=timestamp, if_exists=True)


def _envelopes(client: Client, ids: list[str]) -> dict[str, Json]:
    """Records with their permissions, by id; those that are there no more are left out."""
    if not ids:
        return {}
    with client.batch(ignore_batch_4xx=True) as batch:
        read = {each: batch.get_record(each) for each in ids}
    for queued in read.values():
        if queued.error is not None and not is_status(queued.error, 404):
            raise queued.error
    return {each: queued.result() for each, queued in read.items() if queued.error is None}


def _complete(kind: str, permissions: Permissions) -> Permissions:
    """With every name there is: one that is left out would stay as it was."""
    return {**{name: list[str]() for name in OBJECTS_PERMISSIONS[kind]}, **permissions}


def _same_data(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return records_equal({**a, "id": ""}, {**b, "id": ""})


def _bucket_id(client: Client) -> str:
    name = client.bucket_name
    own = client.server_info().get("user", {}).get("bucket", name)
    return str(own if name == "default" else name)
