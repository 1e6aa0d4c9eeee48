"""The list of all permissions (https://docs.kinto-storage.org/en/stable/api/1.x/permissions.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinto_http.answers import Json
from kinto_http.models import PermissionEntry
from kinto_http.operations import KintoOperations
from restwright.operation import operation
from restwright.plan import Operation, paged


class PermissionOperations(KintoOperations):
    """The permissions endpoint, an experimental feature of the service that its operator switches on."""

    @operation
    def get_permissions(
        self,
        /,
        exclude_resource_names: Sequence[str] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Operation[list[Json]]:
        """Every object on which you have permissions, and which; all pages.

        Args:
            exclude_resource_names: Kinds to leave out, such as "record".
            params: Further query parameters; sorted by `id` unless they say otherwise.  With `_limit`, only the
                first page, or as many as `pages` says.
            kwargs: Whatever else `requests.request` takes.
        """
        asked = {"_sort": "id", **(params or {})}
        if exclude_resource_names is not None:
            names = exclude_resource_names
            asked["exclude_resource_name"] = names if isinstance(names, str) else ",".join(names)
        if "_limit" in asked:
            asked.setdefault("pages", 1)
        entries: list[Json] = []
        # Not merged by id, as other lists are: records of two collections may have the same.
        plan = self._each_page(self.path("permissions"), asked, options=kwargs)
        yield from paged(plan, lambda page: entries.extend(PermissionEntry(item) for item in page.items))
        return entries
