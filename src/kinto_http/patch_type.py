"""What may be given to the `patch_*` operations as `changes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

PatchBody: TypeAlias = Mapping[str, Any] | Sequence[Any] | None


class PatchType:
    """A body and the media type that says how the server applies it; a subclass needs no more than both."""

    content_type: str = ""
    body: PatchBody = None


class BasicPatch(PatchType):
    """Replaces the named attributes; a sub-object is replaced whole and no attribute can be removed."""

    content_type = "application/json"

    def __init__(
        self, data: Mapping[str, Any] | None = None, permissions: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        parts = {"data": data, "permissions": permissions}
        self.body = {name: part for name, part in parts.items() if part is not None}


class MergePatch(BasicPatch):
    """Merges sub-objects too; `None` removes an attribute (RFC 7396)."""

    content_type = "application/merge-patch+json"


class JSONPatch(PatchType):
    """A list of operations on `{"data": ..., "permissions": ...}` (RFC 6902).

    Paths start with `/data/` or `/permissions/<permission>/<principal>`; a failed `test` is a 400.
    """

    content_type = "application/json-patch+json"

    def __init__(self, operations: Sequence[Mapping[str, Any]]) -> None:
        self.body = operations
