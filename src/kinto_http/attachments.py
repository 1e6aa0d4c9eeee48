"""Files attached to records (https://github.com/Kinto/kinto-attachment)."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, cast
from urllib.parse import urljoin

import requests

from kinto_http.answers import Json, body_of, mapping_of
from kinto_http.arguments import split
from kinto_http.exceptions import KintoException
from kinto_http.operations import KintoOperations, logger
from kinto_http.utils import compute_sha256, json_dumps
from restwright.file_sink import FileSink
from restwright.message import Request, is_absolute
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
        record, _ = split(record, None)
        described = mapping_of(record.get("attachment"))
        if not described:
            raise ValueError(f"Record {record.get('id')!r} has no attachment")
        location = str(described.get("location") or "")
        target = _target(filepath, filename or str(described.get("filename") or location))
        if not overwrite:
            check = Work(lambda: _is_same(target, described))
            yield check
            if check.result:
                return str(target)
        if not is_absolute(location):
            info = yield from self.server_info()
            capability = mapping_of(mapping_of(info.get("capabilities")).get("attachments"))
            location = urljoin(str(capability.get("base_url") or ""), location)
            if not is_absolute(location):
                raise KintoException(f"The server does not tell where its attachments are: location is {location!r}")
        download = _Download(target, described)
        try:
            if getattr(requests.get, "__module__", None) != "requests.api":  # a test has put its own in its place
                yield Work(lambda: _fetch_by_stand_in(location, download, chunk_size))
            else:
                # As it is, for the hash is that of the file, not of its compressed form.
                yield Request("GET", location, headers={"Accept-Encoding": "identity"}, sink=download)
            if download.begun:  # not so in dry mode
                yield Work(download.finish)
                if save_metadata:
                    yield Work(lambda: _write_metadata(target, record))
        finally:
            download.discard()
        return str(target)


class _Download(FileSink):
    """The file of an attachment, which has to be what its record describes."""

    def __init__(self, target: Path, described: Mapping[str, Any]) -> None:
        super().__init__(target)
        self._described = described.get("size"), described.get("hash")
        self._hash = hashlib.sha256()

    def start(self) -> None:
        """Take the file from its beginning."""
        self._hash = hashlib.sha256()
        super().start()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            KintoException: There are more than the record says.
        """
        size, _ = self._described
        if isinstance(size, int) and self.size + len(chunk) > size:
            raise KintoException(f"The file is larger than the {size} bytes that the record says")
        self._hash.update(chunk)
        super().write(chunk)

    def finish(self) -> None:
        """Put it in its place, if it is what the record describes.

        Raises:
            KintoException: It is not.
        """
        size, digest = self._described
        came = self._hash.hexdigest()
        if size not in (None, self.size) or digest not in (None, came):
            raise KintoException(f"{self.size} bytes with SHA-256 {came} came, the record says {size} and {digest}")
        super().finish()


def _fetch_by_stand_in(location: str, download: _Download, chunk_size: int) -> None:
    """As `kinto-http` does, whose users' tests stand in for the function."""
    with requests.get(location, stream=True) as response:  # noqa: S113
        response.raise_for_status()
        download.start()
        for chunk in response.iter_content(chunk_size=chunk_size):
            download.write(chunk)


def _target(filepath: str | os.PathLike[str] | None, filename: str) -> Path:
    if filepath is not None and not (Path(filepath).is_dir() or os.fspath(filepath).endswith(("/", os.sep))):
        return Path(filepath)
    # Only the last part: the server must not choose the directory, nor on Windows the drive.
    name = PureWindowsPath(filename).name
    if name in ("", ".", "..") or not name.isprintable():
        raise KintoException(f"The attachment has no usable filename: {filename!r}")
    return Path(filepath or "", name)


def _is_same(target: Path, described: Mapping[str, Any]) -> bool:
    return (
        target.is_file()
        and target.stat().st_size == described.get("size")
        and compute_sha256(target) == described.get("hash")
    )


def _write_metadata(target: Path, record: Mapping[str, Any]) -> None:
    target.with_name(f"{target.name}.meta.json").write_text(json_dumps(dict(record)), encoding="utf-8")
