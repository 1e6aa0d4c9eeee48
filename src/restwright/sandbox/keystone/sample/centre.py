"""A computing centre, invented: people, teams, clusters, money, papers, and requests for computing time.

The same seed and date make the same centre. It is plain data; what tables it goes into is another module's business.
Records are numbered from 1 in the order of their lists.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

from restwright.sandbox.keystone.sample import words

__all__ = ["Centre", "Row", "Team", "accounts_only", "invent"]

ItemT = TypeVar("ItemT")
Row: TypeAlias = dict[str, Any]

USERS: Final = 200
TEAMS: Final = 40
REQUESTS: Final = 700
ALLOCATIONS: Final = 2000
STAFF: Final = 6  # the first ones


@dataclass(frozen=True)
class Team:
    """Some people, by their numbers."""

    name: str
    is_active: bool
    owner: int
    admins: Sequence[int]
    members: Sequence[int]

    @property
    def leads(self) -> list[int]:
        """Who may ask for computing time."""
        return [self.owner, *self.admins]

    @property
    def everybody(self) -> list[int]:
        """All of them."""
        return [*self.leads, *self.members]


@dataclass(frozen=True)
class Centre:
    """What was invented; rows have the names of columns."""

    users: list[Row]
    teams: list[Team]
    clusters: list[Row]
    grants: list[Row]
    publications: list[Row]
    requests: list[Row]
    allocations: list[Row]
    reviews: list[Row]
    comments: list[Row]
    notifications: list[Row]


def invent(seed: int, today: datetime.date, *, first: Sequence[Row]) -> Centre:
    """A centre.

    Args:
        seed: Of chance.
        today: Requests began and end around it.
        first: Accounts that there have to be: one of staff, and one who leads the first team, administers the second
            and is a member of the third.
    """
    inventor = _Inventor(random.Random(seed), today)  # noqa: S311  # chance, no secret
    users = inventor.users(first)
    teams = list(inventor.teams())
    requests = list(inventor.requests(teams))
    reviews = list(inventor.reviews(requests))
    return Centre(
        users=users,
        teams=teams,
        clusters=[{"name": name, "description": text, "enabled": name != "horizon"} for name, text in words.CLUSTERS],
        grants=list(inventor.grants(users, teams)),
        publications=list(inventor.publications()),
        requests=requests,
        allocations=list(inventor.allocations(requests)),
        reviews=reviews,
        comments=list(inventor.comments(requests, teams)),
        notifications=list(inventor.notifications(requests)),
    )


def accounts_only(first: Sequence[Row]) -> Centre:
    """One that is not yet open."""
    return Centre([dict(row) for row in first], [], [], [], [], [], [], [], [], [])


class _Inventor:
    def __init__(self, chance: random.Random, today: datetime.date) -> None:
        self._chance = chance
        self._today = today

    def users(self, first: Sequence[Row]) -> list[Row]:
        names = [(one, other) for one in words.FIRST_NAMES for other in words.LAST_NAMES]
        found = [dict(row) for row in first]
        for given, family in self._chance.sample(names, USERS - len(first)):
            username = f"{given[0]}{family}".lower()
            taken = {row["username"] for row in found}
            number = next(n for n in range(1, USERS) if (username if n == 1 else f"{username}{n}") not in taken)
            found.append(
                {
                    "username": username if number == 1 else f"{username}{number}",
                    "first_name": given,
                    "last_name": family,
                    "is_staff": len(found) < STAFF,
                }
            )
        for number, row in enumerate(found, 1):
            row["is_active"] = number <= STAFF or self._chance.random() > 0.04
            row["email"] = f"{row['username']}@centre.example"
            row["department"] = self._one(words.DEPARTMENTS)
            row["role"] = self._one(words.ROLES)
            row["date_joined"] = self._moment(self._past(2000))
        return found

    def teams(self) -> Iterator[Team]:
        people = range(STAFF + 1, USERS + 1)
        names = [f"{adjective} {subject}" for adjective in words.ADJECTIVES for subject in words.SUBJECTS]
        plain = 2  # the number of the plain account: it leads, administers, is a member
        for number, name in enumerate(self._chance.sample(names, TEAMS)):
            some = self._chance.sample(people, self._chance.randint(4, 12))
            owner = plain if number == 0 else some[0]
            admins = [plain] if number == 1 else some[1 : 1 + self._chance.randint(0, 2)]
            members = [*some[3:], *([plain] if number == 2 else [])]
            yield Team(name, number < 3 or self._chance.random() > 0.05, owner, admins, members)

    def grants(self, users: Sequence[Row], teams: Sequence[Team]) -> Iterator[Row]:
        for number in range(1, 121):
            start = self._past(1400)
            team = self._chance.randint(1, TEAMS)
            lead = users[teams[team - 1].owner - 1]
            yield {
                "title": self._title(),
                "agency": self._one(words.AGENCIES),
                "pi": f"{lead['first_name']} {lead['last_name']}",
                "amount": Decimal(self._chance.randint(20, 2400) * 1000),
                "grant_number": f"G{start.year}-{number:04}",
                "start_date": start,
                "end_date": start + datetime.timedelta(days=self._one((365, 730, 1095))),
                "team_id": team,
            }

    def publications(self) -> Iterator[Row]:
        for number in range(1, 241):
            submitted = self._past(1400)
            published = submitted + datetime.timedelta(days=self._chance.randint(60, 300))
            title = self._title()
            yield {
                "title": title,
                "abstract": f"{title} was studied at scale. Results are compared with measurements.",
                "submitted": submitted,
                "published": published if published < self._today else None,
                "journal": self._one(words.JOURNALS),
                "doi": f"10.5555/{submitted.year}.{number:04}",
                "volume": str(self._chance.randint(1, 90)),
                "issue": str(self._chance.randint(1, 12)),
                "team_id": self._chance.randint(1, TEAMS),
            }

    def requests(self, teams: Sequence[Team]) -> Iterator[Row]:
        for number in range(1, REQUESTS + 1):
            team = (number - 1) % TEAMS + 1
            submitted = self._past(900)
            # Who asked long ago has an answer.
            is_new = (self._today - submitted).days < 30
            status = self._one(("PD", "PD", "CR") if is_new else ("AP", "AP", "AP", "AP", "AP", "DC"))
            active = submitted + datetime.timedelta(days=14) if status == "AP" else None
            yield {
                "title": self._title(),
                "description": f"{self._title()}, with parameter studies and ensembles. Estimates come from test runs.",
                "submitted": submitted,
                "active": active,
                "expire": active + datetime.timedelta(days=365) if active else None,
                "status": status,
                "submitter_id": self._one(teams[team - 1].leads),
                "team_id": team,
                "assignee_id": self._chance.randint(1, STAFF),
            }

    def allocations(self, requests: Sequence[Row]) -> Iterator[Row]:
        clusters = range(1, len(words.CLUSTERS) + 1)
        for number in range(ALLOCATIONS):
            index = number % len(requests)
            turn = number // len(requests)
            request = requests[index]
            requested = self._chance.randint(1, 500) * 1000
            awarded = int(requested * self._one((0.5, 0.8, 1.0, 1.0))) if request["status"] == "AP" else None
            is_over = request["expire"] is not None and request["expire"] < self._today
            yield {
                "requested": requested,
                "awarded": awarded,
                "final": int(awarded * self._chance.random()) if awarded is not None and is_over else None,
                "cluster_id": clusters[(index + turn) % len(clusters)],
                "request_id": index + 1,
            }

    def reviews(self, requests: Sequence[Row]) -> Iterator[Row]:
        for number, request in enumerate(requests, 1):
            if request["status"] != "PD":
                days = self._chance.randint(1, 13)
                yield {
                    "status": request["status"],
                    "submitted": self._moment(min(request["submitted"] + datetime.timedelta(days=days), self._today)),
                    "request_id": number,
                    "reviewer_id": request["assignee_id"],
                }

    def comments(self, requests: Sequence[Row], teams: Sequence[Team]) -> Iterator[Row]:
        for number, request in enumerate(requests, 1):
            team = teams[int(request["team_id"]) - 1]
            for _ in range(self._one((0, 0, 1, 2))):
                is_private = self._chance.random() < 0.2
                yield {
                    "content": self._one(words.REMARKS),
                    "created": self._moment(request["submitted"]),
                    "private": is_private,
                    "request_id": number,
                    "user_id": request["assignee_id"] if is_private else self._one(team.everybody),
                }

    def notifications(self, requests: Sequence[Row]) -> Iterator[Row]:
        """What the submitters were told about the end of their requests."""
        for request in requests:
            expire: datetime.date | None = request["expire"]
            left = None if expire is None else (expire - self._today).days
            if expire is None or left is None or left > 30:
                continue
            subject = "Your request has expired" if left < 0 else f"Your request expires in {left} days"
            yield {
                "time": self._moment(min(expire, self._today - datetime.timedelta(days=1))),
                "read": self._chance.random() < 0.7,
                "subject": subject,
                "message_html": f"<p>{subject}: {request['title']}.</p>",
                "notification_type": "RD" if left < 0 else "RE",
                "user_id": request["submitter_id"],
            }

    def _one(self, items: Sequence[ItemT]) -> ItemT:
        return self._chance.choice(items)

    def _title(self) -> str:
        return f"{self._one(words.METHODS)} {self._one(words.SUBJECTS)}"

    def _past(self, days: int) -> datetime.date:
        return self._today - datetime.timedelta(days=self._chance.randint(1, days))

    def _moment(self, day: datetime.date) -> datetime.datetime:
        """In office hours."""
        second = self._chance.randint(8 * 3600, 18 * 3600)
        return datetime.datetime.combine(day, datetime.time(), datetime.UTC) + datetime.timedelta(seconds=second)
