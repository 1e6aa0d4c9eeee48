"""Files beside requests: which ones are taken, how they are stored, where they are read."""

from __future__ import annotations

import mimetypes
import posixpath
import re
import secrets
from typing import Any, Final

from sqlalchemy import select

from restwright.sandbox.keystone.answers import Answer, forbidden, no_such_route
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.content import FileContent
from restwright.sandbox.keystone.kinds import FilePart, Invalid
from restwright.sandbox.keystone.resource import Field
from restwright.sandbox.keystone.tables.session import Attachment

__all__ = ["ALLOWED_TYPES", "ATTACHMENT_FIELD", "MOST_BYTES", "MOST_FILES", "read_media", "store"]

MOST_BYTES: Final = 2621440
MOST_FILES: Final = 10
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OPEN: Final = "application/vnd.oasis.opendocument"
_SUFFIXES: Final = {
    ".bmp": "image/bmp",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".md": "text/markdown",
    ".odp": f"{_OPEN}.presentation",
    ".ods": f"{_OPEN}.spreadsheet",
    ".odt": f"{_OPEN}.text",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".webp": "image/webp",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
}
ALLOWED_TYPES: Final = tuple(sorted(set(_SUFFIXES.values())))


class _Upload(FilePart):
    """A file that may be attached."""

    def parse(self, value: Any) -> FileContent:
        """The file, if it is one, has something in it, is not too large and of a type that is taken."""
        if not isinstance(value, FileContent):
            raise Invalid("The submitted data was not a file. Check the encoding type on the form.")
        if not value.content:
            raise Invalid("The submitted file is empty.")
        if len(value.content) > MOST_BYTES:
            raise Invalid(f"File size should not exceed {MOST_BYTES} bytes.")
        kind = _type_of(value.filename)
        if kind not in ALLOWED_TYPES:
            raise Invalid(f"File type '{kind}' is not allowed.")
        return value


ATTACHMENT_FIELD: Final = Field(name="file", kind=_Upload(), attribute="file", required=True)


def store(call: Call, values: dict[str, Any], record: Any) -> None:
    """Give the file a path that no other has, and the record a name."""
    upload: FileContent | None = values.pop("file", None)
    if upload is not None:
        base = posixpath.basename(upload.filename.replace("\\", "/"))
        if record is None and not values.get("name"):
            values["name"] = base[:250]
        values |= {"file": _free_path(call, base), "content": upload.content}


def read_media(call: Call) -> Answer:
    """The content of a file, for those who may read the record.

    Raises:
        ApiError: 404 or 403.
    """
    path = call.path.removeprefix("/media/")
    attachment = call.session.scalars(select(Attachment).where(Attachment.file == path)).first()
    if attachment is None:
        raise no_such_route()
    access = call.application.catalogue.by_model[Attachment].access
    if not access.allows(access.read, call.user, attachment):
        raise forbidden()
    # As an attachment and nothing else: what others have uploaded shall not run in this origin.
    headers = {
        "Content-Disposition": f'attachment; filename="{posixpath.basename(path)}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(body=attachment.content, headers=headers, media_type=_type_of(path))


def _type_of(filename: str) -> str:
    suffix = posixpath.splitext(filename)[1].lower()
    # The rest by the library, whose table differs between Pythons; it is for the error alone.
    return _SUFFIXES.get(suffix) or mimetypes.guess_type(filename)[0] or "application/octet-stream"


def _free_path(call: Call, base: str) -> str:
    plain = re.sub(r"[^-\w.]", "", base.strip().replace(" ", "_"), flags=re.ASCII)[-100:]
    stem, dot, suffix = plain.rpartition(".")
    suffix = dot + suffix
    path = f"allocations/{stem or 'file'}{suffix}"
    while call.session.scalars(select(Attachment.id).where(Attachment.file == path)).first() is not None:
        path = f"allocations/{stem or 'file'}_{secrets.token_hex(4)}{suffix}"
    return path
