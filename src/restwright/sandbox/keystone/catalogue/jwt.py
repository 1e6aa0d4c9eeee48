"""The resources of the service that logs in by signed tokens."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import object_session

from restwright.sandbox.keystone.access import Access, Who
from restwright.sandbox.keystone.catalogue.hooks import hash_password
from restwright.sandbox.keystone.catalogue.scopes import of_teams
from restwright.sandbox.keystone.kinds import Text
from restwright.sandbox.keystone.links import Links
from restwright.sandbox.keystone.resource import Catalogue, Resource, computed, fields_of
from restwright.sandbox.keystone.tables.jwt import (
    Allocation,
    AllocationRequest,
    AllocationReview,
    AppLog,
    Cluster,
    Grant,
    Publication,
    RequestLog,
    ResearchGroup,
    TaskLog,
    User,
)

__all__ = ["CATALOGUE", "find_roles"]

_READ_ONLY = {"read_only": True}
_STAFF_ONLY = {"staff_only": True}
_LEADS = Who.STAFF | Who.LEADS
_MEMBERS = Who.STAFF | Who.MEMBERS


def find_roles(user: User) -> Mapping[int, str]:
    """The role of a user by the group's id; of several the highest."""
    session = object_session(user)
    assert session is not None
    among: list[tuple[str, ColumnElement[bool]]] = [
        ("MB", ResearchGroup.members.any(User.id == user.id)),
        ("AD", ResearchGroup.admins.any(User.id == user.id)),
        ("OW", ResearchGroup.pi_id == user.id),
    ]
    return {
        number: role for role, is_one in among for number in session.scalars(select(ResearchGroup.id).where(is_one))
    }


def _of_group(path: str, *, create: Who = Who.STAFF, change: Who = Who.STAFF) -> Access:
    """Seen by the group alone; for others there is no such record."""
    return Access(
        read=_MEMBERS, create=create, update=change, delete=change, team=path, listed=of_teams(path), hides=True
    )


CATALOGUE = Catalogue(
    [
        Resource(
            route="allocations/allocations",
            model=Allocation,
            fields=fields_of(Allocation, "id requested awarded final cluster request"),
            access=_of_group("request.group_id"),
        ),
        Resource(
            route="allocations/clusters",
            model=Cluster,
            fields=fields_of(Cluster, "id name description enabled"),
        ),
        Resource(
            route="allocations/requests",
            model=AllocationRequest,
            fields=fields_of(
                AllocationRequest,
                "id title description submitted status active expire group assignees",
                submitted=_READ_ONLY,
            ),
            access=_of_group("group_id", create=_LEADS),
        ),
        Resource(
            route="allocations/reviews",
            model=AllocationReview,
            fields=fields_of(
                AllocationReview,
                "id status public_comments private_comments date_modified request reviewer",
                date_modified=_READ_ONLY,
                reviewer={"required": False, "is_caller": True},
            ),
            access=_of_group("request.group_id"),
        ),
        Resource(
            route="research/grants",
            model=Grant,
            fields=fields_of(Grant, "id title agency amount grant_number fiscal_year start_date end_date group"),
            access=_of_group("group_id", create=_LEADS, change=_LEADS),
        ),
        Resource(
            route="research/publications",
            model=Publication,
            fields=fields_of(Publication, "id title abstract date journal doi group"),
            access=_of_group("group_id", create=_MEMBERS, change=_MEMBERS),
        ),
        Resource(
            route="users/researchgroups",
            model=ResearchGroup,
            fields=fields_of(ResearchGroup, "id name is_active pi admins members"),
            access=Access(create=Who.ANYONE, update=_LEADS, delete=_LEADS, team="id"),
        ),
        Resource(
            route="users/users",
            model=User,
            fields=(
                *fields_of(
                    User,
                    "id is_superuser username password first_name last_name email department role is_active is_staff "
                    "is_ldap_user date_joined last_login",
                    password={"write_only": True, "kind": Text(128)},
                    date_joined=_READ_ONLY,
                    last_login=_READ_ONLY,
                    **dict.fromkeys(["is_superuser", "is_active", "is_staff", "is_ldap_user"], _STAFF_ONLY),
                ),
                computed("groups", Links(User), lambda _: []),
                computed("user_permissions", Links(User), lambda _: []),
            ),
            access=Access(update=Who.STAFF | Who.OWNER, owner="id"),
            prepare=(hash_password,),
        ),
        *(
            Resource(
                route=route,
                model=model,
                fields=fields_of(model, names),
                access=Access(read=Who.STAFF),
                methods=("GET",),
            )
            for route, model, names in (
                ("logs/apps", AppLog, "id name level message time"),
                ("logs/requests", RequestLog, "id time method endpoint response_code remote_address cid user"),
                ("logs/tasks", TaskLog, "id name status timestamp"),
            )
        ),
    ]
)
