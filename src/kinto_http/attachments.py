"""Files attached to records (https://github.com/Kinto/kinto-attachment)."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import secrets
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, cast
from urllib.parse import urljoin

from kinto_http.exceptions import KintoException
from kinto_http.operations import Json, KintoOperations, logger, split
from kinto_http.session import body_of
from kinto_http.utils import compute_sha256, json_dumps
from restwright.message import Request
from restwright.multipart import Multipart
from restwright.operation import operation
from restwright.plan import Operation, Work


class AttachmentOperations(KintoOperations):
    """A record has one attachment, described in its field `attachment`."""

    @operation
    def add_attachment(
        self,
        id: str,
        filepath: str | os.PathLike[str],
        filename: str | None = None,
        bucket: str | None = None,
        collection: str | None = None,
        data: Any = None,
        permissions: Any = None,
        mimetype: str | None = None,
    ) -> Operation[Json]:
        """Upload a file as the attachment of a record, which is created if it is not there.

        Args:
            filename: Name to store it under; that of the file unless given.
            data: Fields of the record to set as well.
            mimetype: Media type; guessed from the file's name unless given.

        Returns:
            What the service says of it: filename, location, hash, mimetype, size.
        """
        logger.info("Add attachment to record %r", id)
        source = Path(filepath)
        fields = {
            name: json_dumps(value)
            for name, value in (("data", data), ("permissions", permissions))
            if value is not None
        }
        making = Work(
            lambda: Multipart(
                fields,
                name="attachment",
                path=source,
                filename=filename or source.name,
                content_type=mimetype or mimetypes.guess_type(source)[0],
            )
        )
        yield making
        content: Multipart = making.result
        path = self.path("attachment", bucket, collection, id=id)
        self.context.timestamps.pop(self.records_path(bucket, collection), None)
        # It may be sent again: the same file takes the place of itself.
        response = yield Request(
            "POST", path, headers={"Content-Type": content.content_type}, content=content, repeatable=True
        )
        return cast("Json", body_of(response))

    @operation
    def remove_attachment(self, id: str, bucket: str | None = None, collection: str | None = None) -> Operation[None]:
        """Remove the attachment of a record; its field `attachment` becomes null."""
        logger.info("Remove attachment of record %r", id)
        self.context.timestamps.pop(self.records_path(bucket, collection), None)
        yield Request("DELETE", self.path("attachment", bucket, collection, id=id))

    @operation
    def download_attachment(
        self,
        record: Mapping[str, Any],
        filepath: str | os.PathLike[str] | None = None,
        save_metadata: bool = False,
        overwrite: bool = False,
        chunk_size: int = 8192,
        *,
        filename: str | None = None,
    ) -> Operation[str]:
        """Fetch the attachment of a record into a file, whose path is returned.

        The file appears, or is replaced, only when all of it has come and its size and SHA-256 are those of
        the record.  One that has them already is not fetched again, unless `overwrite` is set.

        Args:
            record: The record, or its envelope.
            filepath: File or directory to write; the current directory unless given.
            save_metadata: Write the record beside it, as JSON in `<file>.meta.json`.
            filename: Name in the directory, instead of the attachment's own.

        Raises:
            ValueError: The record has no attachment.
            KintoException: It cannot be fetched, or is not what the record says.
        """
        del chunk_size  # of the days when the transfer was the caller's concern
        record, _ = split(record, None)
        attachment = record.get("attachment")
        if not isinstance(attachment, Mapping):
            raise ValueError(f"Record {record.get('id')!r} has no attachment")
        described = cast("Mapping[str, Any]", attachment)
        target = _target(filepath, filename or str(described["filename"]))
        if not overwrite:
            check = Work(lambda: _is_same(target, described))
            yield check
            if check.result:
                return str(target)
        info = yield from self.server_info()
        base_url = info.get("capabilities", {}).get("attachments", {}).get("base_url") or ""
        url = urljoin(base_url, str(described["location"]))
        if "://" not in url:
            raise KintoException(f"The server does not tell where its attachments are: location is {url!r}")
        download = _Download(target)
        try:
            yield Request("GET", url, sink=download)
            if download.begun:  # not so in dry mode
                yield Work(lambda: download.finish(described))
                if save_metadata:
                    yield Work(lambda: _write_metadata(target, record))
        finally:
            download.discard()
        return str(target)


class _Download:
    """A file on its way: written beside its target under another name, and then put in its place."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self.begun = False

    def start(self) -> None:
        self.discard()
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._part = self._target.with_name(f".{self._target.name}.{secrets.token_hex(4)}.part")
        self._file = self._part.open("xb")
        self._hash, self._size, self.begun = hashlib.sha256(), 0, True

    def write(self, chunk: bytes) -> None:
        if self._file is not None:
            self._file.write(chunk)
            self._hash.update(chunk)
            self._size += len(chunk)

    def finish(self, described: Mapping[str, Any]) -> None:
        """Put it in its place, if it is what the record describes."""
        size, digest = described.get("size"), described.get("hash")
        if (size is not None and size != self._size) or (digest is not None and digest != self._hash.hexdigest()):
            raise KintoException(
                f"{self._size} bytes with SHA-256 {self._hash.hexdigest()} came, the record says {size} and {digest}"
            )
        if self._file is None:
            return
        self._file.close()
        self._part.replace(self._target)
        self._file = None

    def discard(self) -> None:
        """Leave nothing behind of what did not become whole."""
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)
            self._file = None


def _target(filepath: str | os.PathLike[str] | None, filename: str) -> Path:
    # Only the last part: the server must not choose the directory.
    name = PurePosixPath(PureWindowsPath(filename).as_posix()).name
    if filepath is not None and not (Path(filepath).is_dir() or os.fspath(filepath).endswith(os.sep)):
        return Path(filepath)
    if name in ("", ".", ".."):
        raise KintoException(f"The attachment has no usable filename: {filename!r}")
    return Path(name) if filepath is None else Path(filepath) / name


def _is_same(target: Path, described: Mapping[str, Any]) -> bool:
    return (
        target.is_file()
        and target.stat().st_size == described.get("size")
        and compute_sha256(target) == described.get("hash")
    )


def _write_metadata(target: Path, record: Mapping[str, Any]) -> None:
    target.with_name(f"{target.name}.meta.json").write_text(json.dumps(dict(record)), encoding="utf-8")
