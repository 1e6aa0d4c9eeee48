"""Columns that the services of both eras have."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from restwright.sandbox.keystone.columns import Choice, Email, Moment

__all__ = [
    "REQUEST_STATUS",
    "REVIEW_STATUS",
    "AllocationColumns",
    "Identified",
    "LogColumns",
    "RequestColumns",
    "UserColumns",
    "now",
    "today",
]

REVIEW_STATUS = {"AP": "Approved", "DC": "Declined", "CR": "Changes Requested"}
REQUEST_STATUS = {"PD": "Pending", **REVIEW_STATUS}


def now() -> datetime.datetime:
    """The time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def today() -> datetime.date:
    """The date in UTC."""
    return now().date()


class Identified:
    """What has a number, which is never given again, not even after a delete."""

    __table_args__: Any = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy has it so

    id: Mapped[int] = mapped_column(primary_key=True)


class UserColumns(Identified):
    """A person with an account."""

    __tablename__ = "users_user"

    password: Mapped[str] = mapped_column(String(200))
    last_login: Mapped[datetime.datetime | None] = mapped_column(Moment)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    username: Mapped[str] = mapped_column(
        String(150), unique=True, info={"taken": "A user with that username already exists."}
    )
    first_name: Mapped[str] = mapped_column(String(150), default="")
    last_name: Mapped[str] = mapped_column(String(150), default="")
    email: Mapped[str] = mapped_column(Email(254), default="")
    department: Mapped[str | None] = mapped_column(String(1000))
    role: Mapped[str | None] = mapped_column(String(1000))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_staff: Mapped[bool] = mapped_column(default=False)
    is_ldap_user: Mapped[bool] = mapped_column(default=False)
    date_joined: Mapped[datetime.datetime] = mapped_column(Moment, default=now)


class RequestColumns(Identified):
    """A request of a group of people for computing time."""

    title: Mapped[str] = mapped_column(String(250))
    description: Mapped[str] = mapped_column(Text)
    submitted: Mapped[datetime.date] = mapped_column(default=today)
    active: Mapped[datetime.date | None]
    expire: Mapped[datetime.date | None]
    status: Mapped[str] = mapped_column(Choice(REQUEST_STATUS), default="PD")


class AllocationColumns(Identified):
    """Service units of one cluster, as a part of a request."""

    __tablename__ = "allocations_allocation"

    requested: Mapped[int]
    awarded: Mapped[int | None]
    final: Mapped[int | None]

    @declared_attr
    def request_id(cls) -> Mapped[int]:  # noqa: D102, N805
        return mapped_column(ForeignKey("allocations_request.id", ondelete="CASCADE"), index=True)


class LogColumns(Identified):
    """An exchange that the service had."""

    __tablename__ = "logs_request"

    time: Mapped[datetime.datetime] = mapped_column(Moment, default=now)
    method: Mapped[str] = mapped_column(String(10))
    endpoint: Mapped[str] = mapped_column(Text)
    response_code: Mapped[int]
    remote_address: Mapped[str | None] = mapped_column(String(100))
    cid: Mapped[str] = mapped_column(String(36), index=True)
    user_id: Mapped[int | None]  # who may be gone meanwhile
