"""Tables of the service that logs in by session cookie (0.4 and later)."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, LargeBinary, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from restwright.sandbox.keystone.columns import Choice, Moment, Money, Slug
from restwright.sandbox.keystone.tables.shared import (
    REVIEW_STATUS,
    AllocationColumns,
    Identified,
    LogColumns,
    RequestColumns,
    UserColumns,
    now,
)

__all__ = [
    "ACCESS_MODE",
    "NOTIFICATION_TYPE",
    "ROLE",
    "Allocation",
    "AllocationRequest",
    "AllocationReview",
    "Attachment",
    "AuditLog",
    "Base",
    "Cluster",
    "Comment",
    "Grant",
    "LoginSession",
    "Membership",
    "Notification",
    "Preference",
    "Publication",
    "RequestLog",
    "TaskLog",
    "Team",
    "Token",
    "User",
]

ACCESS_MODE = {"WL": "Whitelist", "BL": "Blacklist", "OP": "Open"}
ROLE = {"OW": "Owner", "AD": "Admin", "MB": "Member"}
NOTIFICATION_TYPE = {"GM": "General Message", "RE": "Upcoming Request Expiration", "RD": "Request Past Expiration"}


class Base(DeclarativeBase):
    """What the tables of this era have in common."""


def _links(name: str, source: str, target: str) -> Table:
    """A table of pairs, for a many-to-many relationship."""
    columns: list[Column[int]] = [
        Column("source_id", ForeignKey(f"{source}.id", ondelete="CASCADE"), primary_key=True),
        Column("target_id", ForeignKey(f"{target}.id", ondelete="CASCADE"), primary_key=True),
    ]
    return Table(name, Base.metadata, *columns)


cluster_access_teams = _links("allocations_cluster_access_teams", "allocations_cluster", "users_team")
request_assignees = _links("allocations_request_assignees", "allocations_request", "users_user")
request_publications = _links("allocations_request_publications", "allocations_request", "research_publication")
request_grants = _links("allocations_request_grants", "allocations_request", "research_grant")


class User(UserColumns, Base):
    """A person with an account."""

    memberships: Mapped[list[Membership]] = relationship(back_populates="user", viewonly=True)

    @property
    def display_name(self) -> str:
        """As people say it."""
        return f"{self.first_name} {self.last_name}".strip() or self.username

    @property
    def abbreviation(self) -> str:
        """The initials."""
        return "".join(name[0] for name in (self.first_name, self.last_name) if name).upper()


class Team(Identified, Base):
    """People who compute together."""

    __tablename__ = "users_team"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    slug: Mapped[str] = mapped_column(Slug(255), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    memberships: Mapped[list[Membership]] = relationship(back_populates="team", viewonly=True)
    users: Mapped[list[User]] = relationship(secondary="users_membership", overlaps="memberships,team,user")


class Membership(Identified, Base):
    """A person in a team."""

    __tablename__ = "users_membership"
    __table_args__ = (UniqueConstraint("user_id", "team_id"), {"sqlite_autoincrement": True})

    role: Mapped[str] = mapped_column(Choice(ROLE), default="MB")
    user_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"))
    team_id: Mapped[int] = mapped_column(ForeignKey("users_team.id", ondelete="CASCADE"), index=True)
    user: Mapped[User] = relationship(back_populates="memberships", overlaps="users")
    team: Mapped[Team] = relationship(back_populates="memberships", overlaps="users")


class Cluster(Identified, Base):
    """A machine to compute on."""

    __tablename__ = "allocations_cluster"

    name: Mapped[str] = mapped_column(String(50), unique=True)
    description: Mapped[str | None] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)
    access_mode: Mapped[str] = mapped_column(Choice(ACCESS_MODE), default="OP")
    access_teams: Mapped[list[Team]] = relationship(secondary=cluster_access_teams)


class Grant(Identified, Base):
    """Money for the research of a team."""

    __tablename__ = "research_grant"

    title: Mapped[str] = mapped_column(String(250))
    agency: Mapped[str] = mapped_column(String(100))
    pi: Mapped[str | None] = mapped_column(String(150))
    amount: Mapped[Decimal] = mapped_column(Money)
    grant_number: Mapped[str | None] = mapped_column(String(250))
    start_date: Mapped[datetime.date]
    end_date: Mapped[datetime.date | None]
    description: Mapped[str | None] = mapped_column(Text)
    team_id: Mapped[int] = mapped_column(ForeignKey("users_team.id", ondelete="CASCADE"), index=True)
    team: Mapped[Team] = relationship()


class Publication(Identified, Base):
    """What a team has published."""

    __tablename__ = "research_publication"

    title: Mapped[str] = mapped_column(String(250))
    abstract: Mapped[str | None] = mapped_column(Text)
    published: Mapped[datetime.date | None]
    submitted: Mapped[datetime.date | None]
    journal: Mapped[str | None] = mapped_column(String(100))
    doi: Mapped[str | None] = mapped_column(String(50), unique=True)
    volume: Mapped[str | None] = mapped_column(String(20))
    issue: Mapped[str | None] = mapped_column(String(20))
    team_id: Mapped[int] = mapped_column(ForeignKey("users_team.id", ondelete="CASCADE"), index=True)
    team: Mapped[Team] = relationship()


class AllocationRequest(RequestColumns, Base):
    """A request of a team for computing time."""

    __tablename__ = "allocations_request"

    submitter_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"))
    team_id: Mapped[int] = mapped_column(ForeignKey("users_team.id", ondelete="CASCADE"), index=True)
    submitter: Mapped[User] = relationship()
    team: Mapped[Team] = relationship()
    assignees: Mapped[list[User]] = relationship(secondary=request_assignees)
    publications: Mapped[list[Publication]] = relationship(secondary=request_publications)
    grants: Mapped[list[Grant]] = relationship(secondary=request_grants)


class Allocation(AllocationColumns, Base):
    """Service units of one cluster, as a part of a request."""

    # A cluster that still has allocations cannot be deleted: the service answers 500 then.
    cluster_id: Mapped[int] = mapped_column(ForeignKey("allocations_cluster.id", ondelete="RESTRICT"), index=True)
    cluster: Mapped[Cluster] = relationship()
    request: Mapped[AllocationRequest] = relationship()


class AllocationReview(Identified, Base):
    """What a reviewer thinks of a request."""

    __tablename__ = "allocations_review"

    status: Mapped[str] = mapped_column(Choice(REVIEW_STATUS))
    submitted: Mapped[datetime.datetime] = mapped_column(Moment, default=now)
    request_id: Mapped[int] = mapped_column(ForeignKey("allocations_request.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"))
    request: Mapped[AllocationRequest] = relationship()
    reviewer: Mapped[User] = relationship()


class Attachment(Identified, Base):
    """A file beside a request. It lies in the database, so that one transaction has all of it or nothing.

    Attributes:
        file: Its path under the media root.
    """

    __tablename__ = "allocations_attachment"

    file: Mapped[str] = mapped_column(String(250), unique=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    name: Mapped[str] = mapped_column(String(250))
    uploaded: Mapped[datetime.datetime] = mapped_column(Moment, default=now)
    request_id: Mapped[int] = mapped_column(ForeignKey("allocations_request.id", ondelete="CASCADE"), index=True)
    request: Mapped[AllocationRequest] = relationship()


class Comment(Identified, Base):
    """A remark on a request."""

    __tablename__ = "allocations_comment"

    content: Mapped[str] = mapped_column(String(2000))
    created: Mapped[datetime.datetime] = mapped_column(Moment, default=now)
    private: Mapped[bool] = mapped_column(default=False)
    request_id: Mapped[int] = mapped_column(ForeignKey("allocations_request.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"))
    request: Mapped[AllocationRequest] = relationship()
    user: Mapped[User] = relationship()


class Notification(Identified, Base):
    """A message of the service to a person."""

    __tablename__ = "notifications_notification"

    time: Mapped[datetime.datetime] = mapped_column(Moment, default=now)
    read: Mapped[bool] = mapped_column(default=False)
    subject: Mapped[str] = mapped_column(String(250))
    message_html: Mapped[str] = mapped_column(Text)
    notification_type: Mapped[str] = mapped_column(Choice(NOTIFICATION_TYPE))
    user_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"), index=True)
    user: Mapped[User] = relationship()


def _thresholds() -> list[int]:
    return [30, 14]


class Preference(Identified, Base):
    """Of what a person wants to be told.

    Attributes:
        request_expiry_thresholds: So many days before a request expires.
    """

    __tablename__ = "notifications_preference"

    request_expiry_thresholds: Mapped[Any] = mapped_column(JSON, default=_thresholds)
    notify_on_expiration: Mapped[bool] = mapped_column(default=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"), unique=True)
    user: Mapped[User] = relationship()


class RequestLog(LogColumns, Base):
    """An exchange that the service had."""

    user: Mapped[User | None] = relationship(primaryjoin="foreign(RequestLog.user_id) == User.id", viewonly=True)


class AuditLog(Identified, Base):
    """A change of a record.

    Attributes:
        record_type: Route of the resource, such as `allocations/clusters`.
        record_id: `id` of the record.
        changes: Old and new value by field.
    """

    __tablename__ = "logs_audit"

    timestamp: Mapped[datetime.datetime] = mapped_column(Moment, default=now)
    action: Mapped[str] = mapped_column(String(10))
    record_type: Mapped[str] = mapped_column(String(50))
    record_id: Mapped[int] = mapped_column(index=True)
    changes: Mapped[Any] = mapped_column(JSON)
    cid: Mapped[str] = mapped_column(String(36))
    actor_id: Mapped[int | None]  # who may be gone meanwhile
    actor: Mapped[User | None] = relationship(primaryjoin="foreign(AuditLog.actor_id) == User.id", viewonly=True)


class TaskLog(Identified, Base):
    """A background task. The sandbox has none, so the table stays empty."""

    __tablename__ = "logs_task"

    name: Mapped[str] = mapped_column(String(250))
    status: Mapped[str] = mapped_column(String(50))
    timestamp: Mapped[datetime.datetime] = mapped_column(Moment, default=now)


class LoginSession(Base):
    """Who has logged in by this cookie.

    Attributes:
        key: Value of the cookie.
        expires: Seconds since the epoch.
    """

    __tablename__ = "authentication_session"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    expires: Mapped[float]
    user_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"))
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Token(Base):
    """A key for `Authorization: Token`."""

    __tablename__ = "authentication_token"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"), unique=True)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
