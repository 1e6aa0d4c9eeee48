"""What came in a body: a JSON value, or the fields and files of a form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from restwright.sandbox.keystone.answers import ApiError, bad_request, unsupported_media_type

__all__ = ["Content", "FileContent", "from_request"]


@dataclass(frozen=True)
class FileContent:
    """A file of a multipart body."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Content:
    """The body of a request.

    Attributes:
        value: Of a JSON body; nothing is an empty object.
        form: Texts by name, if it is a form.
        files: By name.
    """

    value: Any = field(default_factory=dict[str, Any])
    form: Mapping[str, Sequence[str]] | None = None
    files: Mapping[str, FileContent] = field(default_factory=dict[str, FileContent])

    @property
    def data(self) -> Mapping[str, Any]:
        """The members of the JSON object, or the last text by name of the form.

        Raises:
            ApiError: 400, the JSON value is no object.
        """
        if self.form is not None:
            return {name: texts[-1] for name, texts in self.form.items()}
        if self.value.__class__ is not dict:
            kind = type(self.value).__name__
            raise bad_request({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
        members: dict[str, Any] = self.value
        return members


Fields: TypeAlias = Mapping[str, Sequence[bytes]]


def from_request(
    media_type: str, body: bytes, fields: Fields, files: Callable[[], Mapping[str, FileContent]]
) -> Content:
    """The content of a request.

    Args:
        media_type: The header field `Content-Type`.
        body: As it came.
        fields: Of the form, as Tornado has parsed them.
        files: Tells those of the form.

    Raises:
        ApiError: 415, or 400 if it is not what it says to be.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if not body:
        return Content()
    if kind == "application/json":
        return Content(_json(body))
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise unsupported_media_type(media_type)
    form = {name: [text.decode(errors="replace") for text in texts] for name, texts in fields.items()}
    return Content(form=form, files=files())


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, {"detail": f"JSON parse error - {error}"}) from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {text!r}")
