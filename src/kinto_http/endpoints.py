"""Paths of the server's objects."""

from __future__ import annotations

import functools
import logging
import string
from typing import ClassVar

from kinto_http.exceptions import KintoException
from kinto_http.slugs import slugify

logger = logging.getLogger(__name__)

_COLLECTION = "/buckets/{bucket}/collections/{collection}"


class Endpoints:
    """Path templates, filled with slugified ids.

    Args:
        root: Put before every path.
    """

    endpoints: ClassVar[dict[str, str]] = {
        "root": "/",
        "batch": "/batch",
        "permissions": "/permissions",
        "buckets": "/buckets",
        "bucket": "/buckets/{bucket}",
        "history": "/buckets/{bucket}/history",
        "groups": "/buckets/{bucket}/groups",
        "group": "/buckets/{bucket}/groups/{group}",
        "collections": "/buckets/{bucket}/collections",
        "collection": _COLLECTION,
        "records": f"{_COLLECTION}/records",
        "record": f"{_COLLECTION}/records/{{id}}",
        "attachment": f"{_COLLECTION}/records/{{id}}/attachment",
        "changeset": f"{_COLLECTION}/changeset",
    }

    def __init__(self, root: str = "") -> None:
        self._root = root

    def get(self, endpoint: str, **kwargs: object) -> str:
        """The path of an endpoint; fields its template does not have are ignored.

        Raises:
            KintoException: There is no such endpoint, or a field of its template is missing, empty,
                or has nothing left of it as an id: a path that lost a segment names other objects.
        """
        template = self.endpoints.get(endpoint)
        if template is None:
            raise KintoException(f"Unknown endpoint {endpoint!r}: choose from {', '.join(self.endpoints)}")
        form, fields = _compiled(template)
        segments: list[str] = []
        for field in fields:
            value = kwargs.get(field)
            # 0 is an id; the other falsy values stand for "not given".
            if not value and type(value) is not int:
                raise KintoException(f"Cannot get the {endpoint!r} endpoint: {field!r} is missing")
            segment = slugify(value)
            if not segment:
                raise KintoException(f"Cannot get the {endpoint!r} endpoint: {value!r} is no {field!r}")
            segments.append(segment)
        return self._root + form % tuple(segments)


@functools.cache
def _compiled(template: str) -> tuple[str, tuple[str, ...]]:
    """The template for the `%` operator, and its fields in order: filling it is then one operation."""
    form, fields = "", list[str]()
    for literal, field, _, _ in string.Formatter().parse(template):
        form += literal.replace("%", "%%")
        if field is not None:
            form += "%s"
            fields.append(field)
    return form, tuple(fields)
