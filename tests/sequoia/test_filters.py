"""What can be said with `where` is understood by the service, and means there what it says."""

from __future__ import annotations

import datetime

import pytest
from tests.sequoia.asking import add, names

from restwright import where
from sequoia.criteria import Criteria, StringExpressionFactory

CARS = [
    {"name": "a", "engine": "diesel", "doors": 5, "price": 9.5, "built": "2026-01-02", "isNew": True, "tags": ["x"]},
    {"name": "b", "engine": "diesel hybrid", "doors": 10, "price": 20, "built": "2026-01-03T10:00:00Z", "isNew": False},
    {"name": "c", "engine": "petrol", "doors": 3, "price": -1, "built": "2025-12-31", "tags": ["x", "y"]},
    {"name": "d", "doors": 4, "maker": {"country": "de"}},
]
START = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def cars(sequoia):
    add(sequoia, "contents", *CARS)


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        (where("engine") == "diesel", "a"),
        (where("isNew") == True, "a"),  # noqa: E712
        (where("doors") == 10, "b"),
        (where("engine") != "diesel", "bcd"),
        (where("doors") != 5, "bcd"),
        (where("doors") > 4, "ab"),
        (where("doors") >= 4, "abd"),
        (where("doors") < 4, "c"),
        (where("doors") <= 4, "cd"),
        (where("price") > 9.5, "b"),
        (where("price") < 0, "c"),
        (where("doors").between(4, 5), "ad"),
        (where("built") >= START, "ab"),
        (where("built") > datetime.date(2026, 1, 2), "b"),
        (where("built") < datetime.date(2026, 1, 1), "c"),
        (where("built").between(datetime.date(2025, 12, 31), START), "ac"),
        (where("engine").is_in(["petrol", "diesel", "steam"]), "ac"),
        (where("doors").is_in([3, 4]), "cd"),
        (where("engine").starts_with("diesel"), "ab"),
        (where("engine").is_present(), "abc"),
        (where("engine").is_missing(), "d"),
        (where("tags") == "y", "c"),
        (where("tags").is_in(["x", "z"]), "ac"),
        (where("maker.country") == "de", "d"),
        (~(where("doors") < 4), "abd"),
        (~(where("engine") == "diesel"), "bcd"),
        (~where("engine").is_missing(), "abc"),
        ((where("doors") > 3) & (where("engine").starts_with("diesel")) & (where("isNew") == False), "b"),  # noqa: E712
        (where("engine") == "steam", ""),
    ],
    ids=str,
)
def test_what_is_said_is_found(collect, criteria, found):
    pages = collect(lambda client: client.metadata.contents.browse("o", criteria))
    assert names(pages) == [[*found]]


def test_expressions_of_the_package_find_the_same(collect):
    criteria = Criteria().add_criterion(StringExpressionFactory.field("engine").equal_to("diesel"))
    assert names(collect(lambda client: client.metadata.contents.browse("o", criteria))) == [["a"]]


@pytest.mark.parametrize("value", ["a b&c=d", "ä+ö", "100%", "o:x", "#1", "a;b", "a?b", "'\"\\"])
def test_any_other_character_of_a_value_arrives(sequoia, collect, value):
    add(sequoia, "contents", {"name": "special", "engine": value})
    for criteria in (where("engine") == value, where("engine").is_in([value, "steam"])):
        assert names(collect(lambda client, what=criteria: client.metadata.contents.browse("o", what))) == [["special"]]
