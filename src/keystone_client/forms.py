"""Bodies of creations and updates: JSON, or a form with files in it."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, cast

from restwright.json_codec import encode
from restwright.message import EMPTY, Request, Unset
from restwright.multipart import FilePart, Form

Files: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]


class RecordForm(Form):
    """The fields of a record and files, with the fields as they were given."""

    def __init__(self, fields: Mapping[str, Any], files: Files) -> None:
        self.fields = fields
        super().__init__(_texts(fields), [file_part(name, given) for name, given in _pairs(files)])


def with_body(request: Request, fields: Any, files: Files | None = None) -> Request:
    """The request with fields as its body, in JSON unless there are files.

    Raises:
        TypeError: Fields beside files are no dict, or a file is none.
        OSError: A file cannot be read.
    """
    if not files:
        return request if isinstance(fields, Unset) else request.but(json=_plain(fields))
    if not isinstance(fields, (Mapping, Unset, type(None))):
        raise TypeError(f"the fields beside files must be a dict, got {fields!r}")
    form = RecordForm(cast("Mapping[str, Any]", fields or EMPTY), files)
    return request.but(content=form).with_header("Content-Type", form.content_type)


def file_part(name: str, given: Any) -> FilePart:
    """A file, in the words of `requests`: itself, or (name, file), or (name, file, media type).

    Raises:
        TypeError: It is none.
        OSError: It cannot be read.
    """
    whole: tuple[Any, ...] = tuple(cast("Any", given)) if isinstance(given, (tuple, list)) else (None, given)
    if not 2 <= len(whole) <= 3:
        raise TypeError(f"the file {name!r} must be (name, file) or (name, file, media type), got {len(whole)} items")
    source: Any = whole[1]
    known_as = whole[0] or Path(str(getattr(source, "name", source if isinstance(source, Path) else name))).name
    if isinstance(source, str):
        source = source.encode()
    is_file = hasattr(source, "read") and hasattr(source, "seek")
    if not isinstance(source, (bytes, Path)) and not is_file:
        raise TypeError(f"the file {name!r} must be a Path, bytes or an open binary file, got {type(source).__name__}")
    if is_file and isinstance(cast("Any", source).read(0), str):
        raise TypeError(f"the file {name!r} must be opened in binary mode, 'rb'")
    media_type = whole[2] if len(whole) > 2 else mimetypes.guess_type(known_as)[0] or "application/octet-stream"
    return FilePart(name, source, known_as, media_type)


def _pairs(files: Files) -> list[tuple[str, Any]]:
    """Each file with the name of its field.

    Raises:
        TypeError: They are neither a dict nor pairs.
    """
    given: Any = files
    pairs = given.items() if hasattr(given, "items") else given
    try:
        return [(name, file) for name, file in pairs]
    except (TypeError, ValueError):
        kind = type(given).__name__
        raise TypeError(f"files must be a dict, or pairs of a field's name and its file, got {kind}") from None


def _plain(fields: Any) -> Any:
    """Decimals as the texts that the service takes and gives."""
    if isinstance(fields, Mapping):
        members = cast("Mapping[str, Any]", fields)
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in members.items()}
    return fields


def _texts(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """As a form says it: lists as repeated names, true and false, structures as JSON; null is left out."""
    for name, value in fields.items():
        for item in cast("list[Any]", value) if isinstance(value, (list, tuple)) else [value]:
            if item is not None:
                yield name, _text(item)


def _text(value: Any) -> str:
    if isinstance(value, (str, Decimal)):
        return str(value)
    text = encode(value).decode()
    return text[1:-1] if text.startswith('"') else text  # a date
