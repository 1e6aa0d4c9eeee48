"""The resources of the service that logs in by session cookie, as of its latest release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import object_session, selectinload

from restwright.sandbox.keystone.access import Access, Who
from restwright.sandbox.keystone.attachments import ATTACHMENT_FIELD, store
from restwright.sandbox.keystone.catalogue.hooks import (
    check_cluster_access,
    check_password,
    check_privacy,
    check_reviewer,
    hash_password,
    own_team,
    set_slug,
)
from restwright.sandbox.keystone.catalogue.scopes import all_of, by_access_mode, of_active, of_teams, of_user, public
from restwright.sandbox.keystone.kinds import Json, Text
from restwright.sandbox.keystone.links import Links
from restwright.sandbox.keystone.resource import Catalogue, Field, Resource, computed, fields_of
from restwright.sandbox.keystone.tables.session import (
    Allocation,
    AllocationRequest,
    AllocationReview,
    Attachment,
    AuditLog,
    Cluster,
    Comment,
    Grant,
    Membership,
    Notification,
    Preference,
    Publication,
    RequestLog,
    TaskLog,
    Team,
    User,
)

__all__ = ["CATALOGUE", "find_roles"]

_READ_ONLY = {"read_only": True}
_STAFF_ONLY = {"staff_only": True}
_IS_CALLER = {"required": False, "is_caller": True}
_LEADS = Who.STAFF | Who.LEADS
_MEMBERS = Who.STAFF | Who.MEMBERS


def find_roles(user: User) -> Mapping[int, str]:
    """The role of a user by the team's id."""
    session = object_session(user)
    assert session is not None
    rows = session.execute(select(Membership.team_id, Membership.role).where(Membership.user_id == user.id))
    return {one.team_id: one.role for one in rows}


def _membership(other: str) -> Field:
    """The memberships of a user or a team, each with the other side, `team` or `user`."""

    def compute(record: Any) -> list[dict[str, Any]]:
        shown = CATALOGUE.summary_of(Team if other == "team" else User)
        return [
            {
                "id": one.id,
                other: getattr(one, f"{other}_id"),
                "role": one.role,
                f"_{other}": {field.name: field.show(getattr(one, other)) for field in shown},
            }
            for one in sorted(record.memberships, key=lambda one: one.id)
        ]

    return computed("_membership", Json(), compute)


def _names_of(path: str) -> tuple[str, ...]:
    return tuple(f"{path}{name}" for name in ("username", "first_name", "last_name"))


_USERS = Resource(
    route="users/users",
    model=User,
    fields=(
        *fields_of(User, "id"),
        computed("display_name", Text(), lambda user: user.display_name),
        computed("abbreviation", Text(), lambda user: user.abbreviation),
        _membership("team"),
        *fields_of(
            User,
            "is_superuser username password first_name last_name email department role is_active is_staff "
            "is_ldap_user date_joined last_login",
            password={"write_only": True, "kind": Text(128)},
            date_joined=_READ_ONLY,
            last_login=_READ_ONLY,
            **dict.fromkeys(["is_superuser", "is_active", "is_staff", "is_ldap_user"], _STAFF_ONLY),
        ),
        computed("groups", Links(User), lambda _: []),
        computed("user_permissions", Links(User), lambda _: []),
    ),
    access=Access(update=Who.STAFF | Who.OWNER, owner="id", listed=of_active("is_active")),
    search=(*_names_of(""), "email", "department", "role"),
    summary=(
        "username",
        "first_name",
        "last_name",
        "display_name",
        "abbreviation",
        "email",
        "department",
        "role",
    ),
    prepare=(check_password, hash_password),
    loaders=(selectinload(User.memberships).selectinload(Membership.team),),
    is_audited=True,
)

_TEAMS = Resource(
    route="users/teams",
    model=Team,
    fields=(
        *fields_of(Team, "id name slug is_active users", name={"fixed": True}, slug=_READ_ONLY),
        _membership("user"),
    ),
    access=Access(
        create=Who.ANYONE,
        update=_LEADS,
        delete=_LEADS,
        team="id",
        listed=all_of(of_active("is_active"), of_teams("id")),
    ),
    search=("name",),
    summary=("slug", "name", "is_active"),
    prepare=(set_slug,),
    created=(own_team,),
    loaders=(selectinload(Team.memberships).selectinload(Membership.user),),
    is_audited=True,
)

_MEMBERSHIPS = Resource(
    route="users/memberships",
    model=Membership,
    fields=fields_of(Membership, "id role user team", role={"required": True, "default": None}),
    access=Access(
        create=_LEADS,
        update=_LEADS,
        delete=_LEADS | Who.OWNER,
        team="team_id",
        owner="user_id",
        listed=of_active("team.is_active"),
    ),
    search=("team.name", *_names_of("user.")),
    together=("user", "team"),
    is_audited=True,
    expand=True,
)

_CLUSTERS = Resource(
    route="allocations/clusters",
    model=Cluster,
    fields=fields_of(Cluster, "id name description enabled access_mode access_teams"),
    access=Access(listed=by_access_mode),
    search=("name", "description"),
    summary=("name", "enabled"),
    is_audited=True,
    expand=True,
)

_REQUESTS = Resource(
    route="allocations/requests",
    model=AllocationRequest,
    fields=fields_of(
        AllocationRequest,
        "id title description submitted active expire status submitter team assignees publications grants",
        submitted=_READ_ONLY,
    ),
    access=Access(read=_MEMBERS, create=_LEADS, team="team_id", listed=of_teams("team_id")),
    search=("title", "description", "team.name", *_names_of("submitter.")),
    summary=("title", "status", "active", "expire"),
    is_audited=True,
    expand=True,
)

_ALLOCATIONS = Resource(
    route="allocations/allocations",
    model=Allocation,
    fields=fields_of(Allocation, "id requested awarded final cluster request"),
    access=Access(read=_MEMBERS, create=_LEADS, team="request.team_id", listed=of_teams("request.team_id")),
    search=("request.team.name", "request.title", "cluster.name"),
    prepare=(check_cluster_access,),
    is_audited=True,
    expand=True,
)

_REVIEWS = Resource(
    route="allocations/reviews",
    model=AllocationReview,
    fields=fields_of(
        AllocationReview, "id status submitted request reviewer", submitted=_READ_ONLY, reviewer=_IS_CALLER
    ),
    access=Access(read=_MEMBERS, team="request.team_id", listed=of_teams("request.team_id")),
    prepare=(check_reviewer,),
    is_audited=True,
    expand=True,
)

_ATTACHMENTS = Resource(
    route="allocations/attachments",
    model=Attachment,
    fields=(
        *fields_of(Attachment, "id"),
        ATTACHMENT_FIELD,
        *fields_of(Attachment, "name uploaded request", uploaded=_READ_ONLY, name={"required": False}),
    ),
    access=Access(read=_MEMBERS, create=_LEADS, team="request.team_id", listed=of_teams("request.team_id")),
    prepare=(store,),
    is_audited=True,
    expand=True,
)

_COMMENTS = Resource(
    route="allocations/comments",
    model=Comment,
    fields=fields_of(Comment, "id content created private request user", created=_READ_ONLY, user=_IS_CALLER),
    access=Access(
        read=_MEMBERS,
        create=_MEMBERS,
        update=_MEMBERS,
        delete=_MEMBERS,
        team="request.team_id",
        listed=all_of(of_teams("request.team_id"), public),
        hides=True,
    ),
    search=("content", "request.title", *_names_of("user.")),
    prepare=(check_privacy,),
    is_audited=True,
    expand=True,
)

_OF_TEAM = Access(
    read=_MEMBERS, create=_MEMBERS, update=_MEMBERS, delete=_MEMBERS, team="team_id", listed=of_teams("team_id")
)

_GRANTS = Resource(
    route="research/grants",
    model=Grant,
    fields=fields_of(Grant, "id title agency pi amount grant_number start_date end_date description team"),
    access=_OF_TEAM,
    search=("title", "agency", "team.name", "pi"),
    is_audited=True,
    expand=True,
)

_PUBLICATIONS = Resource(
    route="research/publications",
    model=Publication,
    fields=fields_of(Publication, "id title abstract published submitted journal doi volume issue team"),
    access=_OF_TEAM,
    search=("title", "abstract", "journal", "doi", "team.name"),
    is_audited=True,
    expand=True,
)

_NOTIFICATIONS = Resource(
    route="notifications/notifications",
    model=Notification,
    fields=fields_of(
        Notification,
        "id time read subject message_html notification_type user",
        **dict.fromkeys(["time", "subject", "message_html", "notification_type", "user"], _READ_ONLY),
    ),
    access=Access(
        create=Who.ANYONE,
        update=Who.ANYONE,
        delete=Who.ANYONE,
        listed=of_user("user_id"),
        hides=True,
        staff_too=True,
    ),
    methods=("GET", "PATCH"),
    is_audited=True,
    expand=True,
)

_OWN = Who.STAFF | Who.OWNER

_PREFERENCES = Resource(
    route="notifications/preferences",
    model=Preference,
    fields=fields_of(Preference, "id request_expiry_thresholds notify_on_expiration user", user=_IS_CALLER),
    access=Access(read=_OWN, create=_OWN, update=_OWN, delete=_OWN, owner="user_id", listed=of_user("user_id")),
    search=_names_of("user."),
    is_audited=True,
    expand=True,
)


def _log(route: str, model: type[Any], names: str, search: tuple[str, ...] | None) -> Resource:
    return Resource(
        route=route,
        model=model,
        fields=fields_of(model, names),
        access=Access(read=Who.STAFF),
        methods=("GET",),
        search=search,
        expand=True,
    )


CATALOGUE = Catalogue(
    [
        _ALLOCATIONS,
        _ATTACHMENTS,
        _CLUSTERS,
        _COMMENTS,
        _REQUESTS,
        _REVIEWS,
        _GRANTS,
        _PUBLICATIONS,
        _NOTIFICATIONS,
        _PREFERENCES,
        _MEMBERSHIPS,
        _TEAMS,
        _USERS,
        _log("logs/audit", AuditLog, "id timestamp action record_type record_id changes cid actor", None),
        _log(
            "logs/requests",
            RequestLog,
            "id time method endpoint response_code remote_address cid user",
            ("method", "endpoint", "cid"),
        ),
        _log("logs/tasks", TaskLog, "id name status timestamp", ("name", "status")),
    ]
)
