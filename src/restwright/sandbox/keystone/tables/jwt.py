"""Tables of the service that logs in by signed tokens (before 0.4)."""

from __future__ import annotations

import datetime
from decimal import Decimal

from sqlalchemy import Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from restwright.sandbox.keystone.columns import Choice, Moment, Money
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
    "Allocation",
    "AllocationRequest",
    "AllocationReview",
    "AppLog",
    "Base",
    "BlacklistedToken",
    "Cluster",
    "Grant",
    "Publication",
    "RequestLog",
    "ResearchGroup",
    "TaskLog",
    "User",
]


class Base(DeclarativeBase):
    """What the tables of this era have in common."""


def _links(name: str, source: str) -> Table:
    """A table of pairs, for a many-to-many relationship to users."""
    columns: list[Column[int]] = [
        Column("source_id", ForeignKey(f"{source}.id", ondelete="CASCADE"), primary_key=True),
        Column("target_id", ForeignKey("users_user.id", ondelete="CASCADE"), primary_key=True),
    ]
    return Table(name, Base.metadata, *columns)


group_admins = _links("users_researchgroup_admins", "users_researchgroup")
group_members = _links("users_researchgroup_members", "users_researchgroup")
request_assignees = _links("allocations_request_assignees", "allocations_request")


class User(UserColumns, Base):
    """A person with an account."""


class ResearchGroup(Identified, Base):
    """People who compute together.

    Attributes:
        pi: The principal investigator, who may do everything.
        admins: May do the same.
    """

    __tablename__ = "users_researchgroup"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    pi_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"), index=True)
    pi: Mapped[User] = relationship()
    admins: Mapped[list[User]] = relationship(secondary=group_admins)
    members: Mapped[list[User]] = relationship(secondary=group_members)


class Cluster(Identified, Base):
    """A machine to compute on."""

    __tablename__ = "allocations_cluster"

    name: Mapped[str] = mapped_column(String(50))
    description: Mapped[str | None] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)


class AllocationRequest(RequestColumns, Base):
    """A request of a group for computing time."""

    __tablename__ = "allocations_request"

    group_id: Mapped[int] = mapped_column(ForeignKey("users_researchgroup.id", ondelete="CASCADE"), index=True)
    group: Mapped[ResearchGroup] = relationship()
    assignees: Mapped[list[User]] = relationship(secondary=request_assignees)


class Allocation(AllocationColumns, Base):
    """Service units of one cluster, as a part of a request."""

    cluster_id: Mapped[int] = mapped_column(ForeignKey("allocations_cluster.id", ondelete="CASCADE"), index=True)
    cluster: Mapped[Cluster] = relationship()
    request: Mapped[AllocationRequest] = relationship()


class AllocationReview(Identified, Base):
    """What a reviewer thinks of a request."""

    __tablename__ = "allocations_review"

    status: Mapped[str] = mapped_column(Choice(REVIEW_STATUS))
    public_comments: Mapped[str | None] = mapped_column(Text)
    private_comments: Mapped[str | None] = mapped_column(Text)
    date_modified: Mapped[datetime.datetime] = mapped_column(Moment, default=now, onupdate=now)
    request_id: Mapped[int] = mapped_column(ForeignKey("allocations_request.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users_user.id", ondelete="CASCADE"))
    request: Mapped[AllocationRequest] = relationship()
    reviewer: Mapped[User] = relationship()


class Grant(Identified, Base):
    """Money for the research of a group."""

    __tablename__ = "research_grant"

    title: Mapped[str] = mapped_column(String(250))
    agency: Mapped[str] = mapped_column(String(100))
    amount: Mapped[Decimal] = mapped_column(Money)
    grant_number: Mapped[str] = mapped_column(String(250))
    fiscal_year: Mapped[int]
    start_date: Mapped[datetime.date]
    end_date: Mapped[datetime.date]
    group_id: Mapped[int] = mapped_column(ForeignKey("users_researchgroup.id", ondelete="CASCADE"), index=True)
    group: Mapped[ResearchGroup] = relationship()


class Publication(Identified, Base):
    """What a group has published."""

    __tablename__ = "research_publication"

    title: Mapped[str] = mapped_column(String(250))
    abstract: Mapped[str] = mapped_column(Text)
    date: Mapped[datetime.date]
    journal: Mapped[str] = mapped_column(String(100))
    doi: Mapped[str | None] = mapped_column(String(50))
    group_id: Mapped[int] = mapped_column(ForeignKey("users_researchgroup.id", ondelete="CASCADE"), index=True)
    group: Mapped[ResearchGroup] = relationship()


class RequestLog(LogColumns, Base):
    """An exchange that the service had."""

    user: Mapped[User | None] = relationship(primaryjoin="foreign(RequestLog.user_id) == User.id", viewonly=True)


class AppLog(Identified, Base):
    """A message of the service itself. The sandbox writes to the log of its process, so the table stays empty."""

    __tablename__ = "logs_app"

    name: Mapped[str] = mapped_column(String(100))
    level: Mapped[int]
    message: Mapped[str] = mapped_column(Text)
    time: Mapped[datetime.datetime] = mapped_column(Moment, default=now)


class TaskLog(Identified, Base):
    """A background task. The sandbox has none, so the table stays empty."""

    __tablename__ = "logs_task"

    name: Mapped[str] = mapped_column(String(250))
    status: Mapped[str] = mapped_column(String(50))
    timestamp: Mapped[datetime.datetime] = mapped_column(Moment, default=now)


class BlacklistedToken(Base):
    """A refresh token that a log-out has made worthless.

    Attributes:
        jti: Its id.
    """

    __tablename__ = "authentication_blacklist"

    jti: Mapped[str] = mapped_column(String(32), primary_key=True)
    date: Mapped[datetime.datetime] = mapped_column(Moment, default=now)
