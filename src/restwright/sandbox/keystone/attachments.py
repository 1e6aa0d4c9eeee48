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
ALLOWED_TYPES: Final = (
    "application/msword",
    "application/pdf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/csv",
    "text/markdown",
    "text/plain",
)
# The table of the standard library itself, not that of the machine: the rules are the same everywhere.
_TYPES: Final = mimetypes.MimeTypes()


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
    return _TYPES.guess_type(filename, strict=False)[0] or "application/octet-stream"


def _free_path(call: Call, base: str) -> str:
    stem, suffix = posixpath.splitext(re.sub(r"[^-\w.]", "", base.strip().replace(" ", "_"), flags=re.ASCII)[-100:])
    path = f"allocations/{stem or 'file'}{suffix}"
    while call.session.scalars(select(Attachment.id).where(Attachment.file == path)).first() is not None:
        path = f"allocations/{stem or 'file'}_{secrets.token_hex(4)}{suffix}"
    return path
