"""The operations on each resource that is known by name; what else a service has, clients find in its document."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from keystone_client.context import Context
from keystone_client.discovery import Resource
from keystone_client.operations import HTTPOperations
from keystone_client.records import (
    create,
    delete,
    iterate,
    list_of,
    method_named,
    no_such_resource,
    of,
    retrieval,
    update,
)


class KeystoneOperations(HTTPOperations):
    """All operations: on these resources, and on those that the service's own document lists.

    `create_x`, `retrieve_x`, `iterate_x`, `update_x` and `delete_x` for a resource x that is not named here are made
    when they are first asked for.
    """

    create_allocation = of(create, "allocation")
    retrieve_allocation = retrieval("allocation")
    iterate_allocation = list_of(iterate, "allocation")
    update_allocation = of(update, "allocation")
    delete_allocation = of(delete, "allocation")

    create_attachment = of(create, "attachment")
    retrieve_attachment = retrieval("attachment")
    iterate_attachment = list_of(iterate, "attachment")
    update_attachment = of(update, "attachment")
    delete_attachment = of(delete, "attachment")

    create_cluster = of(create, "cluster")
    retrieve_cluster = retrieval("cluster")
    iterate_cluster = list_of(iterate, "cluster")
    update_cluster = of(update, "cluster")
    delete_cluster = of(delete, "cluster")

    create_comment = of(create, "comment")
    retrieve_comment = retrieval("comment")
    iterate_comment = list_of(iterate, "comment")
    update_comment = of(update, "comment")
    delete_comment = of(delete, "comment")

    create_request = of(create, "request")
    retrieve_request = retrieval("request")
    iterate_request = list_of(iterate, "request")
    update_request = of(update, "request")
    delete_request = of(delete, "request")

    create_review = of(create, "review")
    retrieve_review = retrieval("review")
    iterate_review = list_of(iterate, "review")
    update_review = of(update, "review")
    delete_review = of(delete, "review")

    create_team = of(create, "team")
    retrieve_team = retrieval("team")
    iterate_team = list_of(iterate, "team")
    update_team = of(update, "team")
    delete_team = of(delete, "team")

    create_research_group = of(create, "research_group")
    retrieve_research_group = retrieval("research_group")
    iterate_research_group = list_of(iterate, "research_group")
    update_research_group = of(update, "research_group")
    delete_research_group = of(delete, "research_group")

    create_membership = of(create, "membership")
    retrieve_membership = retrieval("membership")
    iterate_membership = list_of(iterate, "membership")
    update_membership = of(update, "membership")
    delete_membership = of(delete, "membership")

    create_user = of(create, "user")
    retrieve_user = retrieval("user")
    iterate_user = list_of(iterate, "user")
    update_user = of(update, "user")
    delete_user = of(delete, "user")

    create_grant = of(create, "grant")
    retrieve_grant = retrieval("grant")
    iterate_grant = list_of(iterate, "grant")
    update_grant = of(update, "grant")
    delete_grant = of(delete, "grant")

    create_publication = of(create, "publication")
    retrieve_publication = retrieval("publication")
    iterate_publication = list_of(iterate, "publication")
    update_publication = of(update, "publication")
    delete_publication = of(delete, "publication")

    create_notification = of(create, "notification")
    retrieve_notification = retrieval("notification")
    iterate_notification = list_of(iterate, "notification")
    update_notification = of(update, "notification")
    delete_notification = of(delete, "notification")

    create_preference = of(create, "preference")
    retrieve_preference = retrieval("preference")
    iterate_preference = list_of(iterate, "preference")
    update_preference = of(update, "preference")
    delete_preference = of(delete, "preference")

    def __getattr__(self, name: str) -> Any:
        method = None if name.startswith("_") else method_named(name)
        if method is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{self._hint(name)}")
        resource = name.partition("_")[2]
        known = self.context.resources
        if known is not None and resource not in known:
            raise AttributeError(no_such_resource(self.context, resource))
        return method.__get__(self, type(self))

    def __dir__(self) -> list[str]:
        context: Context | None = vars(self).get("context")
        known: Mapping[str, Resource] = (context.resources if context is not None else None) or {}
        verbs = {
            "create": "create",
            "retrieve": "retrieve",
            "iterate": "retrieve",
            "update": "update",
            "delete": "delete",
        }
        found = {f"{verb}_{name}" for name, one in known.items() for verb, needs in verbs.items() if needs in one.verbs}
        return sorted({*super().__dir__(), *found})

    def _hint(self, name: str) -> str:
        close = difflib.get_close_matches(name, dir(self), 1)
        return f"; did you mean {close[0]!r}?" if close else ""
